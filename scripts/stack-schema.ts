import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { generatedFiles } from "./stack-schema/pages.js";

/** Writes what is generated from the configuration's schema: the JSON Schema for editors and the page for people. */
async function main(root: string): Promise<void> {
  for (const [path, text] of Object.entries(generatedFiles())) {
    await writeFile(join(root, path), text);
    console.log(`Written: ${path}`);
  }
}

// From dist/scripts to the checkout.
main(resolve(__dirname, "..", "..")).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
