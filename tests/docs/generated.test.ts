import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { freeValues, type JsonSchema, stackJsonSchema } from "../../components/config/json-schema.js";
import { generatedFiles } from "../../scripts/stack-schema/pages.js";

const root = resolve(__dirname, "..", "..");

test.each(Object.entries(generatedFiles()))("%s is what the schema says now", (path, text) => {
  // Another result means: npm run build && node dist/scripts/stack-schema.js
  expect(readFileSync(join(root, path), "utf8")).toBe(text);
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
