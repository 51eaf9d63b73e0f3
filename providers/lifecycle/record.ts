import { sha256 } from "../common/json.js";
import { isUnknownOutcome, ProblemError } from "../common/problem.js";
import type { FileReader, Host } from "../targets/host.js";
import type { AnyKind } from "./inputs.js";

/**
 * What stands on a target about one managed thing: who owns it, what was there before, what cannot be observed, and the
 * run in progress. One JSON file per thing, replaced as a whole.
 */
export interface TargetRecord {
  readonly version: 1;
  readonly type: string;
  /** What names the thing on this host: `recordKeyOf`. */
  readonly id: string;
  /** project/stack/resource */
  readonly owner: string;
  /** Which create of that owner holds it: a delete that follows its own replacement must not touch the thing. */
  readonly claim: string;
  readonly adoptedAt: string;
  readonly kept: object;
  /** Present while a run is under way, and after one that was interrupted. */
  readonly run?: UnfinishedRun;
  /** The last run that changed something and ended well. */
  readonly lastRun?: { readonly endedAt: string; readonly by: string; readonly outsideWindow?: string };
}

export interface UnfinishedRun {
  readonly startedAt: string;
  readonly by: string;
  /** Keys of the steps that are done, and after them of those that the latest plan leaves: it may have turned round. */
  readonly steps: readonly string[];
  readonly done: readonly string[];
  /** The reason given for running outside the maintenance window. */
  readonly outsideWindow?: string;
}

/** Keys of the steps that the latest plan of a run left; the same key may stand for a step done before it turned round. */
export const stepsLeft = ({ steps, done }: UnfinishedRun): readonly string[] => steps.slice(done.length);

/** A record as read, with what a writer needs to notice that somebody else wrote meanwhile. */
export interface StoredRecord {
  readonly record: TargetRecord;
  readonly sha256: string;
}

/** What names a thing on its home host, whatever the configuration calls that host. */
export const recordKeyOf = async (kind: AnyKind, identity: object, files: FileReader): Promise<string> =>
  (await kind.recordKey?.(identity, files)) ?? kind.identify(identity);

export function recordPath(stateDirectory: string, type: string, id: string): string {
  return `${stateDirectory}/records/${type.replace(":", ".")}-${sha256(id).slice(0, 20)}.json`;
}

/**
 * The record of a thing, or undefined when it has none. Changes nothing.
 *
 * @throws ProblemError `malformed` when the file is not ours to understand: guessing could lose a before-image.
 */
export async function loadRecord(
  files: FileReader,
  host: Host,
  type: string,
  id: string,
): Promise<StoredRecord | undefined> {
  const path = recordPath(host.connection.stateDirectory, type, id);
  const content = await files.read(path);
  if (!content) return undefined;
  const record = parse(content.bytes.toString("utf8"), type);
  if (record?.id === id) return { record, sha256: content.sha256 };
  throw notRecord(`${host.name}:${path}`, "not the record of this resource", `${type} ${id}`);
}

/**
 * The record in a file of the records' directory, whatever thing of this type it is of; undefined when there is none.
 *
 * @param hostName what messages call the host
 * @throws ProblemError `malformed` when the file is not ours to understand
 */
export async function loadRecordAt(
  files: FileReader,
  hostName: string,
  type: string,
  path: string,
): Promise<TargetRecord | undefined> {
  const content = await files.read(path);
  if (!content) return undefined;
  const record = parse(content.bytes.toString("utf8"), type);
  if (record) return record;
  throw notRecord(`${hostName}:${path}`, "not the record of a resource", type);
}

const notRecord = (where: string, found: string, of: string): ProblemError =>
  new ProblemError("malformed", {
    where,
    found,
    allowed: `a record of version 1 for ${of}`,
    why: "It holds what was there before the resource was managed; going on could lose that",
    next: "Restore the file from a backup, or move it away to adopt the present state anew",
  });

/**
 * Writes a record; `previous` is what the caller read. Answers what it stored. A write whose answer was lost may have
 * happened: the record is read again, and written once more only where it was not ours that stands there.
 *
 * @param unheard SHA-256 of what this caller wrote without hearing of it; a write that ends so is added
 * @throws ProblemError `changed-meanwhile` when somebody else has written it
 */
export async function saveRecord(
  host: Host,
  record: TargetRecord,
  previous: StoredRecord | undefined,
  unheard: Set<string>,
): Promise<StoredRecord> {
  const path = recordPath(host.connection.stateDirectory, record.type, record.id);
  const bytes = Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`);
  const stored = { record, sha256: sha256(bytes) };
  const write = async (expected: string) => {
    await host.files.makeDirectory(`${host.connection.stateDirectory}/records`, 0o770);
    await host.files.write(path, bytes, { expected, mode: 0o660 });
  };
  const expected = previous?.sha256 ?? "absent";
  try {
    await write(expected);
  } catch (error) {
    if (isUnknownOutcome(error)) unheard.add(stored.sha256);
    else if (unheard.size === 0 || !isChangedMeanwhile(error)) throw error;
    const present = (await host.files.read(path))?.sha256 ?? "absent";
    if (present !== stored.sha256) await write(unheard.has(present) ? present : expected);
  }
  return stored;
}

/** Forgets a record that the caller read. */
export async function removeRecord(host: Host, stored: StoredRecord): Promise<void> {
  const path = recordPath(host.connection.stateDirectory, stored.record.type, stored.record.id);
  const remove = () => host.files.remove(path, { expected: stored.sha256 });
  // Removing what is gone already is no error, so a lost answer is asked for again.
  await remove().catch((error) => {
    if (!isUnknownOutcome(error)) throw error;
    return remove();
  });
}

const isChangedMeanwhile = (error: unknown): boolean =>
  error instanceof ProblemError && error.cause === "changed-meanwhile";

function parse(text: string, type: string): TargetRecord | undefined {
  try {
    const record = JSON.parse(text) as TargetRecord | null;
    return record?.version === 1 && record.type === type ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Project and stack of an owner. */
export const stackOf = (owner: string): string => owner.split("/").slice(0, 2).join("/");
