import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import type { FileContent, FileReader, Host } from "../host.js";

/** Somebody who needs a web server's routing for themselves for a while: an unfinished rollout. Plain JSON. */
export interface Hold {
  /** "project/stack/name" of the resource whose rollout it is, by its last step. Absent in what older versions wrote. */
  owner?: string;
  /** user@machine */
  by: string;
  /** Names the rollout, e.g. "20261123T011234Z". */
  rollout: string;
  /** What the rollout was at when it last said so, in the words of its plan. */
  step: string;
  /** When it was taken. ISO 8601, UTC. */
  since: string;
}

/** A hold as it is met. */
export interface SeenHold extends Hold {
  /** Its file, in words: "/state/holds/1f2e.json on web1". Absent in what older versions remembered. */
  file?: string;
}

type Place = { readonly name: string; readonly stateDirectory: string };

interface StoredHold {
  readonly hold: Hold;
  readonly content: FileContent;
}

/**
 * On the web server's host, named by the web server's main configuration file where it really lies: two programs may call
 * the same web server differently, and may come to its file by different links.
 */
async function pathOf(files: FileReader, { stateDirectory }: Place, httpdConf: string): Promise<string> {
  const real = (await files.realPath(httpdConf)) ?? httpdConf;
  return `${stateDirectory}/holds/${sha256(real).slice(0, 20)}.json`;
}

/**
 * The hold on the routing of the web server with this main configuration file, or null. Changes nothing.
 *
 * @throws ProblemError `malformed` for a file that is no hold: whose it is cannot be told, so nothing may be routed.
 */
export async function readHold(files: FileReader, place: Place, httpdConf: string): Promise<SeenHold | null> {
  const path = await pathOf(files, place, httpdConf);
  const stored = await load(files, place, path);
  return stored ? { ...stored.hold, file: inWords(place, path) } : null;
}

const inWords = (place: Place, path: string): string => `${path} on ${place.name}`;

/** Whose it is, and since when. */
export const holderOf = ({ owner, rollout, by, since }: Hold): string =>
  `rollout ${rollout} of ${owner === undefined ? by : `${owner}, by ${by}`}, since ${since}`;

/** What to do about somebody's hold, one that its rollout will never give up among them. */
export const endOfHold = ({ owner, rollout, by, file }: SeenHold): string =>
  `Finish that rollout, or go back with it: npm run rollout -- status${placeOf(owner)}. Is there no record of it any more (on the ` +
  `deployment manager's host, in the state directory: grep -l ${rollout} records/*; its owner is the project and stack), and do ${by}, ` +
  `the lock and the jobs there say that nobody works on it: see that all members run, then remove ${file ?? "the hold's file"} ` +
  `(docs/rolling-fixes.md, "A hold that is left over")`;

function placeOf(owner: string | undefined): string {
  const [project, stack] = owner?.split("/") ?? [];
  return stack === undefined ? "" : ` --stack ${stack}, in the project ${project}`;
}

/**
 * Takes the routing, or takes it up again for the same rollout. To be called under the lock of the web server's host: a run
 * that changes the routing there has then ended, and the next one sees the hold.
 *
 * @throws ProblemError `locked` when another rollout has it
 */
export async function writeHold(host: Host, httpdConf: string, hold: Hold): Promise<void> {
  const path = await pathOf(host.files, host.connection, httpdConf);
  const present = await load(host.files, host.connection, path);
  if (present && present.hold.rollout !== hold.rollout) {
    throw new ProblemError("locked", {
      where: `${host.name}: routing by ${httpdConf}`,
      found: `held by ${holderOf(present.hold)}`,
      next: endOfHold({ ...present.hold, file: inWords(host.connection, path) }),
    });
  }
  await host.files.makeDirectory(`${host.connection.stateDirectory}/holds`, 0o770);
  await store(host, path, { ...hold, since: present?.hold.since ?? hold.since }, present, httpdConf);
}

/** Says in the hold what its rollout is at now, and for whom; nothing when the hold is not that rollout's. */
export async function noteInHold(
  host: Host,
  httpdConf: string,
  { rollout, step, owner }: Pick<Required<Hold>, "rollout" | "step" | "owner">,
): Promise<void> {
  const path = await pathOf(host.files, host.connection, httpdConf);
  const present = await load(host.files, host.connection, path);
  if (present?.hold.rollout === rollout) await store(host, path, { ...present.hold, step, owner }, present, httpdConf);
}

/** Gives the routing free again, if it is this rollout's. */
export async function removeHold(host: Host, httpdConf: string, rollout: string): Promise<void> {
  const path = await pathOf(host.files, host.connection, httpdConf);
  const present = await load(host.files, host.connection, path);
  if (present?.hold.rollout === rollout) await host.files.remove(path, { expected: present.content.sha256 });
}

async function load(files: FileReader, place: Place, path: string): Promise<StoredHold | undefined> {
  const content = await files.read(path);
  if (!content) return undefined;
  try {
    const { owner, by, rollout, step, since } = JSON.parse(content.bytes.toString("utf8")) as Record<string, unknown>;
    const known = typeof owner === "string" ? { owner } : {};
    const hold = { ...known, by: String(by), rollout: String(rollout), step: String(step), since: String(since) };
    if (typeof rollout === "string") return { hold, content };
  } catch {
    // Reported below, as any other content that is no hold.
  }
  throw new ProblemError("malformed", {
    where: `${place.name}:${path}`,
    found: "not a hold on routing",
    why: "Whether a rollout is under way cannot be told",
    next: "See npm run rollout -- status; remove the file when no rollout is open",
  });
}

async function store(
  host: Host,
  path: string,
  hold: Hold,
  present: StoredHold | undefined,
  httpdConf: string,
): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify({ httpdConf, ...hold }, undefined, 2)}\n`);
  await host.files.write(path, bytes, { expected: present?.content.sha256 ?? "absent", mode: 0o660 });
}
