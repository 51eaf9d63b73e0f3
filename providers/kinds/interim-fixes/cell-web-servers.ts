import { type Problem, ProblemError } from "../../common/problem.js";
import type { PluginSettings, ServerRef } from "../../targets/wsadmin/cell.js";
import type { FixesDesired } from "./goal.js";
import type { Live } from "./live.js";
import type { Settings } from "./schema.js";

type Declared = Pick<Settings["webServers"][number], "name" | "server" | "node">;

/**
 * Which web server of the cell is declared. A cell's server names are unique on their node only, and `webserver1` on a node of
 * each machine is usual.
 */
const candidates = ({ name, server = name, node }: Declared, ofCell: readonly ServerRef[]): readonly ServerRef[] =>
  ofCell.filter((each) => each.server === server && (node === undefined || each.node === node));

/**
 * Undefined where the cell defines none of that name.
 *
 * @throws ProblemError "refused" where it may be several
 */
export function inCell(
  name: string,
  { webServers }: Pick<Settings, "webServers">,
  ofCell: readonly ServerRef[],
): ServerRef | undefined {
  const declared = webServers.find((each) => each.name === name) ?? { name };
  const found = candidates(declared, ofCell);
  if (found.length > 1) throw new ProblemError("refused", ambiguous(declared, found));
  return found[0];
}

/** As `ignoreWebServers` takes it, and messages say it: no name of the cell's holds a slash. */
export const wholeName = ({ node, server }: ServerRef): string => `${node}/${server}`;

/**
 * Whether the deployment manager writes the plug-in file of a declared web server by itself; undefined where it defines none.
 *
 * @throws ProblemError as `inCell`
 */
export function pluginSettingsOf(
  name: string,
  settings: Pick<Settings, "webServers">,
  plugin: readonly PluginSettings[],
): PluginSettings | undefined {
  const found = inCell(
    name,
    settings,
    plugin.map(({ node, webServer }) => ({ node, server: webServer })),
  );
  return found && plugin.find(({ node, webServer }) => node === found.node && webServer === found.server);
}

/** "node1/test" says which one "test" is. */
export const isMorePrecise = (name: string, other: string): boolean => name.endsWith(`/${other}`);

/** What `ignoreWebServers` calls a declared web server. */
export const ignoredName = ({ name, server = name, node }: Declared): string =>
  node === undefined ? server : wholeName({ node, server });

const isIgnored = (ref: ServerRef, { ignoreWebServers }: Pick<Settings, "ignoreWebServers">): boolean =>
  ignoreWebServers.includes(ref.server) || ignoreWebServers.includes(wholeName(ref));

/** Web servers of the cell that are declared, or that no user reaches. */
export const isAccountedFor = (ref: ServerRef, settings: Pick<Settings, "webServers" | "ignoreWebServers">): boolean =>
  settings.webServers.some((each) => candidates(each, [ref]).length > 0) || isIgnored(ref, settings);

/** Why it is not known whose users a rollout would move, and whose it would leave where they are. */
export function webServerRefusals(
  { settings }: FixesDesired,
  { webServersOfCell: ofCell, webServers }: Live,
): Problem[] {
  const refusals: Problem[] = ofCell
    .filter((ref) => !isAccountedFor(ref, settings))
    .map((ref) => ({
      where: "webServers",
      found: `the cell has a web server ${ref.server} of node ${ref.node} that is not declared`,
      why: "It would go on sending users to members that are stopped",
      next: `Declare it; if no user reaches it: ignoreWebServers: [${wholeName(ref)}]`,
    }));
  return [
    ...refusals,
    ...ambiguousNames(settings, ofCell),
    ...webServers
      .filter(({ running }) => running !== "yes")
      .map(({ name, running }) => ({
        where: name,
        found: `it is ${running === "no" ? "not running" : "in an unknown state"}`,
        why: "Its routing could not be proved",
      })),
  ];
}

/** Names that may mean several web servers of the cell, and web servers that several names mean. */
export function ambiguousNames(
  { webServers, ignoreWebServers }: Pick<Settings, "webServers" | "ignoreWebServers">,
  ofCell: readonly ServerRef[],
): Problem[] {
  const declared = webServers.flatMap((each) => {
    const found = candidates(each, ofCell);
    return found.length > 1 ? [ambiguous(each, found)] : [];
  });
  const ignored = ignoreWebServers.flatMap((server) => {
    const found = candidates({ name: server }, ofCell);
    if (found.length < 2) return [];
    const names = found.map(wholeName).join(" and ");
    return [{ ...several("ignoreWebServers", server, names), next: `Name them that no user reaches: ${names}` }];
  });
  const twice = ofCell.flatMap((ref) => {
    const names = webServers.filter((each) => candidates(each, [ref]).length > 0).map(({ name }) => name);
    if (names.length < 2 || webServers.some((each) => candidates(each, ofCell).length > 1)) return [];
    return [
      {
        where: `webServers ${names.join(", ")}`,
        found: `each is ${ref.server} of node ${ref.node} in the cell`,
        allowed: "one declaration for each web server of the cell",
        next: "Correct server or node of one of them",
      },
    ];
  });
  return [...declared, ...ignored, ...twice];
}

const ambiguous = ({ name, server = name }: Declared, found: readonly ServerRef[]): Problem => ({
  ...several(`webServers.${name}`, server, found.map(wholeName).join(" and ")),
  next: `Say which of them it is: node: ${found.map(({ node }) => node).join(", or node: ")}, and server: ${server}. For a rollout to begin, declare each other one under a name of its own, or under ignoreWebServers`,
});

const several = (where: string, server: string, names: string): Problem => ({
  where,
  found: `the cell has several web servers ${server}: ${names}`,
  allowed: "one web server of the cell",
  why: "One would be routed and the other go on sending users to members that are stopped",
});
