import { type Problem, ProblemError, problemsOf } from "../../common/problem.js";
import { isCutOff } from "../../formats/plugin-changes.js";
import { backUp } from "../../lifecycle/backups.js";
import { SAYS_NOTHING, type Work } from "./apply.js";
import { generatedNow } from "./generate.js";
import type { PutAside } from "./generated-file.js";
import type { Journal } from "./journal.js";
import { requireOwnFiles, seeFiles } from "./plugin-files.js";
import { listsAsFound } from "./routes.js";

/** A web server, and the newly generated file, which it gets unless its own `stays`. */
interface Renewal {
  readonly name: string;
  readonly generated: Buffer;
  readonly stays: boolean;
}

/**
 * The installer may have changed which paths applications answer: the new file, with the lists as they were found. What was
 * merged or edited by hand before the rollout is not the deployment manager's to write, and stays. A file that lacks what
 * users reach now is put in place on no web server.
 *
 * @throws AlteredFiles and SeenOtherwise as `requireOwnFiles`: what somebody changed since the last route is not written over
 */
export async function regenerate(before: Work): Promise<Partial<Journal>> {
  // The deployment manager's own file, too, may hold what somebody propagated from there: nothing is generated over it before.
  const own = await requireOwnFiles(before, { isRegenerating: true });
  const work: Work = { ...before, journal: { ...before.journal, ...own } };
  const { desired, journal } = work;
  const renewals: Renewal[] = [];
  const problems: Problem[] = [];
  const told: Record<string, string[]> = {};
  for (const { name } of desired.settings.webServers) {
    const stays = !journal.found.asGenerated[name];
    const generated = await generatedNow(name, work, { stays: !stays });
    if (!generated) continue;
    renewals.push({ name, generated, stays });
    const lost = stays ? [] : await lossesOf(name, generated, work);
    if (lost.length === 0) continue;
    told[name] = lost;
    const cutOff = Object.keys(journal.found.routing[name] ?? {}).filter((cluster) => isCutOff(lost, cluster));
    const isMeant =
      journal.lacking?.isMeant === true && lost.every((what) => journal.lacking?.told[name]?.includes(what));
    if (cutOff.length > 0 || !isMeant) problems.push(lossProblem(name, lost, cutOff));
    else work.context.progress(`${name}: gone from the newly generated file, as it is meant: ${lost.join("; ")}`);
  }
  if (problems.length > 0) throw new LostRoutes(problems, told);
  for (const renewal of renewals) await renew(renewal, work);
  return { ...own, regenerated: true, lacking: null, files: await seeFiles(work) };
}

/** What users reach would be gone with a generated file. Only a person says that it is meant. */
export class LostRoutes extends ProblemError {
  constructor(
    problems: readonly Problem[],
    readonly told: Record<string, string[]>,
  ) {
    super("refused", problems);
  }
}

/** Applications lose their web servers at updates. On the way back only what was there before the fix counts. */
async function lossesOf(name: string, generated: Buffer, { estate, journal }: Work): Promise<string[]> {
  const found = journal.direction === "roll back" ? journal.found.files?.[name]?.sha256 : undefined;
  return [...(await estate.webServer(name).losses(generated, found === undefined ? {} : { found }))];
}

/** A cluster that nobody would reach any more is a red proof, whatever anybody says: it has to go from the file in force first. */
const lossProblem = (name: string, lost: readonly string[], cutOff: readonly string[]): Problem => ({
  where: `${name}: its plug-in file, as the deployment manager generates it now`,
  found: `it has no more: ${lost.join("; ")}`,
  why: "Users reach that now; with the new file the web server itself would answer them with an error",
  next: `Map the modules of these applications to ${name} again (Manage Modules), save, then run up again. Is it meant to go: ${
    cutOff.length > 0 ? `first take ${cutOff.join(", ")} out of the file that the plug-in follows, then ` : ""
  }npm run rollout -- resume, then pulumi up`,
});

/** Where the new file is not proved, the one before it goes back, and that is proved. */
async function renew({ name, generated, stays }: Renewal, { estate, desired, journal, context }: Work): Promise<void> {
  const webServer = estate.webServer(name);
  const lists = listsAsFound(desired, context.live, name, journal.found.routing[name] ?? {});
  const by = journal.switching[name]?.by ?? "in-place";
  const prove = () => webServer.prove({ level: "routed", lists }, { settle: by, progress: context.progress });
  if (stays) {
    const lacks = await webServer.lacks(generated);
    const missing =
      lacks.length > 0
        ? `it lacks ${lacks.join("; ")}: merge in what you want of the newly generated one, backups/${await backUp(estate.host, generated)} in the state directory of ${estate.host.name}`
        : "it lacks nothing of the newly generated one";
    context.progress(
      `${name}: its plug-in file stays as it is, for it was other than the deployment manager generates it; ${missing}`,
    );
    return prove();
  }
  const before = lastSeen(name, await webServer.putAside(), journal);
  try {
    const replaced = await webServer.replace(generated, lists, by);
    context.progress(
      `${name}: ${replaced ? "the newly generated file is in place" : "the generated file is as before"}`,
    );
    await prove();
  } catch (error) {
    if (!(error instanceof ProblemError) || SAYS_NOTHING.includes(error.cause)) throw error;
    throw new ProblemError(error.cause, [...error.problems, ...(await goBack(before))]);
  }

  async function goBack(aside: PutAside): Promise<Problem[]> {
    try {
      if (!(await webServer.putBack(aside, lists, by))) return [];
      await prove();
      return [{ where: name, found: "the plug-in file of before is in force again, and proved" }];
    } catch (error) {
      return [
        { where: name, found: "the plug-in file of before was to be in force again, and is not proved" },
        ...problemsOf(error, name),
      ];
    }
  }
}

/**
 * What is there may be what a run wrote that died before its proof, or could not put the former file back: the file of before
 * is the one that the rollout last saw, and proved. What somebody else wrote is seen by then, or refused.
 */
function lastSeen(name: string, now: PutAside, { found, files }: Journal): PutAside {
  const aside = found.files?.[name];
  if (!aside) return now;
  const seen = files?.[name] ?? {};
  const beside = now.generated === undefined ? undefined : aside.generated;
  return {
    ...now,
    sha256: seen[now.path] ?? seen[aside.path] ?? aside.sha256,
    ...(beside === undefined ? {} : { generated: beside }),
  };
}
