import { randomUUID } from "node:crypto";
import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import { operator } from "../../lifecycle/lock.js";
import type { FileReader, Host } from "../../targets/host.js";
import type { Control } from "./estate.js";
import type { LiveControl } from "./live.js";

/** Tells this process from every other, so that a rollout that another one left is known as interrupted. */
const PROCESS = randomUUID();

/** What an operator may ask of a rollout, in the words of `npm run rollout`. */
export type Request = NonNullable<LiveControl["request"]>;

const REQUESTS: readonly string[] = ["stop", "roll back", "resume"] satisfies readonly Request[];

/** On the deployment manager's host, beside the records: which process works, and what an operator asked for. */
export function controlPaths(
  stateDirectory: string,
  id: string,
): { readonly process: string; readonly request: string } {
  const base = `${stateDirectory}/rollouts/${sha256(id).slice(0, 20)}`;
  return { process: `${base}.process.json`, request: `${base}.request.json` };
}

/** What an operator asked for last, in words; undefined when nothing was asked. */
export async function requestInWords(host: Host, id: string): Promise<string | undefined> {
  const asked = await read(host.files, host, controlPaths(host.connection.stateDirectory, id).request);
  return asked && `${asked.request}, by ${asked.by} at ${asked.at}: ${asked.reason}`;
}

export function openControl(host: Host, files: FileReader, id: string): Control {
  const paths = controlPaths(host.connection.stateDirectory, id);
  return {
    async read() {
      const [worker, request] = await Promise.all([read(files, host, paths.process), read(files, host, paths.request)]);
      const asked = request?.request;
      return {
        request: typeof asked === "string" && REQUESTS.includes(asked) ? (asked as Request) : null,
        reason: typeof request?.reason === "string" ? request.reason : "",
        here: worker?.process === PROCESS,
      };
    },
    claim: (rollout) => write(host, paths.process, { process: PROCESS, by: operator(), rollout }),
    request: (what, reason) => writeRequest(host, id, what, reason),
    async heard(request) {
      const asked = await files.read(paths.request);
      if (asked && (await read(files, host, paths.request))?.request === request)
        await host.files.remove(paths.request, { expected: asked.sha256 });
    },
    async clear() {
      await host.files.remove(paths.request, { expected: "any" });
      await host.files.remove(paths.process, { expected: "any" });
    },
  };
}

/** Read between two steps of the rollout, whoever runs it. */
export async function writeRequest(host: Host, id: string, request: Request, reason: string): Promise<void> {
  const { request: path } = controlPaths(host.connection.stateDirectory, id);
  await write(host, path, { request, reason, by: operator(), at: new Date().toISOString() });
}

async function read(files: FileReader, host: Host, path: string): Promise<Record<string, unknown> | undefined> {
  const content = await files.read(path);
  if (!content) return undefined;
  try {
    return JSON.parse(content.bytes.toString("utf8")) as Record<string, unknown>;
  } catch {
    throw new ProblemError("malformed", {
      where: `${host.name}:${path}`,
      found: "not JSON",
      why: "Somebody may have asked for the rollout to stop",
      next: "Remove the file, and ask again: npm run rollout",
    });
  }
}

async function write(host: Host, path: string, content: object): Promise<void> {
  await host.files.makeDirectory(`${host.connection.stateDirectory}/rollouts`, 0o770);
  const before = await host.files.read(path);
  const bytes = Buffer.from(`${JSON.stringify(content, undefined, 2)}\n`);
  await host.files.write(path, bytes, { expected: before?.sha256 ?? "absent", mode: 0o660 });
}
