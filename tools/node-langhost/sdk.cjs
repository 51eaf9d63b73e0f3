"use strict";
const { createRequire } = require("node:module");
const path = require("node:path");

/** `require` as seen from a file in `folder`. */
function requireFrom(folder) {
  return createRequire(path.join(folder, "package.json"));
}

/**
 * The protocol as the program's own SDK defines it, so that host and SDK always match; nothing is installed for the
 * host itself.
 */
function loadSdk(folder) {
  const manifest = resolveIn(folder, "package.json");
  const inSdk = requireFrom(path.dirname(manifest));
  return {
    version: inSdk(manifest).version,
    grpc: inSdk("@grpc/grpc-js"),
    Empty: inSdk("google-protobuf/google/protobuf/empty_pb").Empty,
    Service: inSdk("@pulumi/pulumi/proto/language_grpc_pb").LanguageRuntimeService,
    language: inSdk("@pulumi/pulumi/proto/language_pb"),
    plugin: inSdk("@pulumi/pulumi/proto/plugin_pb"),
  };
}

/** The file of one of the SDK's executors (`run`, `run-policy-pack`, `run-plugin`) as the code in `folder` sees it. */
function executor(folder, name) {
  return resolveIn(folder, `cmd/${name}`);
}

function resolveIn(folder, file) {
  try {
    return requireFrom(folder).resolve(`@pulumi/pulumi/${file}`);
  } catch (cause) {
    throw new Error(`@pulumi/pulumi is not installed in ${folder} or above: run npm install there`, { cause });
  }
}

module.exports = { loadSdk, executor };
