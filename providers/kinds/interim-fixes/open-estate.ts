import { setTimeout as delay } from "node:timers/promises";
import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { Access } from "../../lifecycle/kind.js";
import { probe } from "../../targets/http-probe.js";
import { lookAtApplicationFiles, lookAtArchives } from "../../targets/wsadmin/application-files.js";
import type { CellObservation } from "../../targets/wsadmin/cell.js";
import { lookAtOwnership } from "../../targets/wsadmin/ownership.js";
import { openNode } from "../../targets/wsadmin/profile-node.js";
import { openUpdateInstaller } from "../../targets/wsadmin/silent-installer.js";
import { openCell } from "../../targets/wsadmin/wsadmin-cell.js";
import { answersOf } from "./answers.js";
import { openControl } from "./control.js";
import { connections, users } from "./count-users.js";
import type { ClusterMember, Estate, MemberAnswer } from "./estate.js";
import type { FixesDesired } from "./goal.js";
import { expandedTo } from "./look-at-levels.js";
import { archiveOf, backUpMaster, fingerprints, stampVersion } from "./master.js";
import type { Settings } from "./schema.js";
import { rememberShared, sharedChanges } from "./shared-files.js";
import { ReachedWebServer } from "./web-server.js";

/** Limit of one request to a member on its own port; the first one compiles pages. */
const MEMBER_REQUEST_MS = 60_000;

type Topology = CellObservation["topology"];

/** What a declaration names, reached over SSH. */
export function openEstate(
  reached: Pick<FixesDesired, "identity" | "settings">,
  access: Access & { readonly signal?: AbortSignal },
): Estate {
  const { identity, settings } = reached;
  const { connection, profile, administrator, soapHost, soapPort, timeout } = settings.deploymentManager;
  const host = access.host(connection);
  const cell = openCell(host, { profile, administrator, soapHost, soapPort, timeout, cell: identity.cell });
  const installer = openUpdateInstaller(host, { installDir: identity.installDir, profile, administrator, timeout });
  const signal = access.signal ?? new AbortController().signal;
  const pause = (ms: number) => delay(ms, undefined, { signal });
  const nodeOf = (name: string) => required(settings.nodes, name, "nodes");
  let asked: Promise<Topology> | undefined;
  const topology = (): Promise<Topology> => {
    asked ??= cell.topology().catch((error: unknown) => {
      asked = undefined;
      throw error;
    });
    return asked;
  };
  const webServer = (name: string) => {
    const its = required(settings.webServers, name, "webServers");
    const { connection: reachedBy } = its;
    const { sessionReplication } = settings.topology;
    const gone = Object.keys(settings.lost).flatMap((node) => settings.topology.nodes[node] ?? []);
    const known = { ...its, gone, ...(sessionReplication ? { sessionReplication } : {}) };
    return new ReachedWebServer(known, access.host(reachedBy), access.files(reachedBy), pause, signal);
  };
  return {
    cell,
    topology,
    installer,
    host,
    control: openControl(host, access.files(connection), `${identity.cell}:${identity.installDir}`),
    node(name) {
      const node = nodeOf(name);
      return openNode(access.host(node.connection), {
        node: name,
        profile: node.profile,
        administrator,
        timeout,
      });
    },
    answersOf: (name) => answersOf(name, topology, { settings, access }),
    ownership(name, { cached }) {
      const its = name === undefined ? settings.deploymentManager : nodeOf(name);
      const where = access.host(its.connection);
      const look = () => lookAtOwnership(where, its.profile, milliseconds(settings.limits.ownership));
      return cached ? where.snapshot(`ownership of ${its.profile}`, look) : look();
    },
    webServer,
    askMember: (member) => askMember(member, topology, settings, signal),
    connections: async (name) => {
      const webServers = settings.webServers.map((each) => webServer(each.name));
      return connections(access.host(nodeOf(name).connection), name, await topology(), settings, webServers);
    },
    users: async (name) => users(cell, name, await topology(), settings),
    async applicationFiles(name, applications, topology) {
      const its = name === undefined ? settings.deploymentManager : nodeOf(name);
      const root = name === undefined ? "" : expandedTo({ node: name, profile: its.profile }, topology);
      if (root === undefined) return {};
      const pathOf = (application: string) =>
        name === undefined ? archiveOf(reached, application) : `${root}/${application}.ear`;
      const found = await lookAtApplicationFiles(access.host(its.connection), its.profile, applications.map(pathOf));
      return Object.fromEntries(applications.map((application, index) => [application, found[index] ?? {}]));
    },
    async archives(name, applications) {
      const its = name === undefined ? settings.deploymentManager : nodeOf(name);
      const paths = applications.map((application) => archiveOf(reached, application, its));
      const found = await lookAtArchives(access.host(its.connection), its.profile, paths);
      return Object.fromEntries(applications.map((application, index) => [application, found[index]]));
    },
    fingerprints: (applications) => fingerprints(host, reached, applications),
    rememberShared: (folders) => rememberShared(host, settings, folders),
    sharedChanges: (before) => sharedChanges(host, settings, before),
    backUp: (rollout, progress) => backUpMaster(host, reached, rollout, progress),
    stamp: () => stampVersion(host, settings.versionStamp, new Date()),
    now: Date.now,
    pause,
  };
}

function required<T extends { readonly name: string }>(list: readonly T[], name: string, where: string): T {
  const found = list.find((each) => each.name === name);
  if (found) return found;
  throw new ProblemError("missing", { where, found: `nothing is declared for ${name}` });
}

async function askMember(
  { node, server, cluster }: ClusterMember,
  topology: () => Promise<Topology>,
  settings: Settings,
  signal: AbortSignal,
): Promise<MemberAnswer> {
  const settingsOfProbe = settings.memberProbes[cluster];
  const declared = required(settings.nodes, node, "nodes");
  const { servers } = await topology();
  const endpoints = servers.find((each) => each.node === node && each.server === server)?.endpoints;
  const port = settingsOfProbe && endpoints?.[settingsOfProbe.port]?.port;
  if (!settingsOfProbe || port === undefined) {
    throw new ProblemError("missing", {
      where: `memberProbes.${cluster}`,
      found: settingsOfProbe ? `${server} of ${node} has no port ${settingsOfProbe.port}` : "no probe is declared",
      allowed: Object.keys(endpoints ?? {}).join(", "),
    });
  }
  const address = declared.probeAddress ?? declared.connection.address;
  const target = { address, port, publicHost: settingsOfProbe.host ?? address };
  const { path, expectStatus } = settingsOfProbe;
  const outcome = await probe(target, { path, timeoutMs: MEMBER_REQUEST_MS, signal });
  const isRight = outcome.kind === "answered" && expectStatus.includes(outcome.status);
  const found = outcome.kind === "answered" ? `status ${outcome.status}` : outcome.detail;
  return { isRight, text: `http://${address}:${port}${path}: ${found}, not status ${expectStatus.join(" or ")}` };
}
