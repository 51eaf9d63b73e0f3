"use strict";
const fs = require("node:fs");
const path = require("node:path");

/**
 * The resource providers that a program's packages ask for: those in its node_modules whose package.json says
 * `"pulumi": { "resource": true }`.
 */
function resourcePackages(root) {
  return installedPackages(path.join(root, "node_modules"))
    .map(readManifest)
    .filter((manifest) => manifest?.pulumi?.resource === true)
    .map(({ name, version, pulumi }) => ({
      name: pulumi.name ?? name.replace(/^@pulumi\//, ""),
      version: `v${(pulumi.version ?? version).replace(/^v/, "")}`,
      server: pulumi.server ?? "",
    }));
}

/** The packages that a program's package.json names, as `pulumi about` lists them. */
function declaredPackages(root) {
  const { dependencies = {}, devDependencies = {} } = readManifest(root) ?? {};
  return Object.entries({ ...dependencies, ...devDependencies }).map(([name, version]) => ({ name, version }));
}

function installedPackages(modules) {
  return foldersIn(modules).flatMap((name) => {
    const folder = path.join(modules, name);
    return name.startsWith("@") ? foldersIn(folder).map((scoped) => path.join(folder, scoped)) : [folder];
  });
}

function foldersIn(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).filter((name) => !name.startsWith("."));
}

function readManifest(folder) {
  const file = path.join(folder, "package.json");
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : undefined;
}

module.exports = { resourcePackages, declaredPackages };
