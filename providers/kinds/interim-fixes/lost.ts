import { nearest } from "../../common/nearest.js";
import type { Problem } from "../../common/problem.js";
import { ignoredName } from "./cell-web-servers.js";
import type { FixesDesired } from "./goal.js";
import type { Journal } from "./journal.js";
import type { Live } from "./live.js";

type WithSettings = Pick<FixesDesired, "settings">;

/** Declared nodes and web servers that are gone for good, in the order of their declaration. */
const namesOf = ({ settings }: WithSettings): readonly string[] => Object.keys(settings.lost);

/**
 * The declaration without what is lost: the rollout ends among the rest. `topology` still says which servers were the lost
 * node's, so that no user is sent to them; applications of a lost web server are no surprise.
 */
export function remaining<D extends WithSettings>(desired: D): D {
  const { settings } = desired;
  const lost = namesOf(desired);
  if (lost.length === 0) return desired;
  const isLeft = ({ name }: { readonly name: string }) => !lost.includes(name);
  const gone = settings.webServers.filter((webServer) => !isLeft(webServer)).map(ignoredName);
  return {
    ...desired,
    settings: {
      ...settings,
      nodes: settings.nodes.filter(isLeft),
      webServers: settings.webServers.filter(isLeft),
      ignoreWebServers: [...settings.ignoreWebServers, ...gone],
    },
  };
}

/** Why something may not be given up: whatever still runs would be left half-way, and users could come to it. */
export function lostRefusals(desired: FixesDesired, live: Live, journal: Journal | null): Problem[] {
  const { nodes, webServers } = desired.settings;
  const names = namesOf(desired);
  const known = [...nodes, ...webServers].map(({ name }) => name);
  const left = remaining(desired).settings;
  return [
    ...names.filter((name) => !known.includes(name)).map((name) => unknownName(name, known)),
    ...(names.length > 0 && !journal ? [onlyDuring(names)] : []),
    ...(left.nodes.length === 0 || (left.webServers.length === 0 && webServers.length > 0) ? [nothingLeft()] : []),
    ...(live.lost ?? []).filter(({ answers }) => answers.length > 0).map((each) => stillThere(each, journal)),
    ...Object.keys(journal?.lost ?? {})
      .filter((name) => !names.includes(name))
      .map(takenBack),
  ];
}

function unknownName(name: string, known: readonly string[]): Problem {
  const near = nearest(name, known);
  return {
    where: `lost.${name}`,
    found: `no node and no web server is called so${near ? `; did you mean ${near}?` : ""}`,
    allowed: known.join(", "),
  };
}

const onlyDuring = (names: readonly string[]): Problem => ({
  where: "lost",
  found: `${names.join(", ")}, and no rollout is open`,
  why: "It gives up what an open rollout cannot put right any more; a new rollout is declared without it",
  next: "Take it off nodes or webServers (a web server that the cell still defines: ignoreWebServers), and off lost",
});

const nothingLeft = (): Problem => ({
  where: "lost",
  found: "no node, or no web server, is left",
  why: "There is nothing on which the rollout could end, and nothing by which it could be proved",
  next: "Bring one of them back",
});

const stillThere = ({ name, answers }: { name: string; answers: string[] }, journal: Journal | null): Problem => ({
  where: `lost.${name}`,
  found: `it still answers: ${answers.join("; ")}`,
  allowed: "something that is gone for good",
  why: "What still runs is put right, not given up: users could come to it, with another fix than they find elsewhere",
  next:
    name in (journal?.lost ?? {})
      ? "It was given up already: switch it off until the rollout has ended, and rebuild it after that"
      : "Take it off lost and run up again; or switch it off for good",
});

const takenBack = (name: string): Problem => ({
  where: `lost.${name}`,
  found: "taken off lost, while the rollout that gave it up is open",
  why: "Nobody knows what it is like by now",
  next: `Put it back under lost until the rollout has ended`,
});

/** Clusters that are rolled and ran on lost nodes alone: their lists stay as they are, and no proof asks for them. */
export const unserved = ({ settings }: WithSettings, { clusters }: Pick<Live, "clusters">): readonly string[] =>
  Object.entries(clusters)
    .filter(([name, nodes]) => !settings.untouched.includes(name) && nodes.length > 0)
    .filter(([, nodes]) => nodes.every((node) => node in settings.lost))
    .map(([name]) => name);

/** What the rest of the rollout will not do for it. */
export function givenUp(name: string, { settings }: WithSettings, isRouting: boolean): string {
  if (settings.webServers.some((webServer) => webServer.name === name))
    return "its routing, its hold and the generation and propagation of its plug-in file stay as they are";
  const stay = "its agent, its members and its level of fixes stay as they are";
  return isRouting ? `${stay}, and its members become backups in every plug-in file` : stay;
}
