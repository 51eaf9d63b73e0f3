import type { Estate } from "../../providers/kinds/interim-fixes/estate.js";
import { NO_ARCHIVE } from "../../providers/kinds/interim-fixes/master.js";
import type { ApplicationFiles } from "../../providers/targets/wsadmin/application-files.js";
import type { MemoryCell } from "./memory-cell.js";
import { modelledCell, modelledInstaller, modelledNode } from "./memory-cell-commands.js";
import { type Node, OWN } from "./memory-cell-parts.js";
import { modelledWebServer } from "./memory-cell-web.js";

/** Of the times of an archive's files. */
const BUILT_AT = Date.parse("2020-01-01T00:00:00Z");

const archive = ({ now, level, changedAt }: MemoryCell) => ({
  writtenAt: new Date(changedAt).toISOString(),
  age: now - changedAt,
  content: `level ${level}`,
});

function expanded({ now, keepsTimes, ownFiles }: MemoryCell, node: Node, application: string): ApplicationFiles {
  const at = Math.max(node.distributedAt, node.touchedAt ?? 0);
  const modifiedAt = new Date(keepsTimes ? BUILT_AT : node.distributedAt).toISOString();
  const descriptors = `level ${node.expanded} of ${modifiedAt}`;
  return {
    writtenAt: new Date(at).toISOString(),
    age: now - at,
    content: `level ${node.expanded}`,
    modifiedAt,
    marks: { descriptors, files: `${descriptors} and ${ownFiles.get(application) ?? "no others"}` },
  };
}

/** Everything of a modelled cell, as the process `id` reaches it. */
export function modelledEstate(cell: MemoryCell, id: string): Estate {
  return {
    cell: modelledCell(cell),
    topology: () => modelledCell(cell).topology(),
    installer: modelledInstaller(cell),
    host: cell.host("dmgr"),
    node: (name) => modelledNode(cell, cell.node(name)),
    answersOf: async (name) => (cell.gone.has(name) ? [] : [`${name} by SSH`]),
    ownership: async (name) => cell.owned.get(name ?? "dmgr") ?? OWN,
    webServer: (name) => modelledWebServer(cell, cell.webServer(name)),
    control: {
      read: async () => {
        cell.faults.alive();
        const { request = null, reason = "" } = cell.request ?? {};
        return { request, reason, here: cell.control?.process === id };
      },
      claim: () =>
        cell.change("claim", () => {
          cell.control = { process: id };
        }),
      request: (request, reason) =>
        cell.change("request", () => {
          cell.request = { request, reason };
        }),
      heard: (request) =>
        cell.change(`heard ${request}`, () => {
          if (cell.request?.request === request) cell.request = undefined;
        }),
      clear: () =>
        cell.change("clear", () => {
          cell.control = undefined;
          cell.request = undefined;
        }),
    },
    askMember: async ({ server }) => {
      cell.faults.alive();
      cell.advance(200);
      const wrong = cell.wrongAnswer(server);
      return { isRight: wrong === undefined, text: wrong ?? "status 200" };
    },
    connections: async (name) => {
      cell.faults.alive();
      const drained = cell.node(name).members.filter(({ alone }) => !alone);
      return drained.reduce((sum, member) => sum + cell.connectionsTo(member), 0);
    },
    users: async () => cell.users,
    applicationFiles: async (name, applications) => {
      cell.faults.alive();
      if (name !== undefined) cell.requireThere(name);
      const node = name === undefined ? undefined : cell.node(name);
      const isUnseen = (application: string) => !node && cell.unseenArchives.has(application);
      const filesOf = (application: string) => (node ? expanded(cell, node, application) : archive(cell));
      return Object.fromEntries(applications.map((each) => [each, isUnseen(each) ? {} : filesOf(each)]));
    },
    archives: async (name, applications) => {
      cell.faults.alive();
      if (name !== undefined) cell.requireThere(name);
      const [level, at] =
        name === undefined ? [cell.level, cell.changedAt] : [cell.node(name).level, cell.node(name).copiedAt];
      const one = { digest: `level ${level}`, writtenAt: new Date(at).toISOString() };
      return Object.fromEntries(applications.map((each) => [each, cell.unseenArchives.has(each) ? undefined : one]));
    },
    fingerprints: async (applications) =>
      Object.fromEntries(
        applications.map((name) => [
          name,
          cell.unseenArchives.has(name)
            ? NO_ARCHIVE
            : `${1_000 + (cell.versions.get(name) ?? 0)} bytes of ${cell.changedAt}`,
        ]),
      ),
    rememberShared: async () => ({}),
    sharedChanges: async () => (cell.installerRuns.length > 0 ? cell.sharedChanges : []),
    backUp: () => cell.change("back up", () => cell.advance(30_000)),
    stamp: () => cell.change("stamp", () => undefined),
    now: () => cell.now,
    pause: async (ms) => {
      cell.faults.alive();
      cell.advance(ms);
    },
  };
}
