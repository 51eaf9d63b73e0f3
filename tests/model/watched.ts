import { MemoryCell } from "../support/memory-cell.js";
import { GENERATED, newMember } from "../support/memory-cell-parts.js";
import { Driver, declaration, FaultAt } from "./driver.js";

/** All but one node serve, and nobody is sent to one that does not: at every instant of the model's clock. */
export function watched(nodes: number, webServers?: readonly string[], clusters?: readonly string[]): MemoryCell {
  return watch(new MemoryCell(nodes, clusters, webServers));
}

/** The plug-in file was merged with others', which named its clusters anew. */
export function merged(nodes: number, clusters?: readonly string[]): MemoryCell {
  const cell = watched(nodes, undefined, clusters);
  for (const webServer of cell.webServers) {
    const lists = Object.values(webServer.file).map((each, index) => [`Shared_${index + 1}_Cluster_0`, each] as const);
    webServer.file = webServer.followed = Object.fromEntries(lists);
  }
  return cell;
}

export const ALONE = "DocsCluster";

/**
 * One more cluster, with a member on that node only, whatever plug-in files call it. No fix changes what it runs, and
 * whatever is done to it is a violation.
 */
export function withAlone(cell: MemoryCell, name: string, inFile = ALONE): MemoryCell {
  const server = `${name}_${ALONE}`;
  cell.node(name).members.push({ ...newMember(server, ALONE, cell.now), alone: true });
  cell.clusters.push(ALONE);
  const lists = () => ({ primary: [server], backup: [] });
  for (const webServer of cell.webServers) {
    webServer.file = { ...webServer.file, [inFile]: lists() };
    webServer.followed = webServer.file;
  }
  cell.changeInvariants.push((change) => (change.endsWith(` ${server}`) ? change : undefined));
  cell.invariants.push(
    () => (cell.gone.has(name) || cell.serves(cell.member(server)) ? undefined : `${server} does not serve`),
    () => {
      const all = cell.webServers.flatMap(({ file, followed, copies }) => [file, followed, ...Object.values(copies)]);
      const other = all.find((each) => JSON.stringify(each[inFile]) !== JSON.stringify(lists()));
      return other && `the lists of ${inFile} are ${JSON.stringify(other[inFile])}`;
    },
  );
  return cell;
}

/** The plug-in never reads its file again: users are moved by directive. */
export function neverRefreshed(
  nodes: number,
  clusters?: readonly string[],
  webServers?: readonly string[],
): MemoryCell {
  const cell = watched(nodes, webServers, clusters);
  for (const webServer of cell.webServers) webServer.refreshInterval = -1;
  return cell;
}

/** Nobody can tell whether the plug-in file is overwritten, and it is: users are moved by directive. */
export function overwritten(nodes: number, clusters?: readonly string[]): MemoryCell {
  const cell = watched(nodes, undefined, clusters);
  for (const webServer of cell.webServers) webServer.generation = webServer.propagation = "unknown";
  return cell;
}

function watch(cell: MemoryCell): MemoryCell {
  const here = () => cell.nodes.filter(({ name }) => !cell.gone.has(name));
  const webServers = () => cell.webServers.filter(({ name }) => !cell.gone.has(name));
  cell.invariants.push(
    () => {
      const serving = cell.serving();
      return serving.length < here().length - 1 ? `only ${serving.join(", ")} serve` : undefined;
    },
    () => {
      const burnt = cell.nodes.filter((node) => !here().includes(node)).flatMap(({ members }) => members);
      const sentTo = cell.routedServers().map((server) => cell.member(server));
      const dead = sentTo
        .filter((member) => !burnt.includes(member) && !cell.serves(member))
        .map(({ server }) => server);
      return dead.length > 0 ? `users are sent to ${dead.join(", ")}` : undefined;
    },
    // An empty list of primaries serves nobody either; where those that served burnt down, nobody can be served at once.
    () => {
      const burnt = cell.nodes.flatMap((node) =>
        here().includes(node) ? [] : node.members.map(({ server }) => server),
      );
      const isServed = (primary: readonly string[]) =>
        primary.some((server) => burnt.includes(server) || cell.serves(cell.member(server)));
      const unserved = webServers().flatMap(({ name, followed }) =>
        Object.entries(followed)
          .filter(([, { primary, backup }]) => cell.membersOf([...primary, ...backup]).length > 0 && !isServed(primary))
          .map(([cluster]) => `${cluster} in ${name}`),
      );
      return unserved.length > 0 ? `nobody serves the users of ${unserved.join(", ")}` : undefined;
    },
    () => {
      const held = webServers().every(({ hold }) => hold !== null);
      return held || cell.serving().length === here().length ? undefined : "a node is out, and the routing is not held";
    },
    // Sessions may stick to a member that is a backup only: a stopped one passes them on, a restarting application fails them.
    () => {
      const restarting = cell.nodes.flatMap(({ members }) =>
        members.filter((member) => member.restartingUntil > cell.now),
      );
      const hit = restarting.filter(({ state }) => state === "started").map(({ server }) => server);
      return hit.length > 0 ? `applications restart on ${hit.join(", ")}, which run` : undefined;
    },
    () => (new Set(cell.installerRuns).size === cell.installerRuns.length ? undefined : "the installer ran twice"),
  );
  cell.changeInvariants.push((change) => {
    const held = webServers().every(({ hold }) => hold !== null);
    return held || !/^(route|write|point|reload) /.test(change) ? undefined : `${change}, which is not held`;
  });
  // Their time to leave may be over, but the model's users are done long before.
  cell.changeInvariants.push((change) => {
    const server = /^stop (node\d+_\S+)$/.exec(change)?.[1];
    return server && cell.connectionsTo(cell.member(server)) > 0 ? `${change}, with users on it` : undefined;
  });
  // Whoever died by itself is no doing of ours; to stop another one beside it is.
  cell.changeInvariants.push((change) => {
    const node = /^stop (node\d+)_\S+$/.exec(change)?.[1];
    const down = here().filter(({ name }) => name !== node && !cell.serving().includes(name));
    return node && down.length > 0
      ? `${change}, while ${down.map(({ name }) => name).join(", ")} does not serve`
      : undefined;
  });
  return cell;
}

/** Everything that is not a fix is as it was, and no command is left; every member runs what the master configuration has. */
export function expectSettled(driver: Driver): void {
  const { cell, kept } = driver;
  expect([...cell.violations]).toEqual([]);
  expect(kept?.journal).toBeNull();
  for (const name of ["dmgr", ...cell.nodes.map((node) => node.name)])
    expect([name, cell.host(name).jobNames()]).toEqual([name, []]);
  expect(cell.serving()).toHaveLength(cell.nodes.length);
  for (const node of cell.nodes) {
    expect([node.name, node.agent]).toEqual([node.name, cell.stoppedAgents.has(node.name) ? "stopped" : "started"]);
    for (const member of node.members) {
      const level = member.alone ? 0 : cell.level;
      expect([member.server, member.level, member.temp]).toEqual([member.server, level, level]);
    }
  }
  for (const webServer of cell.webServers) {
    expect(webServer.hold).toBeNull();
    expect([webServer.generation, webServer.propagation]).not.toContain("manual");
    expect([webServer.directive, webServer.loaded, webServer.copies]).toEqual([GENERATED, GENERATED, {}]);
    expect(webServer.followed).toEqual(webServer.file);
    expect([webServer.generated, webServer.inForce]).toEqual([cell.level, cell.level]);
    expect(Object.values(webServer.file).every(({ backup }) => backup.length === 0)).toBe(true);
  }
  expect([...cell.fixes]).toEqual(kept?.wentBack ? [] : ["LO66666"]);
}

/** Runs `up` until it converges or has gone back; a few runs have to do. */
export async function recover(driver: Driver): Promise<void> {
  let last = "";
  for (let run = 0; run < 4; run++) {
    const { ended, message } = await driver.up();
    last = message;
    if (ended === "converged" || driver.kept?.wentBack) return expectSettled(driver);
    // Whoever looks at the message takes a while, and what was left has to keep until then.
    driver.cell.advance(60_000);
  }
  throw new Error(`still not converged: ${last}`);
}

/** Dying before a change is dying after the one before it, so these are all the ways. */
export const KINDS = ["killed after", "reply lost", "cut"] as const;
export const SETTINGS = [
  ["resume", {}],
  ["roll back", { onInterrupted: "roll back", onFailure: "roll back" }],
] as const;

/** A fault at every index of a rollout, until one is out of its reach; answers how many there were. */
export async function everywhere(
  cellOf: () => MemoryCell,
  kind: (typeof KINDS)[number],
  settings: Record<string, unknown>,
  then: (driver: Driver) => Promise<void>,
): Promise<number> {
  for (let index = 0; index < 1_000; index++) {
    const cell = cellOf();
    const driver = new Driver(cell, declaration(cell, settings));
    const fault = new FaultAt(index, kind);
    await driver.up(fault);
    if (!fault.reached) return index;
    try {
      await then(driver);
    } catch (error) {
      throw new Error(`${kind} at change ${index} (${cell.written.join(" | ")}): ${error}`);
    }
  }
  throw new Error("a rollout without an end");
}
