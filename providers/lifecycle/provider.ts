import { randomUUID } from "node:crypto";
import type * as dynamic from "@pulumi/pulumi/dynamic";
import { formatProblem, ProblemError, problemsOf } from "../common/problem.js";
import { differingPaths, pathText } from "../common/values.js";
import { hostKeyWarnings } from "../targets/host-keys.js";
import { PartialFailure, type Reached } from "./execute.js";
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
import { judged, titleOf } from "./judge.js";
import type { Access, Plan } from "./kind.js";
import { look } from "./look.js";
import { type ReconcileRequest, reconcile, release } from "./reconcile.js";
import { planLines, type Say } from "./report.js";
import { compact } from "./settings-text.js";
import type { ShownPlan, ShownPlans } from "./shown.js";
import {
  inputsDiffer,
  keysThatDiffer,
  planFromState,
  readState,
  type StoredState,
  UNOBSERVED,
  UNRECORDED,
  writeState,
} from "./state.js";
import { hasUnknown } from "./unknown.js";

/** What a provider reaches outside itself; tests put models in their place. */
export interface ProviderEnvironment {
  /** Reads for previews: from the snapshot that all resources of the process share. */
  readonly cached: Access;
  /** Reads for `up`: always asked anew. */
  readonly fresh: Access;
  readonly say: Say;
  /** What previews have shown, for the updates after them. */
  readonly shown: ShownPlans;
  readonly now?: () => Date;
}

/** The six calls of the engine, for one kind. `check` and `diff` do no input or output but printing. */
export function managedProvider(kind: AnyKind, environment: ProviderEnvironment): Required<dynamic.ResourceProvider> {
  const owners = new Map<string, string>();
  const unshared = new Map<string, string>();
  const sayPlan = once(environment.say);
  const id = (inputs: ParsedInputs) => kind.identify(inputs.desired.identity);
  const requestFor = (inputs: ParsedInputs, claim: string): ReconcileRequest => ({
    kind,
    inputs,
    claim,
    access: environment.fresh,
    say: environment.say,
    sayPlan,
    ...(environment.now ? { now: environment.now } : {}),
  });

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
      if (failures.length === 0 && !hasUnknown(values)) {
        const own = kind.unshared?.(inputs.desired.settings);
        const other = own && [...unshared].find(([owner, value]) => owner !== inputs.owner && value === own.value)?.[0];
        if (own && other !== undefined) {
          failures.push({ property: own.property, reason: `${own.value} is that of ${other} too: ${own.why}` });
        } else if (own) unshared.set(inputs.owner, own.value);
      }
      return { inputs: compact(kind, values), failures };
    },

    async diff(_id: string, olds: Properties, news: Properties) {
      const state = readState(kind, olds);
      const wanted = lenientInputs(kind, news);
      const replaces = hasUnknown(wanted.desired.identity)
        ? []
        : keysThatDiffer(kind.identity, state.inputs.desired.identity, wanted.desired.identity);
      if (replaces.length > 0) return { changes: true, replaces };
      if (hasUnknown(news)) return { changes: true };
      const plan = planFromState(kind, wanted.desired, state);
      const isDue = plan === undefined || plan.steps.length > 0 || plan.refusals.length > 0;
      const changes = isDue || inputsDiffer(state, wanted) || Object.keys(state.deviations).length > 0;
      // A refresh compares with the inputs that the engine holds, before the program has declared any: no plan of anybody's.
      if (!owners.has(id(wanted))) return { changes };
      const former = settingsSince(state, wanted);
      environment.shown.remember(id(wanted), news, shownPlan(plan, state, former));
      const now = environment.now?.() ?? new Date();
      const { notes, ...due } = judged(kind, wanted, plan ?? EMPTY_PLAN, { now });
      const shown = { ...due, notes: [...notes, ...formerSettingsNote(former), ...runSettingsNote(state, wanted)] };
      for (const line of planLines(titleOf(kind, wanted), shown, sentences(kind, state, wanted))) sayPlan(line);
      for (const line of hostKeyWarningsOf(kind, wanted)) sayPlan(line);
      return { changes };
    },

    async create(inputs: Properties) {
      const parsed = parseInputs(kind, inputs);
      return { id: id(parsed), outs: await converge(kind, inputs, requestFor(parsed, randomUUID())) };
    },

    async update(_id: string, olds: Properties, news: Properties) {
      const parsed = parseInputs(kind, news);
      const state = readState(kind, olds);
      const former = settingsSince(state, parsed);
      const request = {
        ...requestFor(parsed, state.claim || randomUUID()),
        ...rememberedBy(state),
        shown:
          environment.shown.recall(id(parsed), news) ??
          shownPlan(planFromState(kind, parsed.desired, state), state, former),
        observedOtherwise: former.length > 0,
      };
      return { outs: await converge(kind, news, request) };
    },

    async read(resourceId: string, props: Properties) {
      const state = readState(kind, props);
      const seen = await observed(kind, state, environment.cached);
      const deviations = Object.keys(seen.deviations).length > 0 ? { [DEVIATIONS_KEY]: seen.deviations } : {};
      const inputs = { ...state.properties, ...seen.aspects, ...deviations };
      return { id: resourceId, inputs: compact(kind, inputs), props: writeState(kind, inputs, seen.reached) };
    },

    async delete(_id: string, props: Properties) {
      const state = readState(kind, props);
      const request = { ...requestFor(state.inputs, state.claim), ...rememberedBy(state) };
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

/** Looks for a preview. A target that cannot be looked at keeps its last known state and says so; nothing is thrown. */
async function observed(
  kind: AnyKind,
  state: StoredState,
  access: Access,
): Promise<{ aspects: object; deviations: Readonly<Record<string, string>>; reached: Known }> {
  const { desired, owner } = state.inputs;
  try {
    const { live, kept, owner: found } = await look(kind, state.inputs, access, rememberedBy(state).remembered?.kept);
    const { aspects, deviations } = kind.describe(desired, live, kept);
    const record: Record<string, string> = {};
    if (found !== undefined && found !== owner) record[OWNER_KEY] = `now managed by ${found}`;
    if (found === undefined && state.claim) record[UNRECORDED] = "the target has lost its record; up writes it anew";
    return { aspects, deviations: { ...deviations, ...record }, reached: { live, kept, claim: state.claim } };
  } catch (error) {
    return {
      aspects: desired.aspects,
      deviations: { [UNOBSERVED]: `could not be looked at, what follows is the last known state: ${messageOf(error)}` },
      reached: { live: state.live, kept: state.kept, claim: state.claim },
    };
  }
}

type Known = Reached & { readonly claim: string };

/** What the target remembered when it was last looked at: stands in for a record that it has lost since. */
const rememberedBy = (state: StoredState): { readonly remembered?: { readonly kept: object } } =>
  state.claim && Object.keys(state.kept).length > 0 ? { remembered: { kept: state.kept } } : {};

/**
 * Settings that are not those by which the state's observation was made; never their values: any may be a secret, and the
 * engine keeps to itself which are.
 */
const settingsSince = (state: StoredState, wanted: ParsedInputs): readonly string[] =>
  differingPaths(state.inputs.desired.settings, wanted.desired.settings).map(pathText);

const formerSettingsNote = (former: readonly string[]): readonly string[] =>
  former.length === 0
    ? []
    : [
        `changed: ${former.join(", ")}. This is by a look with the former settings; up looks with the new ones, and stops before its first write if more is due then`,
      ];

/** Settings of a run: what is due does not depend on them. */
function runSettingsNote(state: StoredState, wanted: ParsedInputs): readonly string[] {
  const changed = differingPaths(state.inputs.run, wanted.run).map(pathText);
  return changed.length === 0 ? [] : [`changed: ${changed.join(", ")}`];
}

/** What a person was shown counts, whatever it was made from; what was not shown does not. */
function shownPlan(plan: Plan | undefined, state: StoredState, former: readonly string[]): ShownPlan {
  const steps = plan?.steps ?? [];
  if (state.deviations[UNOBSERVED]) return { steps, unsure: "it could not be looked at in the preview" };
  if (former.length === 0) return { steps };
  return { steps, unsure: `the preview had looked with the former settings (changed: ${former.join(", ")})` };
}

/**
 * The deviations as lines under a plan. They were written against the inputs in state; when the program declares something
 * else now, they are written anew, so that they and the steps speak of the same declaration.
 */
function sentences(kind: AnyKind, state: StoredState, wanted: ParsedInputs): Readonly<Record<string, string>> {
  if (Object.keys(state.deviations).length === 0 || !inputsDiffer(state, wanted)) return state.deviations;
  const { [UNOBSERVED]: unobserved, [OWNER_KEY]: owner, [UNRECORDED]: unrecorded } = state.deviations;
  const ours = Object.entries({ [UNOBSERVED]: unobserved, [OWNER_KEY]: owner, [UNRECORDED]: unrecorded });
  const kept = Object.fromEntries(ours.filter((entry): entry is [string, string] => entry[1] !== undefined));
  try {
    return { ...kind.describe(wanted.desired, state.live, state.kept).deviations, ...kept };
  } catch {
    return state.deviations;
  }
}

/** Runs a reconcile; a failure after the first write becomes one that the engine stores and goes on from. */
async function converge(
  kind: AnyKind,
  inputs: Properties,
  request: ReconcileRequest,
): Promise<Record<string, unknown>> {
  const outputs = (reached: Reached) => writeState(kind, inputs, { ...reached, claim: request.claim });
  try {
    return outputs(await interruptible(() => reconcile(request)));
  } catch (error) {
    const failure = asEngineError(error, kind.type);
    if (!(error instanceof PartialFailure)) throw failure;
    throw Object.assign(failure, {
      id: kind.identify(request.inputs.desired.identity),
      properties: { ...outputs(error.reached), [PROVIDER_KEY]: inputs[PROVIDER_KEY] },
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

const EMPTY_PLAN: Plan = { steps: [], refusals: [], notes: [] };

/** The engine asks for a diff more than once per operation; people read each line once. */
function once(say: Say): Say {
  const said = new Set<string>();
  return (line) => {
    if (said.has(line)) return;
    said.add(line);
    say(line);
  };
}
