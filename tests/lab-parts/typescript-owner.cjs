// @ts-nocheck: it hooks into the undocumented parts of the module loader
/** Runs a TypeScript entry of the project in a process of its own, as jest does it: `node typescript-owner.cjs FILE [ARGUMENT...]`. */
const { existsSync, readFileSync } = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const swc = require("@swc/core");

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, parent, ...rest) {
  const source = request.startsWith(".") && parent ? path.resolve(path.dirname(parent.filename), request) : request;
  const typed = source.replace(/\.js$/, ".ts");
  return source !== typed && existsSync(typed) ? typed : resolveFilename.call(this, request, parent, ...rest);
};
require.extensions[".ts"] = (module, filename) => {
  const { code } = swc.transformSync(readFileSync(filename, "utf8"), {
    filename,
    swcrc: false,
    jsc: { parser: { syntax: "typescript" }, target: "es2023" },
    module: { type: "commonjs" },
  });
  module._compile(code, filename);
};

const [entry] = process.argv.splice(2, 1);
process.argv[1] = path.resolve(entry);
require(process.argv[1]);
