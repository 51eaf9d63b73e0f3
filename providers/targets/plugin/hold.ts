import { ProblemError } from "../../common/problem.js";
import type { FileReader, Host } from "../host.js";

/** Somebody who needs a web server's routing for themselves for a while: an unfinished rollout. Plain JSON. */
export interface Hold {
  /** user@machine */
  by: string;
  /** Names the rollout, e.g. "20261123T011234Z". */
  rollout: string;
  /** The step at which it was begun or taken up. */
  step: string;
  /** ISO 8601, UTC. */
  since: string;
}

/** On the web server's host. The web server's name is one word, unique on its host. */
const pathOf = (stateDirectory: string, webServer: string): string => `${stateDirectory}/holds/${webServer}.json`;

/**
 * The hold on a web server's routing, or null. Changes nothing.
 *
 * @throws ProblemError `malformed` for a file that is no hold: whose it is cannot be told, so nothing may be routed.
 */
export async function readHold(
  files: FileReader,
  host: { readonly name: string; readonly stateDirectory: string },
  webServer: string,
): Promise<Hold | null> {
  const path = pathOf(host.stateDirectory, webServer);
  const content = await files.read(path);
  if (!content) return null;
  try {
    const { by, rollout, step, since } = JSON.parse(content.bytes.toString("utf8")) as Record<string, unknown>;
    if (typeof rollout === "string") return { by: String(by), rollout, step: String(step), since: String(since) };
  } catch {
    // Reported below, as any other content that is no hold.
  }
  throw new ProblemError("malformed", {
    where: `${host.name}:${path}`,
    found: "not a hold on routing",
    why: "Whether a rollout is under way cannot be told",
    next: "See npm run rollout -- status; remove the file when no rollout is open",
  });
}

/** Takes the routing, or says anew how far the same rollout is. @throws ProblemError `locked` when another one has it */
export async function writeHold(host: Host, webServer: string, hold: Hold): Promise<void> {
  const { stateDirectory } = host.connection;
  const present = await readHold(host.files, host.connection, webServer);
  if (present && present.rollout !== hold.rollout) {
    throw new ProblemError("locked", {
      where: `${host.name}: routing of ${webServer}`,
      found: `held by rollout ${present.rollout} of ${present.by} since ${present.since}`,
      next: "See npm run rollout -- status",
    });
  }
  await host.files.makeDirectory(`${stateDirectory}/holds`, 0o770);
  const path = pathOf(stateDirectory, webServer);
  const before = await host.files.read(path);
  const bytes = Buffer.from(`${JSON.stringify(hold, undefined, 2)}\n`);
  await host.files.write(path, bytes, { expected: before?.sha256 ?? "absent", mode: 0o660 });
}

/** Gives the routing free again, if it is this rollout's. */
export async function removeHold(host: Host, webServer: string, rollout: string): Promise<void> {
  const path = pathOf(host.connection.stateDirectory, webServer);
  const present = await readHold(host.files, host.connection, webServer);
  if (present?.rollout !== rollout) return;
  const content = await host.files.read(path);
  if (content) await host.files.remove(path, { expected: content.sha256 });
}
