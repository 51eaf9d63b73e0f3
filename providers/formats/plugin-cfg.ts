import { sha256 } from "../common/json.js";
import { type Problem, ProblemError } from "../common/problem.js";
import { type ListChange, sameOrder, verifyEdited } from "./plugin-cfg-verify.js";
import { childrenOf, isList, listEdits, listedNames, listsOf, type WantedLists } from "./server-lists.js";
import { splice } from "./splice.js";
import { attributeOf, readXml, type XmlDocument, type XmlElement } from "./xml.js";

/** One address that the plug-in forwards to. */
export interface PluginTransport {
  hostname: string;
  port: number;
  protocol: string;
}

/** One `Server` definition of a `ServerCluster`: an application server that requests can be sent to. */
export interface PluginMember {
  /** As deployment managers write it: `<node>_<server>`; both parts may contain `_`. */
  name: string;
  /** Absent on stand-alone servers, whose sessions have no affinity. */
  cloneId?: string;
  line: number;
  transports: PluginTransport[];
}

/** One `ServerCluster` element. Names are decoded; everything is in file order. */
export interface PluginCluster {
  name: string;
  line: number;
  /** A Route names it. */
  routed: boolean;
  members: PluginMember[];
  /** Which lists name at least one server. With "none" the plug-in treats every member as primary. */
  lists: "both" | "primary-only" | "backup-only" | "none";
  /** Server names in file order, as effective: with lists "none" all members. */
  primary: string[];
  backup: string[];
  /** Another balancer stands in front of the members: new requests do not follow the primary list. */
  clusterAddress: boolean;
  /** GetDWLMTable="true": with memory-to-memory replication the plug-in follows that table, not the lists. */
  dwlm: boolean;
  cloneSeparator: ":" | "+";
  /** How long the plug-in leaves a member alone that it could not reach. Default 60. */
  retryIntervalSeconds: number;
  /** Names of the affinity cookies of the Uris routed to it, each once. */
  affinityCookies: string[];
  /** Patterns of the Uris routed to it, each once. */
  uris: string[];
}

/** What a plug-in configuration file (plugin-cfg.xml) says about routing. */
export interface PluginConfig {
  clusters: PluginCluster[];
  /** Default 60. -1 = the file is never read again. */
  refreshIntervalSeconds: number;
  /** When it was generated, as the comment before its root element says: "2026.11.23 at 01:00:00 PM CET". */
  generatedAt?: string;
  /** On-demand routers steer dynamically: the lists are not the whole story. */
  intelligentManagement: boolean;
  /**
   * SHA-256 of everything except the PrimaryServers and BackupServers elements and the white space before them: equal for
   * two files that differ in routing only.
   */
  restDigest: string;
  /** What the plug-in would reject, or what makes the routing ambiguous. A file with problems is not edited. */
  problems: Problem[];
}

/**
 * Reads a plug-in configuration file as ND, Liberty and their merge tools generate it and people edit it. Elements and
 * attributes as in IBM's "plugin-cfg.xml file"; what is commented out does not count.
 *
 * @param where what problems call the file
 * @throws ProblemError "malformed" when it cannot be read at all; whatever else is wrong is in `problems`
 */
export function readPluginConfig(bytes: Uint8Array, where: string): PluginConfig {
  return new PluginReader(readXml(bytes, where), bytes, where).read();
}

/**
 * The same file with other servers in the lists of the clusters in `wanted`. Only lines of `<Server Name="…"/>` references
 * change, each reference keeping its own spelling; a list that is not there yet is written in the file's own indentation
 * and line ends; a BackupServers list without servers is removed with what it holds, since no product writes an empty one.
 * The order of primaries has no meaning to the plug-in, so a list that names the right ones stays as it is; backups are
 * tried in listed order. Nothing to change = the same bytes.
 *
 * The result is read again where it changed: the wanted lists are there, everything else is as before.
 *
 * @throws ProblemError "malformed" | "refused" (the file has problems) | "invalid-input" (no such cluster or server, a
 *   server twice, no primary)
 */
export function routePlugin(bytes: Uint8Array, where: string, wanted: ReadonlyMap<string, WantedLists>): Buffer {
  const document = readXml(bytes, where);
  const before = new PluginReader(document, bytes, where).read();
  if (before.problems.length > 0) throw new ProblemError("refused", before.problems);
  const unfit = unfitWishes(before, where, wanted);
  if (unfit.length > 0) throw new ProblemError("invalid-input", unfit);

  const elements = childrenOf(document.root, "ServerCluster");
  const changes = before.clusters.flatMap((cluster, index): ListChange[] => {
    const target = targetLists(cluster, wanted.get(cluster.name));
    const element = elements[index];
    return target && element
      ? [{ cluster: element, wanted: target, edits: listEdits(document.text, element, target) }]
      : [];
  });
  if (changes.length === 0) return Buffer.from(bytes);
  const edited = splice(
    bytes,
    changes.flatMap((change) => change.edits),
  );
  verifyEdited(document, bytes, edited, changes, where);
  return edited;
}

/** Deployment managers write it on line 1; merge tools write a header of their own, without a time. */
const GENERATED_AT = / generated on ([0-9.]+ at [^<>]{1,40}?) *-->/;

class PluginReader {
  private readonly problems: Problem[] = [];

  constructor(
    private readonly document: XmlDocument,
    private readonly bytes: Uint8Array,
    private readonly where: string,
  ) {}

  read(): PluginConfig {
    const { root } = this.document;
    if (root.name !== "Config") this.problem(root, `the root element is <${root.name}>`, "<Config>");
    const clusterElements = childrenOf(root, "ServerCluster");
    const clusters = clusterElements.map((element) => this.cluster(element));
    this.requireNames(clusterElements);
    this.addRoutes(new Map(clusters.map((cluster) => [cluster.name, cluster])));
    const generatedAt = GENERATED_AT.exec(this.document.text.slice(0, root.start))?.[1];
    return {
      clusters,
      ...(generatedAt === undefined ? {} : { generatedAt }),
      refreshIntervalSeconds: this.refreshInterval(),
      intelligentManagement: childrenOf(root, "IntelligentManagement").length > 0,
      restDigest: restDigest(this.document, this.bytes),
      problems: this.problems,
    };
  }

  private cluster(element: XmlElement): PluginCluster {
    const servers = childrenOf(element, "Server");
    const members = servers.map((server) => this.member(server));
    const name = attributeOf(element, "Name") ?? "";
    if (members.length === 0) this.problem(element, `ServerCluster ${name} has no Server`, "at least one");
    this.requireNames(servers);
    const named = this.lists(element, new Set(members.map((member) => member.name)));
    const hasPrimary = named.primary.length > 0;
    const hasBackup = named.backup.length > 0;
    return {
      name,
      line: this.document.lineOf(element.start),
      routed: false,
      members,
      lists: hasPrimary ? (hasBackup ? "both" : "primary-only") : hasBackup ? "backup-only" : "none",
      primary: hasPrimary || hasBackup ? named.primary : members.map((member) => member.name),
      backup: named.backup,
      clusterAddress: childrenOf(element, "ClusterAddress").length > 0,
      dwlm: isTrue(attributeOf(element, "GetDWLMTable")),
      cloneSeparator: isTrue(attributeOf(element, "CloneSeparatorChange")) ? "+" : ":",
      retryIntervalSeconds: this.seconds(element, "RetryInterval", DEFAULT_RETRY_SECONDS),
      affinityCookies: [],
      uris: [],
    };
  }

  private member(element: XmlElement): PluginMember {
    const transports: PluginTransport[] = [];
    for (const transport of childrenOf(element, "Transport")) {
      const hostname = attributeOf(transport, "Hostname");
      const port = attributeOf(transport, "Port");
      if (!hostname || !port || !/^[0-9]{1,5}$/.test(port) || Number(port) > 65535)
        this.problem(transport, `a Transport to ${hostname || "no host"}, port ${port || "none"}`, "Hostname and Port");
      else transports.push({ hostname, port: Number(port), protocol: attributeOf(transport, "Protocol") ?? "http" });
    }
    return {
      name: attributeOf(element, "Name") ?? "",
      cloneId: attributeOf(element, "CloneID") || undefined,
      line: this.document.lineOf(element.start),
      transports,
    };
  }

  private lists(cluster: XmlElement, members: ReadonlySet<string>): { primary: string[]; backup: string[] } {
    for (const name of ["PrimaryServers", "BackupServers"]) {
      const extra = childrenOf(cluster, name)[1];
      if (extra) this.problem(extra, `a second ${name} in one ServerCluster`, "one");
    }
    const seen = new Set<string>();
    const { primary, backup } = listsOf(cluster);
    for (const element of [primary, backup].flatMap((list) => list?.children ?? [])) {
      const name = attributeOf(element, "Name");
      if (element.name !== "Server") this.problem(element, `<${element.name}> in a list of servers`, "<Server>");
      else if (!name) this.problem(element, "a reference to a Server without Name");
      else if (!members.has(name))
        this.problem(element, `a reference to ${name}`, "a Server of the same ServerCluster");
      else if (seen.has(name)) this.problem(element, `${name} is listed twice`, "once, as primary or as backup");
      else seen.add(name);
    }
    return listedNames(cluster);
  }

  private addRoutes(clusters: ReadonlyMap<string, PluginCluster>): void {
    const uriGroups = this.groups("UriGroup");
    const hostGroups = this.groups("VirtualHostGroup");
    for (const route of childrenOf(this.document.root, "Route")) {
      const clusterName = attributeOf(route, "ServerCluster");
      const cluster = clusters.get(clusterName ?? "");
      const uriGroup = attributeOf(route, "UriGroup");
      const hostGroup = attributeOf(route, "VirtualHostGroup");
      if (!cluster)
        this.problem(route, `a Route to ServerCluster ${clusterName || "without name"}`, "one in this file");
      if (uriGroup !== undefined && !uriGroups.has(uriGroup))
        this.problem(route, `a Route by UriGroup ${uriGroup}`, "one in this file");
      if (hostGroup !== undefined && !hostGroups.has(hostGroup))
        this.problem(route, `a Route by VirtualHostGroup ${hostGroup}`, "one in this file");
      if (!cluster) continue;
      cluster.routed = true;
      const uris = uriGroup === undefined ? [undefined] : childrenOf(uriGroups.get(uriGroup), "Uri");
      for (const uri of uris) {
        addOnce(cluster.uris, (uri && attributeOf(uri, "Name")) ?? EVERY_URI);
        addOnce(cluster.affinityCookies, (uri && attributeOf(uri, "AffinityCookie")) ?? DEFAULT_COOKIE);
      }
    }
  }

  private groups(name: string): ReadonlyMap<string, XmlElement> {
    const elements = childrenOf(this.document.root, name);
    this.requireNames(elements);
    return new Map(elements.map((element) => [attributeOf(element, "Name") ?? "", element]));
  }

  /** Every one has a name of its own. */
  private requireNames(elements: readonly XmlElement[]): void {
    const lines = new Map<string, number>();
    for (const element of elements) {
      const name = attributeOf(element, "Name");
      const line = name ? lines.get(name) : undefined;
      if (!name) this.problem(element, `a ${element.name} without Name`);
      else if (line !== undefined)
        this.problem(element, `a second ${element.name} ${name}; the first is on line ${line}`, "names that differ");
      else lines.set(name, this.document.lineOf(element.start));
    }
  }

  private refreshInterval(): number {
    return this.seconds(this.document.root, "RefreshInterval", DEFAULT_REFRESH_SECONDS);
  }

  private seconds(element: XmlElement, attribute: string, otherwise: number): number {
    const text = attributeOf(element, attribute);
    if (text === undefined) return otherwise;
    if (/^(?:-1|[0-9]{1,9})$/.test(text)) return Number(text);
    this.problem(element, `${attribute} ${JSON.stringify(text)}`, "seconds, or -1");
    return otherwise;
  }

  private problem(element: XmlElement, found: string, allowed?: string): void {
    this.problems.push({
      where: `${this.where}:${this.document.lineOf(element.start)}`,
      found,
      allowed,
      why: "The plug-in would reject the file, or read it in a way that cannot be foreseen",
      next: "Generate the file again, or correct it",
    });
  }
}

/** IBM, "plugin-cfg.xml file": defaults of RefreshInterval, RetryInterval and AffinityCookie; a Route without UriGroup takes every URI. */
const DEFAULT_REFRESH_SECONDS = 60;
const DEFAULT_RETRY_SECONDS = 60;
const DEFAULT_COOKIE = "JSESSIONID";
const EVERY_URI = "/*";

function unfitWishes(config: PluginConfig, where: string, wanted: ReadonlyMap<string, WantedLists>): Problem[] {
  const clusters = new Map(config.clusters.map((cluster) => [cluster.name, cluster]));
  const problems: Problem[] = [];
  for (const [name, { primary, backup }] of wanted) {
    const cluster = clusters.get(name);
    const place = cluster ? `${where}:${cluster.line}` : where;
    const members = new Set(cluster?.members.map((member) => member.name));
    const names = [...primary, ...backup];
    const unknown = names.filter((server) => !members.has(server));
    if (!cluster)
      problems.push({ where: place, found: `no ServerCluster ${name}`, allowed: [...clusters.keys()].join(", ") });
    else if (unknown.length > 0)
      problems.push({ where: place, found: `${name} has no ${unknown.join(", ")}`, allowed: [...members].join(", ") });
    if (new Set(names).size < names.length)
      problems.push({
        where: place,
        found: `${name}: a server is wanted twice`,
        allowed: "once, as primary or backup",
      });
    if (primary.length === 0)
      problems.push({ where: place, found: `${name}: no primary is wanted`, why: "No server would take new requests" });
  }
  return problems;
}

/** The lists that the edited file is to have; undefined when the cluster's lists stay as they are. */
function targetLists(cluster: PluginCluster, wanted: WantedLists | undefined): WantedLists | undefined {
  if (!wanted) return undefined;
  const samePrimaries =
    cluster.primary.length === wanted.primary.length && wanted.primary.every((name) => cluster.primary.includes(name));
  if (samePrimaries && sameOrder(cluster.backup, wanted.backup)) return undefined;
  return samePrimaries ? { primary: cluster.primary, backup: wanted.backup } : wanted;
}

function restDigest(document: XmlDocument, bytes: Uint8Array): string {
  const rest: Uint8Array[] = [];
  let from = 0;
  for (const cluster of childrenOf(document.root, "ServerCluster")) {
    for (const list of cluster.children.filter(isList)) {
      let start = list.start;
      while (isBlank(bytes[start - 1])) start--;
      rest.push(bytes.subarray(from, start));
      from = list.end;
    }
  }
  rest.push(bytes.subarray(from));
  return sha256(Buffer.concat(rest));
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
const isTrue = (value: string | undefined): boolean => value?.toLowerCase() === "true";

function addOnce(list: string[], value: string): void {
  if (!list.includes(value)) list.push(value);
}
