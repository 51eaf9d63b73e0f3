"use strict";
const { start, ended } = require("./children.cjs");
const { executor } = require("./sdk.cjs");

/** Exit code by which the SDK's executor says that the user has been shown the cause already. */
const CAUSE_SHOWN = 32;

/**
 * The command line of the SDK's program executor.
 * @param request a RunRequest
 * @param engineAddress where the engine listens
 * @returns {string[]} arguments of node
 */
function programArguments(request, engineAddress) {
  const info = request.getInfo();
  const flags = {
    monitor: request.getMonitorAddress(),
    engine: engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    stack: request.getStack(),
    pwd: request.getPwd(),
    "query-mode": String(request.getQuerymode()),
    parallel: String(request.getParallel()),
  };
  return [
    ...(runtimeOptions(info).nodeargs ?? "").split(/\s+/).filter(Boolean),
    executor(info?.getProgramDirectory() || request.getPwd(), "run"),
    ...Object.entries(flags).flatMap(([name, value]) => (value ? [`--${name}`, value] : [])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    request.getProgram() || ".",
    ...request.getArgsList(),
  ];
}

/** What the executor reads from its environment: the stack's configuration and how to treat TypeScript. */
function programEnvironment(request) {
  const options = runtimeOptions(request.getInfo());
  return {
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().entries())),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    ...(options.typescript === false ? {} : { PULUMI_NODEJS_TYPESCRIPT: "true" }),
    ...(options.tsconfig ? { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig } : {}),
  };
}

/** `runtime.options` of Pulumi.yaml. */
function runtimeOptions(info) {
  return info?.getOptions()?.toJavaScript() ?? {};
}

/** Runs the user's program to its end; its output goes where ours goes. */
async function runProgram(sdk, request, engineAddress) {
  const child = start("node", programArguments(request, engineAddress), {
    cwd: request.getPwd() || undefined,
    env: { ...process.env, ...programEnvironment(request) },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const code = await ended(child);
  const response = new sdk.language.RunResponse();
  if (code === CAUSE_SHOWN) response.setBail(true);
  else if (code !== 0) {
    response.setError(`the program ended with ${typeof code === "number" ? `exit code ${code}` : `signal ${code}`}`);
  }
  return response;
}

module.exports = { runProgram };
