import { freeValues, inWords, type JsonSchema, stackJsonSchema } from "../../components/config/json-schema.js";

/** What generated pages say about themselves. */
const NOTICE =
  "Generated from the schema in components/config by `npm run build && node dist/scripts/stack-schema.js`.";
const PROJECT = "pulumi-connections";
/** How tables name a key that people choose, by the path of its object. */
const FREE_NAMES: Readonly<Record<string, string>> = {
  "topology.nodes": "NODE",
  "probes.clusters": "CLUSTER",
  "databases.NAME.levels": "COMPONENT",
};

/** Generated files by their path in the checkout. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return { "docs/stack-config.schema.json": stackFileSchema(), "docs/configuration.md": configurationPage() };
}

/** JSON Schema of a whole `Pulumi.<stack>.yaml`, for editors. Keys of other projects and of Pulumi itself pass. */
function stackFileSchema(): string {
  const keys = Object.entries(stackJsonSchema().properties ?? {});
  const known = keys.map(([key]) => key).join("|");
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $comment: NOTICE,
    title: "Stack configuration of pulumi-connections",
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: Object.fromEntries(keys.map(([key, value]) => [`${PROJECT}:${key}`, value])),
        patternProperties: { [`^${PROJECT}:(?!(${known})$)`]: false },
      },
    },
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

interface Section {
  readonly path: string;
  readonly schema: JsonSchema;
}

/** Every key with its meaning and default: one table per object. */
function configurationPage(): string {
  const root = stackJsonSchema();
  const sections = sectionsOf(root, "");
  const tables = sections.map(({ path, schema }) => {
    const rows = Object.entries(schema.properties ?? {}).map(([key, value]) => row(path, key, value, schema));
    const title = path === "" ? "" : `## ${path}\n\n${sentence(schema.description)}`;
    return `${title}| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return `# Configuration

<!-- ${NOTICE} -->

Every key of \`Pulumi.<stack>.yaml\`. In the file, the first level carries the project's name: \`${PROJECT}:hosts:\`. A whole
example with comments: [Pulumi.example.yaml](../Pulumi.example.yaml).

Names in capitals (NAME, NODE, CLUSTER, COMPONENT) are yours to choose or are those of your cell. A *duration* is a number with its unit:
\`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`1d\`. Where a credential is needed, a *reference* stands: \`{env: NAME}\`, \`{file: PATH}\` or
\`{command: [PROGRAM, ARGUMENT]}\`; see [SECURITY.md](../SECURITY.md).

${tables.join("\n")}`;
}

/** An object's section, then those of the objects inside it, in the order of the file. */
function sectionsOf(schema: JsonSchema, path: string): readonly Section[] {
  const one = oneOrMore(schema);
  if (one) return sectionsOf({ ...one, ...(schema.description && { description: schema.description }) }, path);
  const own = schema.properties ? [{ path, schema }] : [];
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
    sectionsOf(value, path === "" ? key : `${path}.${key}`),
  );
  const free = freeValues(schema);
  return [...own, ...inner, ...(free ? sectionsOf(free, `${path}.${FREE_NAMES[path] ?? "NAME"}`) : [])];
}

function row(path: string, key: string, value: JsonSchema, parent: JsonSchema): string {
  const here = path === "" ? key : `${path}.${key}`;
  const inside = sectionsOf(value, here)[0]?.path;
  const needed = parent.required?.includes(key);
  const fallback = value.default === undefined ? (needed ? "required" : "") : code(JSON.stringify(value.default));
  const alternatives = (oneOrMore(value) ? [] : (value.anyOf ?? [])).flatMap(({ properties }) =>
    Object.entries(properties ?? {}),
  );
  const meanings = alternatives.filter(([, { description }]) => description && !isReference(value));
  const meaning = [
    value.description ?? "",
    ...meanings.map(([name, { description }]) => `\`${name}\`: ${description}`),
  ];
  return `| \`${key}\` | ${inside ? `[${inside}](#${anchor(inside)})${oneOrMore(value) ? ", or a list of them" : ""}` : valueInWords(value)} | ${fallback} | ${cell(
    meaning.filter(Boolean).join("; "),
  )} |`;
}

function valueInWords(value: JsonSchema): string {
  if (isReference(value)) return "a reference";
  const free = freeValues(value);
  return cell(free ? `names, each with ${inWords(free)}` : inWords(value).replaceAll(/\{[^}]*\}/g, code));
}

/** An object, or a list of such objects: the object. */
function oneOrMore({ anyOf }: JsonSchema): JsonSchema | undefined {
  const [one, many, other] = anyOf ?? [];
  return one?.properties && many?.items?.properties && !other ? one : undefined;
}

/** One of the three ways to refer to a credential. */
const isReference = ({ anyOf }: JsonSchema): boolean =>
  anyOf?.some(({ properties }) => properties?.env && properties.env.type === "string") ?? false;

const sentence = (text: string | undefined): string =>
  text ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.\n\n` : "";
const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
const anchor = (heading: string): string => heading.toLowerCase().replaceAll(/[^a-z0-9 _-]/g, "");
