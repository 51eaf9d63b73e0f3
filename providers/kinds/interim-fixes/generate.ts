import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import { readPluginConfig } from "../../formats/plugin-cfg.js";
import { samePluginContent } from "../../formats/plugin-content.js";
import { sameRouting } from "../../formats/routing.js";
import { backUp, fromBackup } from "../../lifecycle/backups.js";
import type { Host } from "../../targets/host.js";
import type { Work } from "./apply.js";
import { inCell } from "./cell-web-servers.js";
import { listsOf } from "./directive-routing.js";
import type { Journal } from "./journal.js";

const NOTE = "generating-";

const backupsOf = ({ connection }: Host): string => `${connection.stateDirectory}/backups`;

type Reached = Pick<Work, "estate" | "desired">;

/**
 * What the deployment manager generates for a web server now; undefined for one that the cell does not define. It generates by
 * overwriting its own file, which people merge and edit too, and propagate from there: what it holds is kept in the backups
 * before, and put back afterwards, to the byte; also what a run left there that died in between. `stays`: the generated one
 * stays instead, as what is propagated from now on.
 */
export async function generatedNow(
  name: string,
  { estate, desired }: Reached,
  { stays = false } = {},
): Promise<Buffer | undefined> {
  const found = await fileOf(name, { estate, desired });
  if (!found) return undefined;
  const { host, cell } = estate;
  const { ref, file, note } = found;
  const own = await host.files.read(file);
  const left = (await host.files.read(note))?.bytes.toString();
  const digest = own && (await backUp(host, own.bytes));
  if (left === undefined && digest !== undefined) {
    await host.files.write(note, Buffer.from(digest), { expected: "absent", mode: 0o660 });
  }
  await cell.generatePlugin(ref);
  const generated = await host.files.read(file);
  if (!generated)
    throw new ProblemError("missing", {
      where: `${host.name}:${file}`,
      found: "no generated plug-in file",
      next: "Look for PLGC messages in the deployment manager's SystemOut.log, then run up again",
    });
  const isLeft = left !== undefined && (!own || isSame(own.bytes, generated.bytes, `${host.name}:${file}`));
  const before = isLeft ? await fromBackup(host, left) : own?.bytes;
  if (!stays && before && !before.equals(generated.bytes)) {
    await host.files.write(file, before, { expected: generated.sha256 });
  }
  await forget(note, host);
  return generated.bytes;
}

/** What a run left overwritten that died in the middle of that goes back, whichever way the rollout goes on. */
export async function settleFiles(work: Reached): Promise<void> {
  const { estate, desired } = work;
  const names = (await estate.host.files.list(backupsOf(estate.host))) ?? [];
  if (!names.some((name) => name.startsWith(NOTE))) return;
  for (const { name } of desired.settings.webServers) {
    const found = await fileOf(name, work);
    if (found && (await estate.host.files.read(found.note))) await generatedNow(name, work);
  }
}

/** The deployment manager's own file, and where stands what it held while another one is generated over it. */
async function fileOf(name: string, { estate, desired }: Reached) {
  const ref = inCell(name, desired.settings, (await estate.topology()).webServers);
  if (!ref) return undefined;
  const file = await estate.cell.generatedFile(ref);
  return { ref, file, note: `${backupsOf(estate.host)}/${NOTE}${sha256(file)}` };
}

/** The plug-in files that were as generated before the installer may be overwritten by what is generated after it; no other. */
export async function compareFiles(work: Work): Promise<Partial<Journal>> {
  const { estate, desired, journal, context } = work;
  const asGenerated = { ...journal.found.asGenerated };
  for (const { name } of desired.settings.webServers) {
    if (asGenerated[name] !== undefined) continue;
    const generated = await generatedNow(name, work);
    const is = !generated || (await estate.webServer(name).isAsGenerated(generated));
    asGenerated[name] = is;
    const says = generated ? `is ${is ? "" : "not "}as the deployment manager generates it` : "is not the cell's";
    context.progress(`${name}: its plug-in file ${says}${is && generated ? "" : ", and stays as it is"}`);
  }
  return { found: { ...journal.found, asGenerated } };
}

/** Besides comments, white space and order, lists included. */
function isSame(own: Buffer, generated: Buffer, where: string): boolean {
  try {
    const [a, b] = [own, generated].map((bytes) => listsOf(readPluginConfig(bytes, where)));
    return samePluginContent(own, generated, where) && sameRouting(a ?? {}, b ?? {});
  } catch (error) {
    if (error instanceof ProblemError && error.cause === "malformed") return false;
    throw error;
  }
}

async function forget(note: string, { files }: Host): Promise<void> {
  const present = await files.read(note);
  if (present) await files.remove(note, { expected: present.sha256 });
}
