import { interimFixes } from "../../providers/kinds/interim-fixes/kind.js";
import { freshAccess } from "../../providers/lifecycle/access.js";
import { managedProvider } from "../../providers/lifecycle/provider.js";
import { plansOfThisCommand } from "../../providers/lifecycle/shown.js";

/** One rollout by the real provider, in this process. */
export interface Rollout {
  /** @throws Error as the engine shows it, with the last of what was said */
  run(): Promise<void>;
  /** What differs from the declaration now, and whether anything is left to do. */
  look(): Promise<{ readonly deviations: unknown; readonly changes: boolean | undefined }>;
}

/** `args` as the resource takes them (`rolloutArgs`). Loads nothing of the engine's, for processes that do only this. */
export async function rolloutOf(args: object, say: (line: string) => void): Promise<Rollout> {
  const said: string[] = [];
  const provider = managedProvider(interimFixes, {
    ...{ fresh: freshAccess, cached: freshAccess, shown: plansOfThisCommand() },
    say(line) {
      said.push(line);
      say(line);
    },
  });
  const { inputs, failures = [] } = await provider.check({}, args);
  if (failures.length > 0) throw new Error(failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n"));
  const wanted = { ...(inputs as object), __provider: "pointer" };
  let state: { id: string; outs: object } | undefined;
  return {
    async run() {
      try {
        const { id, outs } = await provider.create(wanted);
        state = { id, outs };
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : error}\n${said.slice(-40).join("\n")}`);
      }
    },
    async look() {
      if (!state) throw new RangeError("it was not run");
      const seen = await provider.read(state.id, state.outs);
      const { changes } = await provider.diff(state.id, seen.props, wanted);
      return { deviations: (seen.inputs as Record<string, unknown> | undefined)?.deviations, changes };
    },
  };
}
