import { milliseconds } from "../../common/duration.js";
import type { PluginConfig } from "../../formats/plugin-cfg.js";
import { type ProbeTarget, parseSessionCookie, probe } from "../http-probe.js";
import type { Verify } from "./schema.js";

/** A session that was begun before a switch, to see what becomes of it. In memory only, and only during a run. */
export interface HeldSession {
  readonly cluster: string;
  readonly cookieName: string;
  readonly cookieValue: string;
  readonly server: string;
}

export interface SessionSettings {
  readonly verify: Verify;
  readonly config: PluginConfig;
  readonly target: ProbeTarget;
  /** Cookie header of the logged-in test user. */
  readonly token?: string;
  readonly signal: AbortSignal;
}

/** Begins one session per cluster. A cluster that gives none is left out: this measures, it does not judge. */
export async function beginSessions(clusters: readonly string[], settings: SessionSettings): Promise<HeldSession[]> {
  const begun = await Promise.all(
    clusters.map(async (cluster): Promise<HeldSession[]> => {
      const answer = await visit(cluster, settings);
      return answer?.cookie && answer.server ? [{ cluster, ...answer.cookie, server: answer.server }] : [];
    }),
  );
  return begun.flat();
}

/**
 * Goes on with each session and says what became of it. Whether the plug-in honours a session whose CloneID stands in
 * BackupServers only is not documented, so it is looked at and not assumed.
 */
export async function followSessions(held: readonly HeldSession[], settings: SessionSettings): Promise<string[]> {
  return Promise.all(held.map(async (session) => `${session.cluster}: ${await fate(session, settings)}`));
}

async function fate(session: HeldSession, settings: SessionSettings): Promise<string> {
  const before = `a session begun on ${session.server} before the switch`;
  const answer = await visit(session.cluster, settings, `${session.cookieName}=${session.cookieValue}`);
  if (!answer) return `${before} got no usable answer after it`;
  if (!answer.cookie) return `${before} stays there until it ends`;
  const separator = separatorOf(session.cluster, settings.config);
  const [idBefore, idAfter] = [session.cookieValue, answer.cookie.cookieValue].map(
    (value) => value.split(separator, 1)[0],
  );
  const where = answer.server ?? "another server";
  return idBefore === idAfter
    ? `${before} went on, answered by ${where}`
    : `${before} began anew on ${where}: what it held in memory alone is lost`;
}

interface Visit {
  readonly cookie?: { readonly cookieName: string; readonly cookieValue: string };
  /** By the last CloneID of the cookie: a failover appends the server that answered. */
  readonly server?: string;
}

async function visit(name: string, settings: SessionSettings, sessionCookie?: string): Promise<Visit | undefined> {
  const { verify, config, target, token, signal } = settings;
  const page = verify.clusters[name];
  const cluster = config.clusters.find((candidate) => candidate.name === name);
  if (!page || !cluster) return undefined;
  const cookie = [token, sessionCookie].filter(Boolean).join("; ");
  const timeoutMs = milliseconds(verify.requestTimeout);
  const outcome = await probe(target, { path: page.probeUrl, timeoutMs, signal, ...(cookie ? { cookie } : {}) });
  if (outcome.kind !== "answered" || !page.expectStatus.includes(outcome.status)) return undefined;
  const names = cluster.affinityCookies.length > 0 ? cluster.affinityCookies : ["JSESSIONID"];
  const given = outcome.cookies.find((candidate) => names.includes(candidate.name));
  if (!given) return {};
  const clone = parseSessionCookie(given.value, cluster.cloneSeparator).clones.at(-1);
  const server = cluster.members.find((member) => member.cloneId !== undefined && member.cloneId === clone)?.name;
  return { cookie: { cookieName: given.name, cookieValue: given.value }, ...(server ? { server } : {}) };
}

const separatorOf = (name: string, config: PluginConfig): string =>
  config.clusters.find((cluster) => cluster.name === name)?.cloneSeparator ?? ":";
