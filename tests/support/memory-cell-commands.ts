import { ProblemError } from "../../providers/common/problem.js";
import { jobLost, jobTimeout } from "../../providers/targets/job-problems.js";
import type { Cell, CellObservation, Distribution, Tri } from "../../providers/targets/wsadmin/cell.js";
import type {
  CommandOutcome,
  NodeCommands,
  ProcessSignals,
  Run,
} from "../../providers/targets/wsadmin/node-commands.js";
import { forgetLost } from "../../providers/targets/wsadmin/profile-commands.js";
import type { FixAction, FixOutcome, UpdateInstaller } from "../../providers/targets/wsadmin/update-installer.js";
import type { MemoryCell } from "./memory-cell.js";
import { type Command, generatedText, type Node, START_MS, STOP_MS, TICK_MS } from "./memory-cell-parts.js";
import type { MemoryHost } from "./memory-host.js";

const unused = async (): Promise<never> => {
  throw new Error("the kind does not ask this");
};

const applications = ["files"];

/** Of nodes alone that one of its clusters has members on. */
const distributionOf = (cell: MemoryCell, application: string): Distribution => ({
  application,
  distributed: ofTargets(cell, application, (node) =>
    cell.tellsExpansion ? node.expanded === cell.level : node.level === cell.level,
  ),
  expanded: ofTargets(cell, application, (node) => (cell.tellsExpansion ? node.expanded === cell.level : "unknown")),
});

const ofTargets = (cell: MemoryCell, application: string, word: (node: Node) => Tri) =>
  Object.fromEntries(
    cell.targets(application).map((node) => [node.name, node.agent === "started" ? word(node) : ("unknown" as const)]),
  );

const webServersOf = (cell: MemoryCell) => cell.webServers.map(({ node, server }) => ({ node, server }));

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
          .map(({ node, member: { server } }) => ({ node: node.name, server, uniqueId: cell.uniqueIdOf(server) })),
      })),
      standAlone: [],
      webServers: [...webServersOf(cell), ...cell.otherWebServers],
      applications: applications.map((name) => ({
        name,
        clusters: [cell.clusterOf(name)],
        servers: webServersOf(cell),
      })),
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
      plugin: cell.webServers.map(({ node, server, generation, propagation }) => ({
        node,
        webServer: server,
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

/** Of the deployment manager. */
export const generatedFile = ({ node, server }: { readonly node: string; readonly server: string }): string =>
  `/generated/${node}/${server}/plugin-cfg.xml`;

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
      asked.map((application) => ({ ...distributionOf(cell, application), ready: cell.ready })),
    setPluginSettings: (changes) =>
      cell.change("plug-in settings", () => {
        for (const { node, webServer, generation, propagation } of changes) {
          const found = cell.webServers.find((each) => each.node === node && each.server === webServer);
          if (!found) throw new ProblemError("missing", { where: node, found: `no web server ${webServer}` });
          if (generation) found.generation = generation;
          if (propagation) found.propagation = propagation;
        }
        return observation(cell).settings.plugin;
      }),
    generatedFile: async (webServer) => generatedFile(webServer),
    generatePlugin: async ({ node, server }) => {
      const file = generatedFile({ node, server });
      await cell.change(`generate ${node}/${server}`, () => {
        cell.advance(TICK_MS);
        cell.generatedFor.add(`${node}/${server}`);
        cell.host("dmgr").put(file, generatedText(cell.level, cell.now));
        // Whether WebSphere propagates upon this, too, nobody knows: the worse of both.
        for (const each of cell.webServers)
          if (each.node === node && each.server === server && each.propagation === "automatic") cell.propagate(each);
      });
      return { file };
    },
    propagatePlugin: unused,
  };
}

/** What a long command is and does. */
interface Detached extends Pick<Command, "finish"> {
  readonly what: string;
  readonly takesMs: number;
  readonly installs?: boolean;
  readonly says?: string;
  readonly begin?: () => void;
  /** What its output says when it has failed; undefined = it has not. */
  readonly failure?: () => string | undefined;
}

/**
 * Runs it as `runDetached` does: under its name on its host, where it goes on whatever becomes of us. One of that name that
 * runs, or has ended and was not forgotten, is attached to instead. Answers whether it was.
 */
async function detached(cell: MemoryCell, host: MemoryHost, run: Run, how: Detached) {
  const { job, timeoutMs, keep, whileRunning } = run;
  const deadline = cell.now + timeoutMs;
  const attached = (await host.jobs.peek(job)) !== undefined;
  if (!attached) {
    await cell.change(how.what, () => {
      host.setJob(job, "running", "", new Date(cell.now).toISOString());
      how.begin?.();
      const { installs = false, says = "", finish } = how;
      cell.commands.add({ host, job, installs, says, endsAt: cell.now + how.takesMs, finish });
    });
  }
  while ((await host.jobs.peek(job))?.state === "running") {
    if (cell.now >= deadline) throw jobTimeout(host.name, job, how.what, timeoutMs);
    cell.advance(TICK_MS);
    await whileRunning?.();
  }
  const lost = (await host.jobs.peek(job))?.lost;
  if (lost) throw jobLost(host.name, job, how.what, lost);
  if (!keep) await host.jobs.collect(job);
  return attached;
}

export function modelledNode(cell: MemoryCell, node: Node): NodeCommands {
  const host = cell.host(node.name);
  const command = async (run: Run, how: Detached): Promise<CommandOutcome> => {
    await forgetLost(host, run.job);
    const attached = await detached(cell, host, run, how);
    const code = how.failure?.();
    return { exitCode: code ? 255 : 0, codes: code ? [code] : [], message: "unknown", output: code ?? "", attached };
  };
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
    host,
    observe: async (servers) => {
      cell.faults.alive();
      cell.requireThere(node.name);
      return servers.map(({ server }) => signal(server));
    },
    serverStatus: unused,
    agentControl: async () => {
      const unit = node.agent === "started" ? cell.services.get(node.name) : undefined;
      return unit ? { by: "service", unit, active: true } : { by: "script" };
    },
    startAgent: (run, service) =>
      command(run, {
        what: `start agent ${node.name}`,
        takesMs: START_MS,
        begin: () => void cell.agentStarts.push(`${node.name}: ${service}`),
        finish() {
          if (node.agent === "stopped") node.nextSync = cell.now;
          node.agent = "started";
        },
      }),
    stopAgent: (run) =>
      command(run, {
        what: `stop agent ${node.name}`,
        takesMs: STOP_MS,
        finish() {
          node.agent = "stopped";
          if (cell.agentTakesMembers) for (const member of node.members) member.state = "stopped";
        },
      }),
    startServer: (server, run) =>
      command(run, {
        what: `start ${server}`,
        takesMs: START_MS,
        failure: () => (cell.failsToStart(cell.member(server)) === "as said" ? "ADMU3011E" : undefined),
        finish() {
          const member = cell.member(server);
          if (member.state === "stopped") {
            member.level = node.expanded;
            member.startedAt = cell.now;
          }
          if (!cell.failsToStart(member)) member.state = "started";
        },
      }),
    stopServer: (server, run) =>
      command(run, {
        what: `stop ${server}`,
        takesMs: STOP_MS,
        begin() {
          cell.member(server).state = "stopped";
        },
        finish() {},
      }),
    checkTemp: async () => {
      const leads = cell.linkedTemp.get(node.name);
      if (leads) throw new ProblemError("refused", { where: node.name, found: `it leads to ${leads}` });
    },
    clearTemp: (servers) =>
      cell.change(`clear ${node.name}`, () => {
        for (const server of servers) {
          if (cell.member(server).state !== "stopped")
            throw new ProblemError("refused", { where: server, found: "runs" });
          cell.member(server).temp = node.expanded;
        }
        return [];
      }),
  };
}

export function modelledInstaller(cell: MemoryCell): UpdateInstaller {
  const list = (ids: Iterable<string>) => ({ fixes: [...ids].sort().map((id) => ({ id })), raw: "" });
  const host = cell.host("dmgr");
  const run = async (action: FixAction, ids: readonly string[], how: Run): Promise<FixOutcome> => {
    if ((await host.jobs.peek(how.job)) === undefined && cell.installing) {
      throw new ProblemError("refused", { where: "update installer", found: "another run is under way" });
    }
    const installs = () => !cell.installerLies;
    await detached(
      cell,
      host,
      { ...how, keep: true },
      {
        what: `${action} ${ids.join(",")}`,
        takesMs: cell.installMs,
        installs: true,
        says: cell.installerSays,
        begin() {
          cell.installerRuns.push(how.job);
          if (installs()) cell.at(cell.now + cell.installMs / 2, () => cell.installing && cell.changeMaster());
        },
        finish() {
          if (!installs()) return;
          cell.changeMaster(action === "uninstall" && cell.keepsArchives ? 0 : undefined);
          for (const id of ids) action === "install" ? cell.fixes.add(id) : cell.fixes.delete(id);
        },
      },
    );
    const judged = await judge(action, ids, how.job);
    if (judged.result !== "unproven") await host.jobs.collect(how.job);
    return { ...judged, exitCode: 0, requires: judged.result === "done" ? [] : cell.requires };
  };
  const judge = async (action: FixAction, ids: readonly string[], job: string) => {
    const output = await host.jobs.output(job);
    const agrees = ids.every((id) => cell.fixes.has(id) === (action === "install"));
    const says = output.includes("completed");
    const result = says && agrees ? ("done" as const) : says || agrees ? ("unproven" as const) : ("failed" as const);
    return { output, result, installed: list(cell.fixes).fixes };
  };
  return {
    checkLogin: async () => {
      if (cell.blankInLogin) throw new ProblemError("refused", { where: "update installer", found: "a blank" });
    },
    listInstalled: async () => list(cell.fixes),
    listOffered: async () => list(cell.offered),
    install: (ids, _fixDir, how) => run("install", ids, how),
    uninstall: (ids, how) => run("uninstall", ids, how),
    lost: async (action, ids, job) => {
      const how = (await host.jobs.peek(job))?.lost;
      if (!how) return undefined;
      return { how, ...(await judge(action, ids, job)) };
    },
    goesOn: async (job) => (await host.jobs.peek(job))?.state === "running",
    isRunning: async () => {
      cell.faults.alive();
      return cell.installing;
    },
  };
}
