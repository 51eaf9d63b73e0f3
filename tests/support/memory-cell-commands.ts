import { ProblemError } from "../../providers/common/problem.js";
import type { Cell, CellObservation, Distribution } from "../../providers/targets/wsadmin/cell.js";
import type { NodeCommands, ProcessSignals, Run } from "../../providers/targets/wsadmin/node-commands.js";
import type { FixOutcome, UpdateInstaller } from "../../providers/targets/wsadmin/update-installer.js";
import type { MemoryCell } from "./memory-cell.js";
import { INSTALL_MS, type Node, START_MS, STOP_MS, TICK_MS } from "./memory-cell-parts.js";

const unused = async (): Promise<never> => {
  throw new Error("the kind does not ask this");
};

const applications = ["files"];

/** Of nodes alone that one of its clusters has members on. */
const distributionOf = (cell: MemoryCell, application: string): Distribution => ({
  application,
  distributed: Object.fromEntries(
    cell
      .targets(application)
      .map((node) => [node.name, node.agent === "started" ? node.level === cell.level : "unknown"]),
  ),
});

function observation(cell: MemoryCell): CellObservation {
  cell.faults.alive();
  const members = cell.nodes.flatMap((node) => node.members.map((member) => ({ node, member })));
  const byAgent = <T>(node: Node, value: T) => (node.agent === "started" ? value : ("unknown" as const));
  return {
    distribution: applications.map((application) => distributionOf(cell, application)),
    topology: {
      cell: "cell1",
      nodes: cell.nodes.map(({ name }) => ({ name, hostName: name, role: "managed" as const })),
      servers: members.map(({ node, member }) => ({
        node: node.name,
        server: member.server,
        type: "application" as const,
        endpoints: { WC_defaulthost: { host: "*", port: cell.portOf(member.cluster) } },
      })),
      clusters: cell.clusters.map((name) => ({
        name,
        members: members
          .filter(({ member }) => member.cluster === name)
          .map(({ node, member }) => ({ node: node.name, server: member.server })),
      })),
      standAlone: [],
      webServers: cell.webServers.map(({ name }) => ({ node: "web", server: name })),
      applications: applications.map((name) => ({ name, clusters: [cell.clusterOf(name)], servers: [] })),
      variables: [],
    },
    state: {
      servers: members.map(({ node, member }) => ({
        node: node.name,
        server: member.server,
        state: byAgent(node, member.state),
      })),
      nodes: cell.nodes.map((node) => ({
        node: node.name,
        agent: byAgent(node, "started" as const),
        synchronized: byAgent(node, node.level === cell.level),
        autoSync: byAgent(node, true),
      })),
      clusters: [],
    },
    settings: {
      plugin: cell.webServers.map(({ name, generation, propagation }) => ({
        node: "web",
        webServer: name,
        generation,
        propagation,
      })),
      monitoring: members
        .filter(({ member }) => cell.restartStates.has(member.server))
        .map(({ node, member }) => ({
          node: node.name,
          server: member.server,
          nodeRestartState: cell.restartStates.get(member.server) ?? "unknown",
          autoRestart: true,
        })),
      soapRequestTimeout: { client: 0 },
      keyGeneration: [],
    },
  };
}

export function modelledCell(cell: MemoryCell): Cell {
  return {
    name: "dmgr",
    observe: async () => observation(cell),
    snapshot: async () => observation(cell),
    topology: async () => observation(cell).topology,
    state: async () => observation(cell).state,
    settings: async () => observation(cell).settings,
    fullSync: (name) =>
      cell.change(`sync ${name}`, () => {
        const node = cell.node(name);
        cell.advance(5_000);
        if (node.agent === "started") cell.distribute(node);
        return { synchronized: node.agent === "started" ? node.level === cell.level : "unknown" };
      }),
    setAutoSync: unused,
    startServer: unused,
    stopServer: unused,
    users: unused,
    applicationReadiness: async (asked) =>
      asked.map((application) => ({ ...distributionOf(cell, application), ready: "unknown" })),
    setPluginSettings: (changes) =>
      cell.change("plug-in settings", () => {
        for (const { webServer, generation, propagation } of changes) {
          const found = cell.webServer(webServer);
          if (generation) found.generation = generation;
          if (propagation) found.propagation = propagation;
        }
        return observation(cell).settings.plugin;
      }),
    generatePlugin: async () => ({ file: "/generated/plugin-cfg.xml" }),
    propagatePlugin: unused,
  };
}

export function modelledNode(cell: MemoryCell, node: Node): NodeCommands {
  const outcome = { exitCode: 0, codes: [], message: "unknown" as const, output: "" };
  const signal = (server: string): ProcessSignals => {
    const member = node.members.find((each) => each.server === server);
    const state = server === "nodeagent" ? node.agent : member?.state;
    const startedAt = member && new Date(member.startedAt).toISOString();
    return state === "started"
      ? { server, process: "running", pid: 1, ports: "open", ...(startedAt && { startedAt }) }
      : { server, process: "absent", ports: "closed" };
  };
  return {
    node: node.name,
    host: cell.host("dmgr"),
    observe: async (servers) => {
      cell.faults.alive();
      return servers.map(({ server }) => signal(server));
    },
    serverStatus: unused,
    agentControl: async () => {
      const unit = node.agent === "started" ? cell.services.get(node.name) : undefined;
      return unit ? { by: "service", unit, active: true } : { by: "script" };
    },
    startAgent: (_run, service) =>
      cell.change(`start agent ${node.name}`, () => {
        cell.agentStarts.push(`${node.name}: ${service}`);
        cell.advance(START_MS);
        if (node.agent === "stopped") node.nextSync = cell.now;
        node.agent = "started";
        cell.advance(TICK_MS);
        return outcome;
      }),
    stopAgent: () =>
      cell.change(`stop agent ${node.name}`, () => {
        cell.advance(STOP_MS);
        node.agent = "stopped";
        if (cell.agentTakesMembers) for (const member of node.members) member.state = "stopped";
        return outcome;
      }),
    syncNode: unused,
    startServer: (server) =>
      cell.change(`start ${server}`, () => {
        const member = cell.member(server);
        cell.advance(START_MS);
        if (member.state === "stopped") {
          member.level = node.level;
          member.startedAt = cell.now;
        }
        member.state = "started";
        return outcome;
      }),
    stopServer: (server) =>
      cell.change(`stop ${server}`, () => {
        cell.member(server).state = "stopped";
        cell.advance(STOP_MS);
        return outcome;
      }),
    clearTemp: (servers) =>
      cell.change(`clear ${node.name}`, () => {
        for (const server of servers) {
          if (cell.member(server).state !== "stopped")
            throw new ProblemError("refused", { where: server, found: "runs" });
          cell.member(server).temp = node.level;
        }
        return [];
      }),
  };
}

export function modelledInstaller(cell: MemoryCell): UpdateInstaller {
  const list = (ids: Iterable<string>) => ({ fixes: [...ids].sort().map((id) => ({ id })), raw: "" });
  const run = async (
    action: "install" | "uninstall",
    ids: readonly string[],
    { job, whileRunning }: Run,
  ): Promise<FixOutcome> => {
    if (!cell.jobs.has(job) && cell.jobs.size > 0) {
      throw new ProblemError("refused", { where: "update installer", found: "another run is under way" });
    }
    await cell.change(`${action} ${ids.join(",")}`, () => {
      // One that has ended and was not looked at yet is attached to like one that goes on.
      if (cell.jobs.has(job) || cell.endedJobs.has(job)) return;
      cell.installerRuns.push(job);
      if (!cell.installerLies)
        cell.jobs.set(`${job} half-way`, { endsAt: cell.now + INSTALL_MS / 2, finish: () => cell.changeMaster() });
      cell.jobs.set(job, {
        endsAt: cell.now + INSTALL_MS,
        finish: () => {
          cell.endedJobs.add(job);
          if (cell.installerLies) return;
          cell.changeMaster();
          for (const id of ids) action === "install" ? cell.fixes.add(id) : cell.fixes.delete(id);
        },
      });
    });
    while (cell.jobs.has(job)) {
      cell.advance(TICK_MS);
      await whileRunning?.();
    }
    cell.endedJobs.delete(job);
    cell.faults.after(`${action} ended`);
    const output = "Fix installation completed";
    return { result: "done", installed: list(cell.fixes).fixes, exitCode: 0, output, requires: cell.requires };
  };
  return {
    listInstalled: async () => list(cell.fixes),
    listOffered: async () => list(cell.offered),
    install: (ids, _fixDir, how) => run("install", ids, how),
    uninstall: (ids, how) => run("uninstall", ids, how),
    goesOn: async (job) => {
      cell.faults.alive();
      return cell.jobs.has(job);
    },
    isRunning: async () => {
      cell.faults.alive();
      return cell.jobs.size > 0;
    },
  };
}
