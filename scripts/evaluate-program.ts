import { ProblemError } from "../providers/common/problem.js";
import type { Properties } from "../providers/lifecycle/inputs.js";
import { SETTINGS_KEY } from "../providers/lifecycle/settings-text.js";
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
  if (code === 0 && preview) return withKnownSettings(preview);
  const messages = preview?.diagnostics
    ?.filter(({ severity }) => severity === "error")
    .map(({ message }) => message ?? "");
  throw new ProblemError("invalid-input", {
    where: "the program",
    found: messages && messages.length > 0 ? messages.join("\n").trim() : output.trim(),
  });
}

/** How the engine writes a secret into its JSON, whatever it is asked to show. */
const HIDDEN = "[secret]";

/**
 * The preview as it is, when every resource's settings can be read in it.
 *
 * @throws ProblemError `refused` when a program made a secret of some: the engine tells them to the provider alone.
 */
export function withKnownSettings(preview: Preview): Preview {
  const hidden = (preview.steps ?? []).filter(({ newState }) => newState?.inputs?.[SETTINGS_KEY] === HIDDEN);
  if (hidden.length === 0) return preview;
  throw new ProblemError(
    "refused",
    hidden.map(({ urn }) => ({
      where: urn.split("::").at(-1) ?? urn,
      found: "something among its settings is a secret of Pulumi's, so the engine shows none of them",
      why: "Without them nothing can be reached from here",
      next: "Refer to credentials (env, file, command) instead; or use pulumi preview, which can look at what is in the state",
    })),
  );
}

function parsePreview(text: string): Preview | undefined {
  try {
    return JSON.parse(text) as Preview;
  } catch {
    return undefined;
  }
}
