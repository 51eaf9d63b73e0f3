import { execFile } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "../../lab/toolchain.js";
import { ENGINE_TEST_MS, type Engine } from "./engine.js";

/** `npm run rollout`, without the compiler before it. */
export function rollout(
  { workspace }: Pick<Engine, "workspace">,
  ...args: readonly string[]
): Promise<{ code: number; output: string }> {
  const program = join(projectRoot(), "dist", "scripts", "rollout.js");
  const place = ["--stack", workspace.stack, "--config-file", workspace.configFile];
  const options = { cwd: projectRoot(), env: workspace.environment, timeout: ENGINE_TEST_MS };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...args, ...place], options, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number") reject(error);
      else resolve({ code: Number(error?.code ?? 0), output: `${stdout}${stderr}` });
    });
  });
}
