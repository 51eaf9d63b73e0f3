import { ProblemError } from "../providers/common/problem.js";
import type { Properties } from "../providers/lifecycle/inputs.js";
import { pulumiCommand } from "./pulumi-command.js";
import { toolchainEnvironment } from "./toolchain.js";

/** The parts of `pulumi preview --json` that matter here. */
export interface Preview {
  readonly steps?: readonly {
    readonly op: string;
    readonly urn: string;
    readonly newState?: { readonly type: string; readonly inputs?: Properties };
  }[];
  readonly diagnostics?: readonly { readonly message?: string; readonly severity?: string }[];
}

/** Lets the engine run the program and our checks, without looking at anything: that is done here, read-only. */
export async function evaluateProgram(place: readonly string[], importFile?: string): Promise<Preview> {
  const args = ["preview", "--json", "--refresh=false", "--show-sames", "--non-interactive", ...place];
  const { code, stdout, output } = await pulumiCommand(
    [...args, ...(importFile ? ["--import-file", importFile] : [])],
    {
      env: toolchainEnvironment(),
    },
  );
  const preview = parsePreview(stdout);
  if (code === 0 && preview) return preview;
  const messages = preview?.diagnostics
    ?.filter(({ severity }) => severity === "error")
    .map(({ message }) => message ?? "");
  throw new ProblemError("invalid-input", {
    where: "the program",
    found: messages && messages.length > 0 ? messages.join("\n").trim() : output.trim(),
  });
}

function parsePreview(text: string): Preview | undefined {
  try {
    return JSON.parse(text) as Preview;
  } catch {
    return undefined;
  }
}
