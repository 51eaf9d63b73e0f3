import { Agent, request } from "node:http";
import { ProblemError } from "../providers/common/problem.js";
import type { Lab } from "./lab.js";
import type { LabCluster } from "./topology.js";

const REQUEST_TIMEOUT_MS = 10_000;
/** Bound of one load, whatever the caller forgets; longer than any rollout of the lab. */
const MOST_SECONDS = 900;
/** Of failures and losses, only this many are described. */
const MOST_EXAMPLES = 20;
/** Pause between two requests of one user: people click, and the machine has other work. */
const THINK_MS = 50;

export interface LoadOptions {
  /** Users of each cluster who keep their cookie. Default 2. */
  readonly sticky?: number;
  /** Users of each cluster who come without a cookie each time. Default 1. */
  readonly users?: number;
  /** Keep every request's answer. Default false: only what is counted. */
  readonly record?: boolean;
  /** Connections are used for several requests. Default false: each request opens its own. */
  readonly keepAlive?: boolean;
  /** After so long it ends by itself, and `stop` says so. Default 900. */
  readonly mostSeconds?: number;
}

/** What users see of a lab. */
export type Asked = Pick<Lab, "web" | "clusters">;

/** One request of a user, as it was seen from outside. */
export interface LoadAnswer {
  readonly cluster: string;
  readonly sticky: boolean;
  /** Since the start of the load: when it was sent, and how long its answer took. */
  readonly atMs: number;
  readonly tookMs: number;
  /** The status, or the error code of a request without an answer. */
  readonly status: number | string;
  readonly member?: string;
  /** First CloneID of the session cookie that came with the answer. */
  readonly cloneId?: string;
  /** In a cell: the fixes in the application that answered, "base" without any. */
  readonly level?: string;
}

export interface LoadReport {
  readonly requests: number;
  /** Not answered, not with status 200, or with another page than a member's. */
  readonly failed: number;
  /**
   * A user sent the cookie of a session that was neither ended nor expired, and the member that answered began a new one.
   * Each loss counts once: from then on the user has the new session.
   */
  readonly lostSessions: number;
  /** Longest time during which no user of one cluster got a good answer, of all clusters: how long a cluster was out. */
  readonly longestGapMs: number;
  /** Longest time that one user went without a good answer, of all users; never shorter than one pause and one request. */
  readonly longestWaitMs: number;
  /** How long it lasted. */
  readonly seconds: number;
  /** New users (first request, or without a cookie) by the first CloneID of their cookie, per cluster. */
  readonly newUsers: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Failed requests by cluster and what came instead of a page: "AppsCluster: status 404". */
  readonly failures: Readonly<Record<string, number>>;
  /** In the order of their ends; empty without `record`. */
  readonly answers: readonly LoadAnswer[];
  /** Answers by the member that gave them. */
  readonly byMember: Readonly<Record<string, number>>;
  /** What went wrong, with time since the start, at most 20 lines. */
  readonly examples: readonly string[];
}

export interface Load {
  /** Requests answered well so far; for waiting until the load has seen something. */
  answered(): number;
  /**
   * Ends after the requests in hand.
   *
   * @throws ProblemError `timeout` when the load had ended by itself before: what came after it was not measured
   */
  stop(): Promise<LoadReport>;
}

interface Answer {
  readonly status: number;
  readonly cookie?: string;
  readonly member?: string;
  /** As the member calls it. */
  readonly session?: string;
  readonly level?: string;
}

/** Users of all clusters go on asking until `stop`, at most a quarter of an hour. */
export function startLoad(lab: Asked, options: LoadOptions = {}): Load {
  const load = new RunningLoad(lab, options);
  for (const cluster of lab.clusters) {
    for (let i = 0; i < (options.sticky ?? 2); i++) load.add(cluster, true);
    for (let i = 0; i < (options.users ?? 1); i++) load.add(cluster, false);
  }
  return load;
}

class RunningLoad implements Load {
  private readonly started = performance.now();
  private readonly agent: Agent;
  private readonly users: Promise<void>[] = [];
  private readonly lastGood = new Map<string, number>();
  private readonly newUsers: Record<string, Record<string, number>> = {};
  private readonly byMember: Record<string, number> = {};
  private readonly examples: string[] = [];
  private readonly failures: Record<string, number> = {};
  private readonly answers: LoadAnswer[] = [];
  private stopped = false;
  private ranOut = false;
  private requests = 0;
  private answeredWell = 0;
  private failed = 0;
  private lost = 0;
  private longestGap = 0;
  private longestWait = 0;

  constructor(
    private readonly lab: Asked,
    private readonly options: LoadOptions,
  ) {
    this.agent = new Agent({ keepAlive: options.keepAlive === true });
  }

  private get mostSeconds(): number {
    return this.options.mostSeconds ?? MOST_SECONDS;
  }

  add(cluster: LabCluster, sticky: boolean): void {
    this.lastGood.set(cluster.name, this.started);
    this.newUsers[cluster.name] ??= {};
    this.users.push(this.user(cluster, sticky));
  }

  answered(): number {
    return this.answeredWell;
  }

  async stop(): Promise<LoadReport> {
    this.stopped = true;
    await Promise.all(this.users);
    this.agent.destroy();
    if (this.ranOut) {
      throw new ProblemError("timeout", {
        where: "load",
        found: `it ended by itself after ${this.mostSeconds} s`,
        why: "What came after it was not measured",
      });
    }
    for (const name of this.lastGood.keys()) this.good(name); // a gap that goes on until now
    return {
      requests: this.requests,
      failed: this.failed,
      lostSessions: this.lost,
      longestGapMs: Math.round(this.longestGap),
      longestWaitMs: Math.round(this.longestWait),
      seconds: Math.round(this.elapsed() / 1_000),
      newUsers: this.newUsers,
      failures: this.failures,
      answers: this.answers,
      byMember: this.byMember,
      examples: this.examples,
    };
  }

  private async user(cluster: LabCluster, sticky: boolean): Promise<void> {
    let cookie: string | undefined;
    let lastGood = this.started;
    const waited = () => {
      this.longestWait = Math.max(this.longestWait, performance.now() - lastGood);
      lastGood = performance.now();
    };
    while (!this.stopped) {
      this.ranOut ||= this.elapsed() >= this.mostSeconds * 1_000;
      if (this.ranOut) return;
      this.requests++;
      const sent = this.elapsed();
      const answer = await this.ask(cluster, cookie);
      if (this.options.record) this.keep(cluster.name, sticky, sent, answer);
      if (typeof answer === "string" || answer.member === undefined) {
        this.failed++;
        const failure = `${cluster.name}: ${typeof answer === "string" ? answer : `status ${answer.status}`}`;
        this.failures[failure] = (this.failures[failure] ?? 0) + 1;
        this.note(failure);
      } else {
        this.answeredWell++;
        this.good(cluster.name);
        waited();
        this.byMember[answer.member] = (this.byMember[answer.member] ?? 0) + 1;
        if (!cookie) this.countNew(cluster.name, answer);
        else if (answer.session !== sessionIn(cookie)) {
          this.lost++;
          this.note(`${cluster.name}: session lost, now on ${answer.member}`);
        }
        if (sticky) cookie = answer.cookie ?? cookie;
      }
      await new Promise((passed) => setTimeout(passed, THINK_MS));
    }
    waited(); // one that goes on until now
  }

  private keep(cluster: string, sticky: boolean, sent: number, answer: Answer | string): void {
    const came: Partial<Answer> = typeof answer === "string" ? {} : answer;
    this.answers.push({
      ...{ cluster, sticky, atMs: Math.round(sent), tookMs: Math.round(this.elapsed() - sent) },
      ...{ status: came.status ?? String(answer), member: came.member, level: came.level },
      cloneId: came.cookie?.split(":")[1],
    });
  }

  private countNew(cluster: string, answer: Answer): void {
    const clone = answer.cookie?.split(":")[1] ?? "no cookie";
    const counts = this.newUsers[cluster] ?? {};
    counts[clone] = (counts[clone] ?? 0) + 1;
    this.newUsers[cluster] = counts;
  }

  private good(cluster: string): void {
    const now = performance.now();
    this.longestGap = Math.max(this.longestGap, now - (this.lastGood.get(cluster) ?? now));
    this.lastGood.set(cluster, now);
  }

  private elapsed(): number {
    return performance.now() - this.started;
  }

  private note(text: string): void {
    if (this.examples.length < MOST_EXAMPLES) this.examples.push(`${Math.round(this.elapsed())} ms ${text}`);
  }

  /** The answer, or the error code of a request without one. */
  private ask(cluster: LabCluster, cookie: string | undefined): Promise<Answer | string> {
    const { address, port, publicName } = this.lab.web;
    return new Promise((resolve) => {
      const asked = request(
        {
          host: address,
          port,
          path: cluster.probePath,
          agent: this.agent,
          headers: { host: `${publicName}:${port}`, ...(cookie ? { cookie } : {}) },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            text += chunk;
          });
          response.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
          response.on("end", () => resolve(parse(response.statusCode ?? 0, response.headers["set-cookie"], text)));
        },
      );
      asked.setTimeout(REQUEST_TIMEOUT_MS, () => asked.destroy(new Error(`no answer in ${REQUEST_TIMEOUT_MS} ms`)));
      asked.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      asked.end();
    });
  }
}

/** JSESSIONID=0000<session>:<CloneID> */
const sessionIn = (cookie: string): string | undefined => /^JSESSIONID=.{4}([^:]*)/.exec(cookie)?.[1];

/** Only a member's own page has a member: anything else with status 200 is no good answer. */
function parse(status: number, setCookie: readonly string[] | undefined, text: string): Answer {
  const cookie = setCookie?.find((one) => one.startsWith("JSESSIONID="))?.split(";", 1)[0];
  if (status !== 200) return { status, cookie };
  try {
    const page = JSON.parse(text) as { member?: string; session?: string | null; level?: string };
    return { status, cookie, member: page.member, session: page.session ?? undefined, level: page.level };
  } catch {
    return { status, cookie };
  }
}
