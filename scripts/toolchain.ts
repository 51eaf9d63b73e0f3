import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { ProblemError } from "../providers/common/problem.js";

/** The checkout: the nearest folder above with the toolchain's sources in it, whether this runs from scripts/ or dist/. */
function checkout(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "tools", "pulumi", "go.mod"))) return folder;
    if (folder === dirname(folder)) throw new Error(`${__dirname} is not inside a checkout of pulumi-connections`);
  }
}

/**
 * The environment in which programs of this checkout run: `base` with our tools (pulumi, node) first on PATH and the
 * CLI kept from looking for updates and downloading plug-ins.
 *
 * @param base what to start from; default: this process's environment
 * @param root the checkout; default: the one this file is in
 * @throws ProblemError `missing` when set-up has not been run
 */
export function toolchainEnvironment(base: NodeJS.ProcessEnv = process.env, root = checkout()): NodeJS.ProcessEnv {
  const bin = join(root, ".toolchain", "bin");
  // A link that leads nowhere does not exist to existsSync: a CLI that was uninstalled is noticed too.
  const missing = ["pulumi", "node"].filter((name) => !existsSync(join(bin, name)));
  if (missing.length > 0) {
    throw new ProblemError("missing", {
      where: bin,
      found: `no ${missing.join(" and no ")}`,
      why: "The Pulumi engine is started from there",
      next: "npm run setup",
    });
  }
  return {
    ...base,
    PATH: [bin, join(root, "node_modules", ".bin"), base.PATH ?? ""].join(delimiter),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}
