import { ProblemError } from "../../common/problem.js";
import type { Work } from "./apply.js";
import type { Journal } from "./journal.js";
import { listsAsFound } from "./routes.js";

/** What the deployment manager generates for a web server now; undefined for one that the cell does not define. */
export async function generatedNow(name: string, { estate }: Work): Promise<Buffer | undefined> {
  const inCell = (await estate.topology()).webServers.find(({ server }) => server === name);
  if (!inCell) return undefined;
  const { file } = await estate.cell.generatePlugin(inCell);
  const generated = await estate.host.files.read(file);
  if (generated) return generated.bytes;
  throw new ProblemError("missing", { where: `${estate.host.name}:${file}`, found: "no generated plug-in file" });
}

/**
 * The installer may have changed which paths applications answer: the new file, with the lists as they were found. What was
 * merged or edited by hand before the rollout is not the deployment manager's to write, and stays.
 */
export async function regenerate(work: Work): Promise<Partial<Journal>> {
  const { estate, desired, journal, context } = work;
  for (const { name } of desired.settings.webServers) {
    const generated = await generatedNow(name, work);
    if (!generated) continue;
    const webServer = estate.webServer(name);
    const lists = listsAsFound(desired, journal.found.routing[name] ?? {});
    const by = journal.switching[name]?.by ?? "in-place";
    if (journal.found.asGenerated[name] === false) {
      context.progress(
        `${name}: its plug-in file stays as it is, for it held more than the deployment manager generates before the rollout already; merge the newly generated one into it if the fix brought new paths`,
      );
    } else {
      const replaced = await webServer.replace(generated, lists, by);
      context.progress(
        `${name}: ${replaced ? "the newly generated file is in place" : "the generated file is as before"}`,
      );
    }
    // Found as generated says nothing about what is in force: a run may have died right after it wrote it.
    await webServer.prove({ level: "routed", lists }, { settle: by, progress: context.progress });
  }
  return { regenerated: true };
}
