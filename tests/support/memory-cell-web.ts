import { ProblemError } from "../../providers/common/problem.js";
import { sameRouting } from "../../providers/formats/routing.js";
import type { Proof, RoutedWebServer } from "../../providers/kinds/interim-fixes/estate.js";
import type { Alteration } from "../../providers/kinds/interim-fixes/generated-file.js";
import type { Lists } from "../../providers/kinds/interim-fixes/live.js";
import type { RoutedServer } from "../../providers/kinds/interim-fixes/servers.js";
import type { MemoryCell } from "./memory-cell.js";
import { GENERATED, readGenerated, SETTLE_MS, TICK_MS, type WebServer } from "./memory-cell-parts.js";

/** A web server that is nothing but its files' lists, its directive, its hold, and when its processes look at their file. */
export function modelledWebServer(cell: MemoryCell, webServer: WebServer): RoutedWebServer {
  const { name } = webServer;
  return {
    name,
    look: async () => {
      cell.faults.alive();
      cell.requireThere(name);
      return {
        name,
        running: "yes",
        path: webServer.directive,
        value: webServer.directive,
        sha256: "",
        loaded: isLoaded(webServer, webServer.directive),
        lists: structuredClone(contentOf(webServer, webServer.directive)),
        servers: serversIn(cell, contentOf(webServer, webServer.directive)),
        refreshInterval: webServer.refreshInterval,
        hold: webServer.hold,
        problems: [],
      };
    },
    routes: async (source) => {
      cell.faults.alive();
      const lists = contentOf(webServer, source ?? webServer.directive);
      return { lists: structuredClone(lists), servers: serversIn(cell, lists) };
    },
    mpm: async () => webServer.mpm,
    portsOf: async () => [],
    route: async (lists, way) => {
      if (way.by === "directive") return routeByDirective(cell, webServer, lists, way.follow);
      if (sameRouting(routed(webServer.file, lists), webServer.file)) return;
      requirePrimaries(webServer.file, lists);
      await cell.change(`route ${name}`, () => {
        webServer.file = routed(webServer.file, lists);
        webServer.changedAt = cell.now;
      });
    },
    isRouted: async (lists, way) => {
      cell.faults.alive();
      const wanted = routed(webServer.file, lists);
      if (way.by === "in-place") return sameRouting(wanted, webServer.file);
      const path = pathFor(webServer, lists, way.follow);
      return (
        sameRouting(wanted, contentOf(webServer, path)) && webServer.directive === path && isLoaded(webServer, path)
      );
    },
    removeCopies: async () => {
      const copies = Object.keys(webServer.copies).filter((path) => path !== webServer.directive);
      if (copies.length === 0) return;
      await cell.change(`remove copies ${name}`, () => {
        for (const path of copies) delete webServer.copies[path];
      });
    },
    prove: async (proof, { settle }) => {
      cell.faults.alive();
      if (settle === "in-place" && webServer.refreshInterval < 0) {
        throw new ProblemError("not-converged", { where: name, found: "the edited file is never read" });
      }
      const isSeen = () => webServer.followed === webServer.file && webServer.inForce === webServer.generated;
      if (settle === "in-place") while (!isSeen()) cell.advance(TICK_MS);
      for (const until = cell.now + (settle ? SETTLE_MS : 0); ; cell.advance(TICK_MS)) {
        try {
          return requireProved(cell, webServer, proof);
        } catch (error) {
          if (cell.now >= until) throw error;
        }
      }
    },
    isAsGenerated: async () =>
      webServer.generated === cell.level &&
      !webServer.merged &&
      !Object.values(webServer.file).some((lists) => isAnothers(cell, serversOf(lists))) &&
      webServer.edited === "",
    alterations: async (seen, source) => {
      cell.faults.alive();
      const paths = [...new Set([webServer.directive, source])];
      return paths.flatMap((path) => alteration(webServer, [seen[path], seen[source]], path));
    },
    losses: async () => [
      ...Object.entries(webServer.file)
        .filter(([name, lists]) => cell.unmapped.has(name) || isAnothers(cell, serversOf(lists)))
        .map(([name]) => `ServerCluster ${name}`),
      ...[...cell.unmappedPaths].filter(() => webServer.generated !== cell.level).map((path) => `Uri ${path}`),
    ],
    lacks: async () => (webServer.generated === cell.level ? [] : ["Uri /new/*"]),
    putAside: async () => {
      cell.faults.alive();
      return { path: webServer.directive, sha256: digestOf(webServer, webServer.directive) };
    },
    putBack: async ({ sha256 }, _lists, by) => {
      const { shape: _, ...content } = contentBehind(sha256);
      if (sha256 === digestOf(webServer, webServer.directive)) return false;
      await cell.change(`put back ${name}`, () => {
        Object.assign(webServer, content);
        webServer.changedAt = cell.now;
      });
      if (by === "directive") await reload(cell, webServer);
      return true;
    },
    replace: async (bytes, _lists, by) => {
      const { level, at } = readGenerated(bytes.toString());
      const isNew = webServer.generated !== level || webServer.merged || webServer.edited !== "";
      if (isNew) {
        await cell.change(`write generated ${name}`, () => {
          webServer.generated = level;
          webServer.generatedAt = at;
          webServer.merged = false;
          webServer.edited = "";
          webServer.changedAt = cell.now;
        });
      }
      if (by === "directive" && webServer.inForce !== webServer.generated) await reload(cell, webServer);
      return isNew;
    },
    hold: (hold) =>
      cell.change(`hold ${name}`, () => {
        webServer.hold = { ...hold };
      }),
    // Nobody decides by it, so it is no place for a fault of its own.
    note: async (note) => {
      cell.faults.alive();
      if (webServer.hold?.rollout === note.rollout) Object.assign(webServer.hold, note);
    },
    release: (rollout) =>
      cell.change(`release ${name}`, () => {
        if (webServer.hold?.rollout === rollout) webServer.hold = null;
      }),
  };
}

/** Routing brings no cluster back that the file has lost, and leaves alone what it is not told of. @throws ProblemError for a server that it has not */
function routed(file: Lists, lists: Lists): Lists {
  const there = Object.entries(lists).filter(([cluster]) => cluster in file);
  for (const [cluster, { primary, backup }] of there) {
    const has = serversOf(file[cluster]);
    const unknown = [...primary, ...backup].filter((server) => !has.includes(server));
    if (unknown.length > 0)
      throw new ProblemError("invalid-input", { where: "plugin-cfg.xml", found: `${cluster} has no ${unknown}` });
  }
  return structuredClone({ ...file, ...Object.fromEntries(there) });
}

const serversOf = (lists: Lists[string] | undefined): string[] => [...(lists?.primary ?? []), ...(lists?.backup ?? [])];

/** No deployment manager of this cell generates it. */
const isAnothers = (cell: MemoryCell, servers: readonly string[]): boolean =>
  servers.length > 0 && cell.membersOf(servers).length === 0;

/**
 * As plug-in files have them, in clusters of any name: by nothing but host and port to be told for what they are in the cell;
 * another cell's servers not at all.
 */
const serversIn = (cell: MemoryCell, lists: Lists): RoutedServer[] =>
  Object.entries(lists).flatMap(([cluster, { primary, backup }]) =>
    [...primary, ...backup].map((name) => {
      const cloneId = cell.cloneIds.get(name);
      return { cluster, name, transports: cell.transportsOf(name), ...(cloneId === undefined ? {} : { cloneId }) };
    }),
  );

/** As what writes plug-in files refuses it; lists that stay as they are are not written. */
function requirePrimaries(file: Lists, lists: Lists): void {
  const changed = Object.entries(lists).filter(([name, each]) => {
    const now = file[name];
    return now !== undefined && !sameRouting({ now }, { now: each });
  });
  const empty = changed.filter(([, { primary }]) => primary.length === 0).map(([name]) => name);
  if (empty.length > 0)
    throw new ProblemError("invalid-input", { where: empty.join(", "), found: "no primary is wanted" });
}

/** The lists in a file that the directive may name. */
export const contentOf = ({ copies, file }: WebServer, path: string): Lists => copies[path] ?? file;

/** The plug-in reads its file again when its interval is over. */
export function lookAgain(webServer: WebServer, now: number): void {
  const { refreshInterval, changedAt, loaded } = webServer;
  if (refreshInterval < 0 || now - changedAt < refreshInterval * 1_000) return;
  webServer.followed = contentOf(webServer, loaded);
  webServer.inForce = webServer.generated;
}

/** Of a file's content besides who is primary and who is backup, to be read again. */
const digestOf = (webServer: WebServer, path: string): string => {
  const { generated, generatedAt, edited } = webServer;
  const content = { generated, generatedAt, edited, shape: shapeOf(contentOf(webServer, path)) };
  return Buffer.from(JSON.stringify(content)).toString("base64url");
};

const contentBehind = (
  digest: string,
): Pick<WebServer, "generated" | "generatedAt" | "edited"> & { readonly shape: readonly string[] } =>
  JSON.parse(Buffer.from(digest, "base64url").toString());

/** "ServerCluster AppsCluster", "Server node1_AppsCluster of AppsCluster": as changes are said. */
const shapeOf = (lists: Lists): string[] =>
  Object.entries(lists)
    .flatMap(([cluster, each]) => [
      `ServerCluster ${cluster}`,
      ...serversOf(each).map((server) => `Server ${server} of ${cluster}`),
    ])
    .sort();

/**
 * Words of its log level touch no routing. What is generated after the installer has a path more.
 *
 * @param seen of the file itself, and of the one that it is a copy of
 */
function alteration(webServer: WebServer, seen: readonly (string | undefined)[], path: string): readonly Alteration[] {
  const sha256 = digestOf(webServer, path);
  const [before] = seen.filter((digest) => digest !== undefined);
  if (sha256 === seen[0]) return [];
  if (before === undefined || seen.includes(sha256)) return [{ path, sha256, changes: [] }];
  const [then, now] = [contentBehind(before), contentBehind(sha256)];
  const told = (how: "gone" | "new", what: readonly string[]) =>
    what.map((each) => ({ what: each, how, routing: true }));
  const changes = [
    ...told(
      "gone",
      then.shape.filter((each) => !now.shape.includes(each)),
    ),
    ...told("new", [
      ...now.shape.filter((each) => !then.shape.includes(each)),
      ...(then.generated === now.generated ? [] : ["Uri /new/*"]),
    ]),
    ...(then.edited === now.edited
      ? []
      : [{ what: now.edited, how: "other" as const, routing: !now.edited.startsWith("Log") }]),
  ];
  return [{ path, before, sha256, changes }];
}

const pathFor = ({ directive, file }: WebServer, lists: Lists, follow: string): string =>
  directive === GENERATED && sameRouting(file, routed(file, lists)) ? GENERATED : follow;

const isLoaded = (webServer: WebServer, path: string): boolean =>
  webServer.loaded === path && sameRouting(webServer.followed, contentOf(webServer, path));

/** Three changes, each a place for a fault; only the reload is felt. */
async function routeByDirective(cell: MemoryCell, webServer: WebServer, lists: Lists, follow: string): Promise<void> {
  const { name } = webServer;
  const path = pathFor(webServer, lists, follow);
  const wanted = routed(webServer.file, lists);
  if (!sameRouting(path === GENERATED ? webServer.file : (webServer.copies[path] ?? {}), wanted)) {
    requirePrimaries(webServer.file, lists);
    await cell.change(`write ${path} ${name}`, () => {
      if (path === GENERATED) webServer.file = wanted;
      else webServer.copies[path] = wanted;
      webServer.changedAt = cell.now;
    });
  }
  if (webServer.directive !== path) {
    await cell.change(`point ${name}`, () => {
      webServer.directive = path;
    });
  }
  if (isLoaded(webServer, path)) return;
  await reload(cell, webServer);
}

const reload = (cell: MemoryCell, webServer: WebServer): Promise<void> =>
  cell.change(`reload ${webServer.name}`, () => {
    webServer.loaded = webServer.directive;
    webServer.followed = contentOf(webServer, webServer.directive);
    webServer.inForce = webServer.generated;
    webServer.reloads++;
  });

function requireProved(cell: MemoryCell, { name, followed, inForce }: WebServer, proof: Proof): void {
  const clusters = proof.level === "routed" ? Object.keys(proof.lists) : proof.clusters;
  const gone = clusters.filter((cluster) => !(cluster in followed));
  if (gone.length > 0) throw new ProblemError("not-converged", { where: name, found: `no Route leads to ${gone}` });
  if (cell.badGenerated && inForce > 0) throw new ProblemError("not-converged", { where: name, found: "status 404" });
  if (proof.level === "routed" && !sameRouting(followed, { ...followed, ...proof.lists })) {
    throw new ProblemError("not-converged", { where: name, found: "answered by others" });
  }
  const burnt = cell.nodes
    .filter(({ name: node }) => cell.gone.has(node))
    .flatMap(({ members }) => members.map((m) => m.server));
  for (const { primary, backup } of Object.values(followed)) {
    // Nobody is left to answer, and nobody is asked.
    if ([...primary, ...backup].every((server) => burnt.includes(server))) continue;
    const there = primary.filter((server) => !burnt.includes(server));
    // What takes no connection is passed over, as long as another one is there.
    const asked = proof.level === "routed" ? primary : there.length > 0 ? there : backup;
    for (const server of cell.membersOf(asked)) cell.requireAnswer(server);
  }
}
