import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { formatProblem, problemsOf } from "../providers/common/problem.js";
import { kindOf } from "../providers/index.js";
import { cachedAccess } from "../providers/lifecycle/access.js";
import { type AnyKind, lenientInputs, type Properties } from "../providers/lifecycle/inputs.js";
import { judged } from "../providers/lifecycle/judge.js";
import type { Plan } from "../providers/lifecycle/kind.js";
import { look } from "../providers/lifecycle/look.js";
import { planLines } from "../providers/lifecycle/report.js";
import { writeState } from "../providers/lifecycle/state.js";
import { closeAllDatabases } from "../providers/targets/db2/database.js";
import { hostKeyWarnings } from "../providers/targets/host-keys.js";
import { closeAllHosts } from "../providers/targets/hosts.js";
import { evaluateProgram } from "./evaluate-program.js";

const USAGE = `npm run plan -- --stack STACK [--config-file FILE] [--import-file FILE]

Looks at the live systems, changes nothing, and prints for every resource of the program what up would do, step by step:
also for resources that are not in the stack's state yet, about which pulumi preview can say nothing.

  --import-file FILE   also writes a file for "pulumi import --file FILE --generate-code=false", which takes
                       what is not in the state yet into it as it is found

Exit code: 0 = planned, 1 = the program or a resource could not be looked at, 2 = something is refused`;

interface Looked {
  readonly urn: string;
  readonly kind: AnyKind;
  readonly inputs: Properties;
  readonly id: string;
  readonly isNew: boolean;
  readonly seen: { readonly live: object; readonly kept: object; readonly plan: Plan } | { readonly error: unknown };
}

const TYPE_PREFIX = "pulumi-nodejs:dynamic/";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      stack: { type: "string", short: "s" },
      "config-file": { type: "string" },
      "import-file": { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help || !values.stack) {
    console.log(USAGE);
    return values.help ? 0 : 1;
  }
  const place = ["--stack", values.stack, ...(values["config-file"] ? ["--config-file", values["config-file"]] : [])];
  const preview = await evaluateProgram(place, values["import-file"]);
  // All at once: connections and snapshots are shared, and one dead host keeps nobody else waiting.
  const looked = await Promise.all(
    (preview.steps ?? []).flatMap((step) => {
      const { type = "", inputs } = step.newState ?? {};
      if (!inputs || !type.startsWith(TYPE_PREFIX) || step.op.startsWith("delete")) return [];
      return [lookAt(step.urn, kindOf(type.slice(TYPE_PREFIX.length)), inputs, step.op.startsWith("create"))];
    }),
  );
  for (const one of looked) print(one);
  if (looked.length === 0) console.log("The program declares no resource that could be planned.");
  if (values["import-file"]) await fillImportFile(values["import-file"], looked);
  if (looked.some((one) => "error" in one.seen)) return 1;
  return looked.some((one) => "plan" in one.seen && one.seen.plan.refusals.length > 0) ? 2 : 0;
}

async function lookAt(urn: string, kind: AnyKind, given: Properties, isNew: boolean): Promise<Looked> {
  const inputs = lenientInputs(kind, given);
  const { desired } = inputs;
  const one = { urn, kind, inputs: given, isNew, id: kind.identify(desired.identity) };
  try {
    const { live, kept, owner } = await look(kind, inputs, cachedAccess);
    const plan = judged(kind, inputs, kind.plan(desired, live, kept), {
      now: new Date(),
      ...(owner === undefined ? {} : { owner }),
    });
    const notes = [...plan.notes, ...hostKeyWarnings(kind.home(desired.identity, desired.settings))];
    return { ...one, seen: { live, kept, plan: { ...plan, notes } } };
  } catch (error) {
    return { ...one, seen: { error } };
  }
}

function print({ urn, kind, id, isNew, seen }: Looked): void {
  const title = `${urn.split("::").at(-1)} (${kind.type} ${id})${isNew ? ", not in the state yet" : ""}`;
  if ("error" in seen) {
    console.log(
      `${title}\n${problemsOf(seen.error, id)
        .map((problem) => `  could not be looked at: ${formatProblem(problem)}`)
        .join("\n")}`,
    );
    return;
  }
  const lines = planLines(title, seen.plan);
  console.log(lines.length > 0 ? lines.join("\n") : `${title}\n  nothing to do`);
}

/** Completes the skeleton that the engine wrote: identities, and inputs and outputs as observed. */
async function fillImportFile(path: string, looked: readonly Looked[]): Promise<void> {
  const skeleton = JSON.parse(await readFile(path, "utf8")) as { resources?: Record<string, unknown>[] };
  const resources = (skeleton.resources ?? []).map((resource) => {
    const found = looked.find(({ urn }) => urn.endsWith(`${resource.type}::${resource.logicalName ?? resource.name}`));
    if (!found || "error" in found.seen) return resource;
    const { kind, inputs, id, seen } = found;
    const outputs = writeState(kind, inputs, { live: seen.live, kept: seen.kept, claim: "" });
    return { ...resource, id, inputs, outputs };
  });
  await writeFile(path, `${JSON.stringify({ ...skeleton, resources }, undefined, 2)}\n`);
  console.log(`Written: ${path}`);
}

main()
  .catch((error: unknown) => {
    for (const problem of problemsOf(error, "plan")) console.error(formatProblem(problem));
    return 1;
  })
  .then(async (code) => {
    await closeAllDatabases();
    await closeAllHosts();
    process.exitCode = code;
  });
