"use strict";
const { start, relay } = require("./children.cjs");
const { executor } = require("./sdk.cjs");

/** Runs a policy pack or another plug-in written for Node.js, and relays its output and exit code. */
async function runPlugin(sdk, call) {
  const request = call.request;
  const folder = request.getInfo().getProgramDirectory();
  const isPolicyPack = request.getKind() === "analyzer";
  const program = executor(folder, isPolicyPack ? "run-policy-pack" : "run-plugin");
  const child = start("node", [program, ...request.getArgsList(), folder], {
    // The policy pack executor always registers ts-node with the tsconfig.json of its working folder, and the
    // TypeScript that it brings does not know our project's module setting.
    cwd: isPolicyPack ? folder : request.getPwd() || folder,
    env: { ...process.env, ...assignments(request.getEnvList()) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  call.on("cancelled", () => child.kill("SIGINT"));
  const code = await relay(child, (stream, data) => {
    const response = new sdk.language.RunPluginResponse();
    response[`set${stream}`](new Uint8Array(data));
    call.write(response);
  });
  const last = new sdk.language.RunPluginResponse();
  last.setExitcode(typeof code === "number" ? code : 1);
  call.write(last);
}

/** `["A=1", "B=x=y"]` as an object. */
function assignments(list) {
  return Object.fromEntries(
    list.map((item) => {
      const end = item.indexOf("=");
      return end < 0 ? [item, ""] : [item.slice(0, end), item.slice(end + 1)];
    }),
  );
}

/** `pulumi install`. */
async function installDependencies(sdk, call) {
  const folder = call.request.getInfo()?.getProgramDirectory() || call.request.getDirectory();
  const child = start("npm", ["install", "--loglevel=error"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const code = await relay(child, (stream, data) => {
    const response = new sdk.language.InstallDependenciesResponse();
    response[`set${stream}`](new Uint8Array(data));
    call.write(response);
  });
  if (code !== 0) throw new Error(`npm install in ${folder} ended with ${code}`);
}

module.exports = { runPlugin, installDependencies };
