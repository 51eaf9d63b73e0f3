import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { milliseconds } from "../../common/duration.js";
import { type Problem, ProblemError, problemsOf } from "../../common/problem.js";
import { resolveSecret } from "../../common/secret-resolver.js";
import type { PluginCluster, PluginConfig } from "../../formats/plugin-cfg.js";
import type { Host } from "../host.js";
import { logIn, type ProbeOutcome, type ProbeTarget, parseSessionCookie, probe } from "../http-probe.js";
import { newMark, watchLog, withQuery } from "./access-log.js";
import type { ClusterProbe, Verify } from "./schema.js";

/** Requests of one sample that are under way at a time: enough to meet several children of the web server. */
const PARALLEL_REQUESTS = 4;
/** While nothing changes, a wait says so this often. */
const SAY_EVERY_MS = 10_000;

/**
 * What a probe has to show: "routed" = every answer from one of the cluster's primaries; "answering" = any known member;
 * "reachable" = the page answers, whoever served it (the generated file may be of a shape that proves nothing more).
 */
export type ProofLevel = "routed" | "answering" | "reachable";

export interface Proving {
  readonly host: Host;
  readonly verify: Verify;
  /** Says which CloneID is which server, and which servers are primaries. Not needed for "reachable". */
  readonly config?: PluginConfig;
  readonly clusters: readonly string[];
  readonly level: ProofLevel;
  /** Clusters of a shape that lets nothing more than "reachable" be proved, whatever the level. */
  readonly reachableOnly?: readonly string[];
  /** What a right answer is, for people: "on node2", "answered". */
  readonly inWords: string;
  readonly signal: AbortSignal;
  /** Asked before every sample; throws when the web server's parent process is gone. */
  readonly alive: () => Promise<void>;
  /** For so long, samples in which nothing but answers is missing are taken again, `settleMs` or not. Default 0. */
  readonly patienceMs?: number;
  /** What may put wrong answers right, for people. Default: "old processes to end". */
  readonly waitingFor?: string;
  readonly progress: (line: string) => void;
}

/** A cluster that nothing would be proved of. @param next what a person may do, since ways to leave it out differ */
export const noProbe = (where: string, next: string): Problem => ({
  where,
  found: "no probe is declared",
  why: "Only a request through the web server proves which servers a cluster's users reach",
  next,
});

/** Logins of one proof while they are refused: what answers right after a reload may not know anybody yet. */
const LOGINS = 2;

/** What one cluster's sample showed: answers as they have to be, and the others by what was wrong with them. */
interface Verdict {
  readonly cluster: string;
  readonly good: number;
  /** Servers that answered, if known. */
  readonly servers: readonly string[];
  readonly wrong: ReadonlyMap<string, number>;
  /** How many of those got no answer, or left no line in the log: they say nothing of where users are sent. */
  readonly missing: number;
}

/**
 * Samples every cluster until all answers of one round are right; `settleMs` 0 = one round. After a graceful reload old
 * processes may answer for a while, and members that were down are tried again after a while only, so a wrong answer counts
 * when it is still there at the end of that time. One lost connection proves nothing either way: with `patienceMs`, a sample
 * that lacks answers is taken again, but an answer that must not be there counts at once.
 *
 * @throws ProblemError `not-converged` with one problem per cluster that is not as it has to be.
 */
export async function prove(proving: Proving, settleMs: number): Promise<void> {
  const started = Date.now();
  const wait = milliseconds(proving.verify.retryEvery);
  const { patienceMs = 0 } = proving;
  const login: Login = {};
  let said = "";
  let saidAt = 0;
  let missedAt: number | undefined;
  for (;;) {
    proving.signal.throwIfAborted();
    await proving.alive();
    const verdicts = await sampleAll(proving, login, settleMs / LOGINS);
    const bad = verdicts.filter((verdict) => verdict.wrong.size > 0);
    const lines = (bad.length > 0 ? bad : verdicts).map((verdict) => verdictLine(verdict, proving));
    const news = lines.join("\n") !== said;
    if (news) for (const line of lines) proving.progress(line);
    said = lines.join("\n");
    if (bad.length === 0) {
      await proving.alive();
      return;
    }
    const passed = Date.now() - started;
    missedAt = bad.every(isMissing) ? (missedAt ?? Date.now()) : undefined;
    const again = Math.min(wait, patienceMs);
    const isPatient = missedAt !== undefined && again > 0 && Date.now() - missedAt + again <= patienceMs;
    if (passed + wait > settleMs && isPatient) {
      await pause(again, undefined, { signal: proving.signal });
      continue;
    }
    if (passed + wait > settleMs)
      throw new ProblemError(
        "not-converged",
        bad.map((verdict) => asProblem(verdict, proving)),
      );
    if (news || Date.now() - saidAt > SAY_EVERY_MS) {
      saidAt = Date.now();
      proving.progress(
        `waiting for ${proving.waitingFor ?? "old processes to end"}: ${Math.round(passed / 1000)} s of at most ${Math.round(settleMs / 1000)} s`,
      );
    }
    await pause(wait, undefined, { signal: proving.signal });
  }
}

const isMissing = ({ wrong, missing }: Verdict): boolean =>
  missing === [...wrong.values()].reduce((sum, count) => sum + count, 0);

/** One login lasts for all rounds; only one that failed is tried again. */
interface Login {
  token?: string | undefined;
  /** The last one got no token. */
  refused?: { readonly found: string; readonly at: number };
}

/** @param again ms from a refused login to the next one: many directories lock an account after three */
async function sampleAll(proving: Proving, login: Login, again: number): Promise<readonly Verdict[]> {
  const target = await targetOf(proving.verify);
  const { refused } = login;
  if (refused && Date.now() - refused.at < again) {
    return proving.clusters.map((cluster) => all(cluster, proving.verify.samples, refused.found));
  }
  try {
    login.token ??= await tokenOf(proving.verify, target, proving.signal);
  } catch (error) {
    const found = problemsOf(error, "verify.testUser")[0]?.found ?? "the login failed";
    const missing = error instanceof ProblemError && error.cause === "unreachable";
    if (!missing) login.refused = { found, at: Date.now() };
    return proving.clusters.map((cluster) => all(cluster, proving.verify.samples, found, missing));
  }
  const verdicts: Verdict[] = [];
  for (const cluster of proving.clusters) verdicts.push(await sample(proving, cluster, target, login.token));
  return verdicts;
}

const all = (cluster: string, samples: number, wrong: string, isMissed = false): Verdict => ({
  cluster,
  good: 0,
  servers: [],
  wrong: new Map([[wrong, samples]]),
  missing: isMissed ? samples : 0,
});

export async function targetOf({ connectTo, publicHost }: Verify): Promise<ProbeTarget> {
  const { address, port, tls } = connectTo;
  const ca = tls?.ca === undefined ? undefined : await readCa(tls.ca);
  return { address, port, publicHost, ...(tls ? { tls: ca === undefined ? {} : { ca } } : {}) };
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new ProblemError("missing", {
      where: "verify.connectTo.tls.ca",
      found: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      allowed: "a PEM file on this machine",
      next: "Correct the path or its permissions; without ca the usual authorities are trusted",
    });
  }
}

export async function tokenOf(verify: Verify, target: ProbeTarget, signal: AbortSignal): Promise<string | undefined> {
  if (!verify.testUser) return undefined;
  const { user, loginPath: path, userField, passwordField } = verify.testUser;
  const password = await resolveSecret(verify.testUser.password, "the password of verify.testUser");
  const limits = { timeoutMs: milliseconds(verify.requestTimeout), signal };
  return logIn(target, { user, password, path, userField, passwordField }, limits);
}

/** One cluster's requests, each on a new connection and without a session cookie. */
async function sample(
  proving: Proving,
  name: string,
  target: ProbeTarget,
  cookie: string | undefined,
): Promise<Verdict> {
  const { verify, signal } = proving;
  const settings = verify.clusters[name];
  const cluster = proving.config?.clusters.find((candidate) => candidate.name === name);
  const level = levelOf(proving, name);
  if (!settings || (!cluster && level !== "reachable")) {
    return all(name, verify.samples, "the cluster is no longer in the plug-in file");
  }
  const marks = Array.from({ length: verify.samples }, newMark);
  const logPath = typeof settings.proof === "object" && level !== "reachable" ? settings.proof.accessLog : undefined;
  const log = logPath === undefined ? undefined : await watchLog(proving.host, logPath);
  const outcomes = await mapInParallel(marks, (mark) =>
    probe(target, {
      path: log ? withQuery(settings.probeUrl, mark) : settings.probeUrl,
      timeoutMs: milliseconds(verify.requestTimeout),
      ...(cookie ? { cookie } : {}),
      signal,
    }),
  );
  signal.throwIfAborted();
  // What was not answered need not be there.
  const lines = await log?.linesOf(marks.filter((_, index) => outcomes[index]?.kind === "answered"));
  const servers = new Set<string>();
  const wrong = new Map<string, number>();
  let [good, missing] = [0, 0];
  for (const [index, outcome] of outcomes.entries()) {
    const judged = judge(outcome, settings, level, cluster, () => lines?.get(marks[index] ?? ""));
    if (judged.server) servers.add(judged.server);
    if (judged.wrong === undefined) good++;
    else wrong.set(judged.wrong, (wrong.get(judged.wrong) ?? 0) + 1);
    if (judged.missing) missing++;
  }
  return { cluster: name, good, servers: [...servers].sort(), wrong, missing };
}

const levelOf = ({ level, reachableOnly }: Proving, cluster: string): ProofLevel =>
  reachableOnly?.includes(cluster) ? "reachable" : level;

interface Judgement {
  readonly server?: string;
  readonly wrong?: string;
  /** Nothing is known of who answered, or whether anybody did. */
  readonly missing?: true;
}

function judge(
  outcome: ProbeOutcome,
  settings: ClusterProbe,
  level: ProofLevel,
  cluster: PluginCluster | undefined,
  logLine: () => string | undefined,
): Judgement {
  if (outcome.kind !== "answered") return { wrong: outcome.detail, missing: true };
  if (!settings.expectStatus.includes(outcome.status)) return { wrong: `status ${outcome.status}` };
  if (settings.expectText !== undefined && !outcome.body.includes(settings.expectText)) {
    return { wrong: `status ${outcome.status}, but the page does not hold ${JSON.stringify(settings.expectText)}` };
  }
  if (level === "reachable" || !cluster) return {};
  const found = settings.proof === "cookie" ? byCookie(outcome.cookies, cluster) : byLog(logLine(), cluster);
  if (found.server === undefined || level === "answering" || cluster.primary.includes(found.server)) return found;
  return { ...found, wrong: `answered by ${found.server}` };
}

function byCookie(cookies: readonly { name: string; value: string }[], cluster: PluginCluster): Judgement {
  const names = cluster.affinityCookies.length > 0 ? cluster.affinityCookies : ["JSESSIONID"];
  const cookie = cookies.find((candidate) => names.includes(candidate.name));
  if (!cookie) return { wrong: `no ${names.join(" or ")} cookie` };
  const { clones, partition } = parseSessionCookie(cookie.value, cluster.cloneSeparator);
  const server = cluster.members.find((member) => member.cloneId !== undefined && member.cloneId === clones[0]);
  if (server) return { server: server.name };
  if (clones[0] === undefined) return { wrong: `a ${cookie.name} cookie without a CloneID` };
  if (partition) return { wrong: `a partition number instead of a CloneID: sessions are replicated memory to memory` };
  return { wrong: `CloneID ${clones[0]}, which is no member's` };
}

/** `%{WAS}e` stands for the server that handled the request: by its name, or by its address as in the plug-in file. */
function byLog(line: string | undefined, cluster: PluginCluster): Judgement {
  if (line === undefined) return { wrong: "the request is not in the access log", missing: true };
  const words = new Set(line.split(/[\s"'[\]()=,;]+/));
  const servers = cluster.members.filter(
    (member) =>
      words.has(member.name) || member.transports.some(({ hostname, port }) => words.has(`${hostname}:${port}`)),
  );
  const only = servers[0];
  if (only && servers.length === 1) return { server: only.name };
  return { wrong: only ? "the access log names several servers" : "no server in the access log's line (%{WAS}e)" };
}

/** Like Promise.all over `items`, with a few of them under way at a time. */
async function mapInParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_REQUESTS, items.length) }, worker));
  return results;
}

/** `AppsCluster: 20/20 on node2 (node2_apps)` */
function verdictLine({ cluster, good, servers, wrong }: Verdict, proving: Proving): string {
  const { verify } = proving;
  const inWords = wordsFor(cluster, proving);
  const by = servers.length > 0 ? ` (${servers.join(", ")})` : "";
  return `${cluster}: ${good}/${verify.samples} ${inWords}${by}${wrong.size > 0 ? `; ${wrongs(wrong)}` : ""}`;
}

const wrongs = (wrong: ReadonlyMap<string, number>): string =>
  [...wrong].map(([what, count]) => `${count} × ${what}`).join(", ");

const wordsFor = (cluster: string, proving: Proving): string =>
  levelOf(proving, cluster) === "reachable" ? "answered" : proving.inWords;

function asProblem(verdict: Verdict, proving: Proving): Problem {
  const { verify } = proving;
  const inWords = wordsFor(verdict.cluster, proving);
  const { address, port } = verify.connectTo;
  const path = verify.clusters[verdict.cluster]?.probeUrl ?? "";
  return {
    where: `${verdict.cluster}, ${verify.publicHost}${path} at ${address}:${port}`,
    found: `${verdict.good} of ${verify.samples} requests ${inWords}; ${wrongs(verdict.wrong)}`,
    allowed: {
      routed: "every answer from a primary server of the cluster, told by its session cookie or the access log",
      answering: "every answer from a known server of the cluster, told by its session cookie or the access log",
      reachable: "every request answered",
    }[levelOf(proving, verdict.cluster)],
  };
}
