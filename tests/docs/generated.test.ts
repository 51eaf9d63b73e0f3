import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { freeValues, type JsonSchema, stackJsonSchema } from "../../components/config/json-schema.js";
import { generatedFiles } from "../../scripts/stack-schema/pages.js";

const root = resolve(__dirname, "..", "..");

test.each(Object.entries(generatedFiles()))("%s is what the schema says now", (path, text) => {
  // Another result means: npm run build && node dist/scripts/stack-schema.js
  expect(readFileSync(join(root, path), "utf8")).toBe(text);
});

describe("the schema for editors", () => {
  type StackFile = { config: Record<string, Record<string, Record<string, unknown>>> };
  const schema = z.fromJSONSchema(JSON.parse(readFileSync(join(root, "docs", "stack-config.schema.json"), "utf8")));
  const example = (): StackFile => parseYaml(readFileSync(join(root, "Pulumi.example.yaml"), "utf8")) as StackFile;
  const changed = (change: (config: StackFile["config"]) => void): StackFile => {
    const file = example();
    change(file.config);
    return file;
  };
  const HOSTS = "pulumi-connections:hosts";

  test("takes the example, with what Pulumi and other projects put beside it", () => {
    const file = changed((config) => Object.assign(config, { "aws:region": "eu-west-1" }));
    expect(schema.safeParse({ ...file, encryptionsalt: "v1:x" }).error).toBeUndefined();
  });

  test.each<[string, (config: StackFile["config"]) => void]>([
    ["a mistyped key of the first level", (config) => Object.assign(config, { "pulumi-connections:rout": {} })],
    ["a mistyped key further down", (config) => Object.assign(config[HOSTS]?.web1 ?? {}, { adress: "x" })],
    ["a value of the wrong type", (config) => Object.assign(config[HOSTS]?.web1 ?? {}, { port: "22" })],
  ])("marks %s", (_, change) => {
    expect(schema.safeParse(changed(change)).success).toBe(false);
  });
});

/** Keys without a description, by their path. */
function undescribed(schema: JsonSchema, path: string): readonly string[] {
  const inner = Object.entries(schema.properties ?? {});
  const free = freeValues(schema);
  return [
    ...inner.filter(([, { description }]) => !description).map(([key]) => `${path}.${key}`),
    ...inner.flatMap(([key, value]) => undescribed(value, `${path}.${key}`)),
    ...(free ? undescribed(free, `${path}.NAME`) : []),
  ];
}

test("every key of the configuration says what it means", () => {
  expect(undescribed(stackJsonSchema(), "config")).toEqual([]);
});

test("Pulumi.yaml describes the same keys", () => {
  const declared = readFileSync(join(root, "Pulumi.yaml"), "utf8").split("\nconfig:\n")[1] ?? "";
  const keys = [...declared.matchAll(/^ {2}(\w+):$/gm)].map(([, key]) => key);
  expect(keys).toEqual(Object.keys(stackJsonSchema().properties ?? {}));
});
