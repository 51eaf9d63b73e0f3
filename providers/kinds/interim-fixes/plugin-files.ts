import { type Problem, ProblemError } from "../../common/problem.js";
import type { Work } from "./apply.js";
import { generatedNow } from "./generate.js";
import type { Alteration, SeenFiles } from "./generated-file.js";
import type { Journal } from "./journal.js";
import { type RoutesSeen, requireKnownRoutes, seeRoutes } from "./routes-seen.js";

type Files = Record<string, SeenFiles>;

/** As a rollout goes on with them. Plain JSON. */
export interface OwnFiles {
  /** Web server → its plug-in's files. */
  files: Files;
  /** Web servers whose file holds by now what the deployment manager does not generate. */
  byHand: string[];
}

/** Somebody changed what decides where requests go, in files that are the rollout's. Only a person says that it is meant. */
export class AlteredFiles extends ProblemError {
  constructor(
    problems: readonly Problem[],
    readonly altered: OwnFiles,
  ) {
    super("refused", problems);
  }
}

/** What the files hold now, whatever they held before. */
export async function seeFiles({ estate, desired, journal }: Work): Promise<Files> {
  const files: Files = {};
  for (const { name } of desired.settings.webServers) {
    const source = journal.found.followed[name]?.path;
    if (source !== undefined) files[name] = seen(await estate.webServer(name).alterations({}, source));
  }
  return files;
}

/**
 * The plug-in's files are as this rollout left them, besides their lists, which are looked at on their own. What somebody changed
 * that does not touch routing is said, and counts from now on; so does what somebody propagated, as
 * after the installer, if nothing that was there is gone or other. What is accepted, by that or by a person's word, is what
 * the rollout routes from then on.
 *
 * @param isRegenerating a file that holds what is generated is no one's change, but what a run wrote that died, or could not put
 * the former one back: that one stays what was last seen
 * @throws AlteredFiles for everything else; SeenOtherwise where other clusters or servers are routed from now on
 */
export async function requireOwnFiles(work: Work, { isRegenerating = false } = {}): Promise<Partial<Journal>> {
  const { estate, desired, journal, context } = work;
  const files: Files = { ...journal.files };
  const byHand: string[] = [];
  const problems: Problem[] = [];
  const unfit: Problem[] = [];
  const seenRoutes: Record<string, RoutesSeen> = {};
  for (const { name } of desired.settings.webServers) {
    const source = journal.found.followed[name]?.path;
    if (source === undefined) continue;
    const aside = journal.found.files?.[name];
    const before = journal.files?.[name] ?? (aside ? { [aside.path]: aside.sha256 } : {});
    const altered = await estate.webServer(name).alterations(before, source);
    if (isRegenerating && (await isGenerated(name, altered, work))) continue;
    // What older versions found was not put aside: nothing tells then whether it was accepted.
    const routes = aside ? await seeRoutes(name, work) : undefined;
    if (routes) seenRoutes[name] = routes;
    if (routes && aside && routes.unfit.length > 0)
      unfit.push(
        unfitFor(`${name}: ${source}`, routes, altered.find(({ path }) => path === source)?.before ?? aside.sha256),
      );
    for (const each of altered.filter((alteration) => alteration.before !== undefined)) {
      const where = `${name}: ${each.path}`;
      const isMore = await isPropagated(name, each, work);
      if (isMore || !each.changes.some(({ routing }) => routing)) {
        context.progress(`${where}: somebody changed it: ${inWords(each)}`);
      } else problems.push(problemOf(where, each, routes?.said ?? []));
      if (!isMore) byHand.push(name);
    }
    files[name] = { ...before, ...seen(altered) };
  }
  // Nobody's word makes it fit, so nobody is asked for it.
  if (unfit.length > 0) throw new ProblemError("refused", unfit);
  if (problems.length > 0) throw new AlteredFiles(problems, { files, byHand });
  const own = goOnWith({ files, byHand }, journal);
  requireKnownRoutes(seenRoutes, own, journal);
  return own;
}

/** A person was told what was changed, and goes on: it is meant. Otherwise it is asked again. */
export const takeFiles = ({ altered, ...journal }: Journal, isMeant: boolean): Partial<Journal> =>
  altered ? { altered: null, ...(isMeant ? goOnWith(altered, journal) : {}) } : {};

/** What is in a file by somebody's hand is not the deployment manager's to write, whenever it came there. */
const goOnWith = ({ files, byHand }: OwnFiles, { found }: Journal): Partial<Journal> => ({
  files,
  found: {
    ...found,
    asGenerated: { ...found.asGenerated, ...Object.fromEntries(byHand.map((name) => [name, false])) },
  },
});

const seen = (altered: readonly Alteration[]): SeenFiles =>
  Object.fromEntries(altered.map(({ path, sha256 }) => [path, sha256]));

/** What is other in the files is all generated: by now, or before something was generated that has as much or more. */
async function isGenerated(name: string, altered: readonly Alteration[], work: Work): Promise<boolean> {
  const changed = altered.filter(({ before, changes }) => before !== undefined && changes.length > 0);
  if (changed.length === 0) return false;
  const generated = await generatedNow(name, work);
  if (generated && (await work.estate.webServer(name).isAsGenerated(generated))) return true;
  for (const each of changed) if (!(await isPropagated(name, each, work))) return false;
  return true;
}

/**
 * Nothing that was there is gone or other, and the deployment manager generates what is new, if perhaps more by now; or comments
 * alone were changed.
 */
async function isPropagated(name: string, { path, changes }: Alteration, work: Work): Promise<boolean> {
  if (changes.some(({ how, routing }) => how !== "new" || !routing)) return false;
  if (changes.length === 0) return true;
  const generated = await generatedNow(name, work);
  return generated !== undefined && (await work.estate.webServer(name).losses(generated, { path })).length === 0;
}

const inWords = ({ changes }: Alteration): string =>
  changes.map(({ what, how }) => `${how}: ${what}`).join("; ") || "comments or white space";

/** @param said what the rollout would route from then on */
const problemOf = (where: string, altered: Alteration, said: readonly string[]): Problem => ({
  where,
  found: `somebody changed it since this rollout left it: ${inWords(altered)}`,
  why: "It decides where users go, and they were proved to be elsewhere by the former file",
  next: `Put back what was there (backups/${altered.before} in the state directory there holds it), then run up again. Is it meant: npm run rollout -- resume, then pulumi up${said.length > 0 ? `; the rollout goes by it from then on: ${said.join("; ")}` : ""}`,
});

const unfitFor = (where: string, { said, unfit }: RoutesSeen, before: string): Problem => ({
  where,
  found: `somebody changed it since this rollout left it: ${said.join("; ")}. With that ${unfit.join("; ")}`,
  allowed: "for each cluster that is rolled, members on two nodes of this rollout or more, and on no other node",
  why: "Their users would be left without a member, or with one that changes under them",
  next: `Put back what was there (backups/${before} in the state directory there holds it) until the rollout has ended, with members that were removed from the cell made again, then run up again`,
});
