import { parseArgs } from "node:util";
import { formatProblem, ProblemError, problemsOf } from "../providers/common/problem.js";
import { type Request, requestInWords, writeRequest } from "../providers/kinds/interim-fixes/control.js";
import type { Kept } from "../providers/kinds/interim-fixes/journal.js";
import { interimFixes } from "../providers/kinds/interim-fixes/kind.js";
import type { Live } from "../providers/kinds/interim-fixes/live.js";
import type { Identity, Settings } from "../providers/kinds/interim-fixes/schema.js";
import { pastTurning } from "../providers/kinds/interim-fixes/turning.js";
import { cachedAccess } from "../providers/lifecycle/access.js";
import { lenientInputs } from "../providers/lifecycle/inputs.js";
import { loadRecord, recordKeyOf, stepsLeft } from "../providers/lifecycle/record.js";
import type { Host } from "../providers/targets/host.js";
import { closeAllHosts, openHost } from "../providers/targets/hosts.js";
import { readHold } from "../providers/targets/plugin/hold.js";
import { evaluateProgram } from "./evaluate-program.js";
import { type Holder, statusLines } from "./rollout/status.js";

const USAGE = `npm run rollout -- status|stop|resume|roll-back --stack STACK [--reason TEXT] [--config-file FILE]

Says how far a rollout of interim fixes is, or asks something of it. What is asked is read between two steps, by whoever
carries the rollout out; nothing is killed, the update installer least of all.

  status      whose it is, how far each node is and what runs on it, what is left, what was asked, who holds the routing
  stop        before its next step; pulumi up then goes on only after resume
  resume      take a stop back, or try again what went back; then run pulumi up
  roll-back   at the next step, or with the next pulumi up: everything as it was found

Exit code: 0 = said or asked, 1 = not`;

const REQUESTS: Readonly<Record<string, Request>> = { stop: "stop", resume: "resume", "roll-back": "roll back" };

interface Rollout {
  readonly id: string;
  readonly host: Host;
  readonly kept: Kept | undefined;
  readonly left: readonly string[];
  readonly by: string | undefined;
  readonly owner: string | undefined;
  readonly identity: Identity;
  readonly settings: Settings;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      stack: { type: "string", short: "s" },
      "config-file": { type: "string" },
      reason: { type: "string", default: "asked for by npm run rollout" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [verb = "", ...more] = positionals;
  const known = verb === "status" || verb in REQUESTS;
  if (values.help || !values.stack || !known || more.length > 0) {
    console.log(USAGE);
    return values.help ? 0 : 1;
  }
  const place = ["--stack", values.stack, ...(values["config-file"] ? ["--config-file", values["config-file"]] : [])];
  const rollouts = await rolloutsOf(place);
  for (const rollout of rollouts) {
    const request = REQUESTS[verb];
    if (request) await ask(rollout, request, values.reason);
    else await say(rollout);
  }
  return 0;
}

/** Every resource of interim fixes that the program declares, with its record. */
async function rolloutsOf(place: readonly string[]): Promise<readonly Rollout[]> {
  const preview = await evaluateProgram(place);
  const steps = (preview.steps ?? []).filter(({ newState }) => newState?.type.endsWith(`/${interimFixes.type}`));
  if (steps.length === 0)
    throw new ProblemError("missing", { where: "the program", found: "it declares no interim fixes" });
  const rollouts: Rollout[] = [];
  for (const { newState } of steps) {
    const { desired } = lenientInputs(interimFixes, newState?.inputs ?? {});
    const { identity, settings } = desired as Parameters<typeof interimFixes.plan>[0];
    const host = openHost(interimFixes.home(identity, settings));
    const key = await recordKeyOf(interimFixes, identity, host.files);
    const stored = await loadRecord(host.files, host, interimFixes.type, key);
    const run = stored?.record.run;
    rollouts.push({
      id: interimFixes.identify(identity),
      host,
      kept: stored?.record.kept as Kept | undefined,
      left: run ? stepsLeft(run) : [],
      by: run?.by,
      owner: stored?.record.owner,
      identity,
      settings,
    });
  }
  return rollouts;
}

async function ask({ id, host, kept }: Rollout, request: Request, reason: string): Promise<void> {
  const needless = request === "resume" ? false : !kept?.journal;
  if (needless) {
    throw new ProblemError("refused", { where: id, found: `no rollout is open, so there is nothing to ${request}` });
  }
  const past = request === "roll back" ? pastTurning(kept?.journal ?? null) : undefined;
  if (past) throw new ProblemError("refused", { ...past, where: id });
  await writeRequest(host, id, request, reason);
  const then = {
    stop: "It stops before its next step.",
    resume: "Now run pulumi up.",
    "roll back": "If no pulumi up is running, run one now.",
  };
  console.log(`${id}: asked to ${request}. ${then[request]}`);
}

async function say(rollout: Rollout): Promise<void> {
  const { host, id, settings } = rollout;
  const [asked, live, ...holders] = await Promise.all([
    requestInWords(host, id),
    rollout.kept?.journal ? lookAt(rollout) : undefined,
    ...settings.webServers.map(async (each) => [each.name, await holder(each)] as const),
  ]);
  const status = { ...rollout, asked, live, servers: settings.topology.nodes, holders: Object.fromEntries(holders) };
  for (const line of statusLines(status)) console.log(line);
}

/** Asked while a rollout is at work, too: it changes nothing. */
async function lookAt({ identity, settings }: Rollout): Promise<Live | string> {
  try {
    return await interimFixes.observe(identity, settings, cachedAccess);
  } catch (error) {
    return problemsOf(error, "rollout").map(formatProblem).join(" ");
  }
}

/** A web server that cannot be reached hides nothing of the others. */
async function holder({ connection, httpdConf }: Settings["webServers"][number]): Promise<Holder> {
  try {
    return await readHold(openHost(connection).files, connection, httpdConf);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return error.message;
  }
}

main()
  .catch((error: unknown) => {
    for (const problem of problemsOf(error, "rollout")) console.error(formatProblem(problem));
    return 1;
  })
  .then(async (code) => {
    await closeAllHosts();
    process.exitCode = code;
  });
