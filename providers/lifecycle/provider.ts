import { randomUUID } from "node:crypto";
import type * as dynamic from "@pulumi/pulumi/dynamic";
import { sameJson } from "../common/json.js";
import { formatProblem, ProblemError, problemsOf } from "../common/problem.js";
import { hostKeyWarnings } from "../targets/host-keys.js";
import {
  type AnyKind,
  checkInputs,
  DEVIATIONS_KEY,
  lenientInputs,
  OWNER_KEY,
  type ParsedInputs,
  PROVIDER_KEY,
  type Properties,
  parseInputs,
} from "./inputs.js";
import { interruptible } from "./interrupt.js";
import type { Access } from "./kind.js";
import { PartialFailure, type Reconciled, reconcile, release } from "./reconcile.js";
import { loadRecord } from "./record.js";
import { planLines, type Say } from "./report.js";
import { inputsDiffer, planFromState, readState, type StoredState, UNOBSERVED, writeState } from "./state.js";
import { hasUnknown } from "./unknown.js";

/** What a provider reaches outside itself; tests put models in their place. */
export interface ProviderEnvironment {
  /** Reads for previews: from the snapshot that all resources of the process share. */
  readonly cached: Access;
  /** Reads for `up`: always asked anew. */
  readonly fresh: Access;
  readonly say: Say;
}

/** The six calls of the engine, for one kind. `check` and `diff` do no input or output but printing. */
export function managedProvider(kind: AnyKind, environment: ProviderEnvironment): Required<dynamic.ResourceProvider> {
  const owners = new Map<string, string>();
  const sayPlan = once(environment.say);
  const id = (inputs: ParsedInputs) => kind.identify(inputs.desired.identity);

  return {
    async configure() {},

    async check(_olds: Properties, news: Properties) {
      const { values, problems } = checkInputs(kind, news);
      const failures: dynamic.CheckFailure[] = problems.map(({ property, reason }) => ({ property, reason }));
      const inputs = lenientInputs(kind, values);
      if (failures.length === 0 && !hasUnknown(inputs.desired.identity)) {
        const other = owners.get(id(inputs));
        if (other !== undefined && other !== inputs.owner) {
          failures.push({
            property: Object.keys(kind.identity.shape)[0] ?? "",
            reason: `${id(inputs)} is also managed by ${other} of this program; one thing has one resource`,
          });
        }
        owners.set(id(inputs), inputs.owner);
      }
      return { inputs: { ...values }, failures };
    },

    async diff(_id: string, olds: Properties, news: Properties) {
      const state = readState(kind, olds);
      const wanted = lenientInputs(kind, news);
      const replaces = hasUnknown(wanted.desired.identity)
        ? []
        : Object.keys(kind.identity.shape).filter(
            (key) => !sameJson(inGroup(wanted.desired.identity, key), inGroup(state.inputs.desired.identity, key)),
          );
      if (replaces.length > 0) return { changes: true, replaces };
      if (hasUnknown(news)) return { changes: true };
      const plan = planFromState(kind, wanted.desired, state);
      const shown = plan ?? { steps: [], refusals: [], notes: [] };
      for (const line of planLines(`${kind.type} ${id(wanted)}`, shown, state.deviations)) sayPlan(line);
      for (const line of hostKeyWarningsOf(kind, wanted)) sayPlan(line);
      const due = plan === undefined || plan.steps.length > 0 || plan.refusals.length > 0;
      return { changes: due || inputsDiffer(state, wanted) || Object.keys(state.deviations).length > 0 };
    },

    async create(inputs: Properties) {
      const parsed = parseInputs(kind, inputs);
      const claim = randomUUID();
      const request = { kind, inputs: parsed, claim, access: environment.fresh, say: environment.say, sayPlan };
      const reached = await converge(kind, inputs, id(parsed), () => reconcile(request));
      return { id: id(parsed), outs: writeState(kind, inputs, reached) };
    },

    async update(_id: string, olds: Properties, news: Properties) {
      const parsed = parseInputs(kind, news);
      const state = readState(kind, olds);
      const shown = planFromState(kind, parsed.desired, state);
      const request = {
        kind,
        inputs: parsed,
        claim: state.claim || randomUUID(),
        access: environment.fresh,
        say: environment.say,
        sayPlan,
        // Nothing was really shown when the target could not be looked at.
        ...(shown && !state.deviations[UNOBSERVED] ? { shown } : {}),
      };
      const reached = await converge(kind, news, id(parsed), () => reconcile(request));
      return { outs: writeState(kind, news, reached) };
    },

    async read(resourceId: string, props: Properties) {
      const state = readState(kind, props);
      const seen = await look(kind, state, environment.cached);
      const deviations = Object.keys(seen.deviations).length > 0 ? { [DEVIATIONS_KEY]: seen.deviations } : {};
      const inputs = { ...state.properties, ...seen.aspects, ...deviations };
      return { id: resourceId, inputs, props: writeState(kind, inputs, seen.reached) };
    },

    async delete(_id: string, props: Properties) {
      const state = readState(kind, props);
      const request = {
        kind,
        inputs: state.inputs,
        claim: state.claim,
        access: environment.fresh,
        say: environment.say,
        sayPlan,
      };
      try {
        await interruptible(() => release(request));
      } catch (error) {
        // What is retained needs nothing from its target, so a host that is gone must not keep a stack alive.
        if (state.inputs.run.onDestroy === "restore" || !isOutOfReach(error)) throw asEngineError(error, kind.type);
        environment.say(`${kind.type} ${id(state.inputs)}: retained; its record stays behind: ${messageOf(error)}`);
      }
    },
  };
}

/** None for settings that do not parse: what is wrong with them is said elsewhere. */
function hostKeyWarningsOf(kind: AnyKind, { desired }: ParsedInputs): readonly string[] {
  try {
    return hostKeyWarnings(kind.home(desired.identity, desired.settings));
  } catch {
    return [];
  }
}

/** Observes for a preview. A target that cannot be looked at keeps its last known state and says so; nothing is thrown. */
async function look(
  kind: AnyKind,
  state: StoredState,
  access: Access,
): Promise<{ aspects: object; deviations: Readonly<Record<string, string>>; reached: Reconciled }> {
  const { desired, owner } = state.inputs;
  try {
    const home = access.host(kind.home(desired.identity, desired.settings));
    const [live, stored] = await Promise.all([
      kind.observe(desired.identity, desired.settings, access),
      loadRecord(access.files(home.connection), home, kind.type, kind.identify(desired.identity)),
    ]);
    const kept = stored?.record.kept ?? state.kept;
    const { aspects, deviations } = kind.describe(desired, live, kept);
    const foreign: Record<string, string> =
      stored && stored.record.owner !== owner ? { [OWNER_KEY]: `now managed by ${stored.record.owner}` } : {};
    return { aspects, deviations: { ...deviations, ...foreign }, reached: { live, kept, claim: state.claim } };
  } catch (error) {
    return {
      aspects: desired.aspects,
      deviations: { [UNOBSERVED]: `could not be looked at, what follows is the last known state: ${messageOf(error)}` },
      reached: { live: state.live, kept: state.kept, claim: state.claim },
    };
  }
}

/** Runs a reconcile; a failure after the first write becomes one that the engine stores and goes on from. */
async function converge(
  kind: AnyKind,
  inputs: Properties,
  resourceId: string,
  work: () => Promise<Reconciled>,
): Promise<Reconciled> {
  try {
    return await interruptible(work);
  } catch (error) {
    const failure = asEngineError(error, kind.type);
    if (!(error instanceof PartialFailure) || !error.reached) throw failure;
    throw Object.assign(failure, {
      id: resourceId,
      properties: { ...writeState(kind, inputs, error.reached), [PROVIDER_KEY]: inputs[PROVIDER_KEY] },
      reasons: error.problems.map(formatProblem),
    });
  }
}

/** The SDK prints `stack` of what a provider throws; people get the message alone. */
function asEngineError(error: unknown, where: string): Error {
  const failure = new Error(problemsOf(error, where).map(formatProblem).join("\n"));
  failure.name = "Error";
  failure.stack = "";
  return failure;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const isOutOfReach = (error: unknown): boolean =>
  error instanceof ProblemError && ["unreachable", "login", "host-key", "timeout"].includes(error.cause);

const inGroup = (group: object, key: string): unknown => (group as Record<string, unknown>)[key];

/** The engine asks for a diff more than once per operation; people read each line once. */
function once(say: Say): Say {
  const said = new Set<string>();
  return (line) => {
    if (said.has(line)) return;
    said.add(line);
    say(line);
  };
}
