import type { z } from "zod";
import { durationSchema, milliseconds } from "../../providers/common/duration.js";
import { nearest } from "../../providers/common/nearest.js";
import { type Problem, ProblemError } from "../../providers/common/problem.js";
import { pathText, shownValue, valueAt } from "../../providers/common/values.js";
import { AS_GENERATED } from "../../providers/kinds/plugin-routing/schema.js";
import type { Finding } from "./finding.js";
import { inWords, type JsonSchema, schemaAt, stackJsonSchema } from "./json-schema.js";
import { strayOrder, strayPhases } from "./manual-steps.js";
import { FIXES_DEADLINE, type StackConfig, stackConfigSchema, WEB_SECTIONS } from "./schema.js";

type Path = readonly PropertyKey[];
type Values = Readonly<Record<string, unknown>>;

/** Keys that may be left out: given as `{}` (Pulumi.yaml's default) or as nothing at all, they are not set. */
const OPTIONAL_KEYS: readonly string[] = [
  ...WEB_SECTIONS,
  "routing",
  "databases",
  "sqlScripts",
  "interimFixes",
  "manualSteps",
  "run",
] satisfies readonly (keyof StackConfig)[];

/** Where the configuration names one of its hosts: below each member of these keys. */
const HOST_KEYS: Readonly<Partial<Record<keyof StackConfig, readonly string[]>>> = {
  webServers: ["host"],
  databases: ["home", "through"],
  sqlScripts: ["host"],
  manualSteps: ["host"],
};

/**
 * Parses a stack's configuration once, into typed settings.
 *
 * @param given the configuration's values by key, without the project's name before them.
 * @param where what the problems call the configuration, e.g. "Pulumi.prod.yaml".
 * @throws ProblemError `invalid-input` with every problem and its path; a mistyped key comes with the nearest right one.
 */
export function parseStackConfig(given: Values, where: string): StackConfig {
  const values = Object.fromEntries(
    Object.entries(given).filter(([key, value]) => !(OPTIONAL_KEYS.includes(key) && isUnset(value))),
  );
  const result = stackConfigSchema.safeParse(values);
  const stray = [
    ...missingSections(values),
    ...strayHosts(values),
    ...strayNode(values),
    ...sharedAddresses(values),
    ...endlessWait(values),
    ...stepOrder(values),
  ];
  if (result.success && stray.length === 0) return result.data;
  const found = [...(result.error?.issues ?? []).flatMap((issue) => findingsOf(issue, values, schema())), ...stray];
  throw new ProblemError(
    "invalid-input",
    found.map(
      ({ path, ...problem }): Problem => ({ where: [where, pathText(path)].filter(Boolean).join(" "), ...problem }),
    ),
  );
}

/** Only asked for when something is wrong. */
let cached: JsonSchema | undefined;
function schema(): JsonSchema {
  cached ??= stackJsonSchema();
  return cached;
}

/** @param root schema of the value that the issue's path starts from; `base` is that value's own path */
function findingsOf(issue: z.core.$ZodIssue, given: unknown, root: JsonSchema, base: Path = []): readonly Finding[] {
  const path = [...base, ...issue.path];
  const here = schemaAt(issue.path, root);
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(here, valueAt(given, path));
    return issue.keys.map((key) => unknownKey(path, key, known));
  }
  const value = valueAt(given, path);
  if (value === undefined && issue.code !== "custom") {
    return [{ path, found: "missing", ...(here ? { allowed: withMeaning(here) } : {}) }];
  }
  if (issue.code === "invalid_union") return unionFindings(issue, given, here, path);
  if (issue.code === "invalid_key") return [{ path, found: reason(issue.issues[0]?.message ?? issue.message) }];
  if (issue.code === "invalid_type" && here)
    return [{ path, found: shownValue(value, path), allowed: withMeaning(here) }];
  return [{ path, found: `${shownValue(value, path)}: ${reason(issue.message)}` }];
}

/** The problems of the alternative that was meant, if that can be told; else all alternatives. */
function unionFindings(
  issue: z.core.$ZodIssueInvalidUnion,
  given: unknown,
  here: JsonSchema | undefined,
  path: Path,
): readonly Finding[] {
  const value = valueAt(given, path);
  if (isObject(value)) {
    const meant = alternativeMeant(here, value);
    const chosen = here?.anyOf?.[meant];
    if (chosen) return (issue.errors[meant] ?? []).flatMap((inner) => findingsOf(inner, given, chosen, path));
    const known = knownKeys(here, value);
    const keys = Object.keys(value);
    if (keys.length > 0 && known.length > 0) return keys.map((key) => unknownKey(path, key, known));
  }
  return [{ path, found: shownValue(value, path), ...(here ? { allowed: withMeaning(here) } : {}) }];
}

/** Index of the first alternative that has one of the value's keys, or -1. */
function alternativeMeant(here: JsonSchema | undefined, value: Values): number {
  return (here?.anyOf ?? []).findIndex(({ properties }) => Object.keys(value).some((key) => properties?.[key]));
}

/** The keys that an object may have here; with alternatives, those of the one that was meant, else all of them. */
function knownKeys(here: JsonSchema | undefined, value: unknown): readonly string[] {
  const meant = isObject(value) ? here?.anyOf?.[alternativeMeant(here, value)] : undefined;
  const candidates = meant ? [meant] : [...(here ? [here] : []), ...(here?.anyOf ?? [])];
  return candidates.flatMap(({ properties }) => Object.keys(properties ?? {}));
}

function unknownKey(path: Path, key: string, known: readonly string[]): Finding {
  const hint = nearest(key, known);
  return {
    path: [...path, key],
    found: "no such setting",
    ...(known.length > 0 ? { allowed: known.join(", ") } : {}),
    ...(hint ? { next: `Did you mean "${hint}"?` } : {}),
  };
}

/** Routing and interim fixes are proved through web servers; a stack of databases and scripts alone needs none of that. */
function missingSections(values: Values): readonly Finding[] {
  const needed = [...WEB_SECTIONS, "routing", "interimFixes"].some((key) => values[key] !== undefined);
  return WEB_SECTIONS.filter((key) => needed && values[key] === undefined).map((key) => {
    const here = schemaAt([key], schema());
    return { path: [key], found: "missing", ...(here ? { allowed: withMeaning(here) } : {}) };
  });
}

/** Names of hosts that are not declared. On the values as given, so that other problems do not hide these. */
function strayHosts({ hosts, ...rest }: Values): readonly Finding[] {
  if (!isObject(hosts)) return [];
  return [...strayHostsOfFixes(rest.interimFixes, Object.keys(hosts)), ...strayHostsOfMembers(rest, hosts)];
}

function strayHostsOfFixes(fixes: unknown, known: readonly string[]): readonly Finding[] {
  if (!isObject(fixes)) return [];
  const at = (path: Path, settings: unknown) =>
    isObject(settings) ? strayName(["interimFixes", ...path, "host"], "host", settings.host, known) : [];
  const nodes = Array.isArray(fixes.nodes) ? fixes.nodes : [];
  return [
    ...at(["deploymentManager"], fixes.deploymentManager),
    ...nodes.flatMap((node: unknown, index) => at(["nodes", index], node)),
    ...stepsOfFixes(isObject(fixes.fixes) ? fixes.fixes : {}).flatMap(({ path, steps }) =>
      Object.entries(steps).flatMap(([key, step]) =>
        isObject(step) && step.host !== undefined ? at([...path.slice(1), key], step) : [],
      ),
    ),
  ];
}

/** Steps for people, those of the whole and those of each fix. */
function stepOrder({ manualSteps, interimFixes }: Values): readonly Finding[] {
  const fixes = isObject(interimFixes) && isObject(interimFixes.fixes) ? interimFixes.fixes : {};
  return [
    ...(isObject(manualSteps) ? strayOrder(["manualSteps"], manualSteps) : []),
    ...stepsOfFixes(fixes).flatMap(({ path, steps }) => [...strayOrder(path, steps), ...strayPhases(path, steps)]),
  ];
}

function stepsOfFixes(fixes: Values): readonly { readonly path: Path; readonly steps: Values }[] {
  return Object.entries(fixes).flatMap(([id, fix]) =>
    isObject(fix) && isObject(fix.manualSteps)
      ? [{ path: ["interimFixes", "fixes", id, "manualSteps"], steps: fix.manualSteps }]
      : [],
  );
}

/** Two web servers at one address: the answers of one would prove the other. */
function sharedAddresses({ webServers }: Values): readonly Finding[] {
  if (!isObject(webServers)) return [];
  const seen = new Map<string, string>();
  return Object.entries(webServers).flatMap(([name, server]): Finding[] => {
    const connectTo = isObject(server) && isObject(server.connectTo) ? server.connectTo : undefined;
    if (typeof connectTo?.address !== "string" || typeof connectTo.port !== "number") return [];
    const address = `${connectTo.address.toLowerCase()}:${connectTo.port}`;
    const other = seen.get(address);
    seen.set(address, other ?? name);
    if (other === undefined) return [];
    return [
      {
        path: ["webServers", name, "connectTo"],
        found: `${address}, which is that of ${other} too`,
        allowed: "the web server's own address",
        why: "Requests that another web server answers prove nothing about this one",
      },
    ];
  });
}

/**
 * A limit that is longer than the run it is part of could never be waited for. Only where it was given: what a run really
 * waits for is compared in its plan.
 */
function endlessWait({ routing, run, interimFixes }: Values): readonly Finding[] {
  const within = (path: Path, limit: unknown, key: string, deadline: unknown): readonly Finding[] => {
    const [mine, whole] = [durationSchema.safeParse(limit), durationSchema.safeParse(deadline)];
    if (!mine.success || !whole.success || milliseconds(mine.data) < milliseconds(whole.data)) return [];
    return [
      {
        path,
        found: JSON.stringify(mine.data),
        allowed: `less than ${key}, which is ${whole.data}`,
        why: "The run would end before the wait does",
      },
    ];
  };
  const { deadline } = stackConfigSchema.shape.run.safeParse(run ?? {}).data ?? {};
  const ofFixes = isObject(interimFixes) ? interimFixes : {};
  const limits = isObject(ofFixes.limits) ? ofFixes.limits : {};
  const drain = isObject(ofFixes.drain) ? ofFixes.drain : {};
  const waits: readonly (readonly [Path, unknown])[] = [
    [["drain", "time"], drain.time],
    ...Object.entries(limits).map(([key, limit]) => [["limits", key], limit] as const),
  ];
  const whole = ofFixes.deadline ?? FIXES_DEADLINE;
  return [
    ...(isObject(routing) && routing.switchRouting === "in-place"
      ? within(["routing", "refreshLimit"], routing.refreshLimit, "run.deadline", deadline)
      : []),
    ...waits.flatMap(([path, limit]) => within(["interimFixes", ...path], limit, "interimFixes.deadline", whole)),
  ];
}

function strayHostsOfMembers(rest: Values, hosts: Values): readonly Finding[] {
  return Object.entries(HOST_KEYS).flatMap(([group, keys]) => {
    const members = rest[group];
    return Object.entries(isObject(members) ? members : {}).flatMap(([member, settings]) =>
      keys.flatMap((key) =>
        isObject(settings) ? strayName([group, member, key], "host", settings[key], Object.keys(hosts)) : [],
      ),
    );
  });
}

/** The same for the node that is to serve users: a preview of something new could not say it. */
function strayNode({ topology, routing }: Values): readonly Finding[] {
  if (!isObject(topology) || !isObject(topology.nodes) || !isObject(routing)) return [];
  const nodes = [...Object.keys(topology.nodes), AS_GENERATED];
  return strayName(["routing", "primaryNode"], "node", routing.primaryNode, nodes);
}

/** A finding when `name` is a name, and none of the known ones. */
function strayName(path: Path, what: string, name: unknown, known: readonly string[]): readonly Finding[] {
  if (typeof name !== "string" || name === "" || known.includes(name)) return [];
  const hint = nearest(name, known);
  return [
    {
      path,
      found: `no ${what} is called ${JSON.stringify(name)}`,
      allowed: known.join(", ") || `${what}s that are declared; there are none`,
      ...(hint ? { next: `Did you mean "${hint}"?` } : {}),
    },
  ];
}

const withMeaning = (here: JsonSchema): string =>
  here.description ? `${inWords(here)} (${here.description})` : inWords(here);

const isObject = (value: unknown): value is Values => value !== null && typeof value === "object";
const isUnset = (value: unknown): boolean =>
  value === null || value === "" || (isObject(value) && !Array.isArray(value) && Object.keys(value).length === 0);
/** zod begins most of its messages with the same two words. */
const reason = (message: string): string => {
  const text = message.replace(/^Invalid input: /, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
};
