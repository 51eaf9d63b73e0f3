import { routePlugin } from "../providers/formats/plugin-cfg.js";
import type { WantedLists } from "../providers/formats/server-lists.js";
import type { Benchmark } from "./benchmark.js";

const TARGET_BYTES = 5_000_000;
const REPEATS = 5;

/**
 * Sends users of a generated 5 MB plug-in file (two nodes, thousands of clusters) to the other node: reading, editing, and
 * reading the result again to check it. `seconds` is the first edit of a fresh process and switches every cluster, the most
 * that an edit can be; `cpuSeconds` is the same by processor time of all threads, for machines that are busy; `secondsOneCluster` switches one.
 */
export const edit: Benchmark = {
  summary: "route a 5 MB plug-in file: under a second, only the servers' lines change",

  async run() {
    const before = generated();
    const wanted = switched(before);
    const one = switched(before, 1);
    const processor = process.cpuUsage();
    const started = performance.now();
    const after = routePlugin(before, "bench", wanted);
    const first = performance.now() - started;
    const { user, system } = process.cpuUsage(processor);
    return {
      bytes: before.length,
      clusters: wanted.size,
      seconds: seconds(first),
      cpuSeconds: seconds((user + system) / 1_000),
      secondsMedian: medianSeconds(() => routePlugin(before, "bench", wanted)),
      secondsOneCluster: medianSeconds(() => routePlugin(before, "bench", one)),
      changedLines: changedLines(before, after),
      necessaryLines: 2 * wanted.size,
      changedLinesOneCluster: changedLines(before, routePlugin(before, "bench", one)),
    };
  },
};

/** Names the clusters of the generated file without reading it with the code that is measured. */
function switched(bytes: Buffer, limit = Number.POSITIVE_INFINITY): Map<string, WantedLists> {
  const wanted = new Map<string, WantedLists>();
  for (const match of bytes.toString("latin1").matchAll(/ Name="Cluster(\d+)"/g)) {
    if (wanted.size >= limit) break;
    const index = match[1];
    wanted.set(`Cluster${index}`, { primary: [`node2_server${index}`], backup: [`node1_server${index}`] });
  }
  return wanted;
}

function medianSeconds(work: () => unknown): number {
  const times = Array.from({ length: REPEATS }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  }).sort((a, b) => a - b);
  return seconds(times[Math.floor(REPEATS / 2)] as number);
}

const seconds = (milliseconds: number): number => Math.round(milliseconds) / 1_000;

/** Lines that differ; an edit that moves references keeps the number of lines. */
function changedLines(before: Buffer, after: Buffer): number {
  const old = before.toString("latin1").split("\n");
  const now = after.toString("latin1").split("\n");
  if (old.length !== now.length) throw new Error(`${old.length} lines became ${now.length}`);
  return now.filter((line, index) => line !== old[index]).length;
}

/** A file as deployment managers write it: 3-space indentation, attributes in alphabetical order, no final line end. */
function generated(): Buffer {
  const server = (node: string, index: number) =>
    [
      `      <Server CloneID="${node}c${index}" ConnectTimeout="5" ExtendedHandshake="false" LoadBalanceWeight="2" MaxConnections="-1" Name="${node}_server${index}" ServerIOTimeout="900" WaitForContinue="false">`,
      `         <Transport Hostname="${node}.example.com" Port="9080" Protocol="http"/>`,
      "      </Server>",
    ].join("\n");
  const list = (tag: string, node: string, index: number) =>
    `      <${tag}>\n         <Server Name="${node}_server${index}"/>\n      </${tag}>`;
  const lines = [
    '<?xml version="1.0" encoding="ISO-8859-1"?><!--HTTP server plugin config file for the cell benchCell-->',
    '<Config IgnoreDNSFailures="false" RefreshInterval="60" ResponseChunkSize="64">',
  ];
  let size = 0;
  for (let index = 1; size < TARGET_BYTES; index++) {
    const cluster = [
      `   <ServerCluster CloneSeparatorChange="false" GetDWLMTable="false" IgnoreAffinityRequests="true" LoadBalance="Round Robin" Name="Cluster${index}" PostBufferSize="0" PostSizeLimit="-1" RemoveSpecialHeaders="true" RetryInterval="60">`,
      server("node1", index),
      server("node2", index),
      list("PrimaryServers", "node1", index),
      list("BackupServers", "node2", index),
      "   </ServerCluster>",
      `   <UriGroup Name="Cluster${index}_URIs"><Uri AffinityCookie="JSESSIONID" Name="/app${index}/*"/></UriGroup>`,
      `   <Route ServerCluster="Cluster${index}" UriGroup="Cluster${index}_URIs"/>`,
    ].join("\n");
    lines.push(cluster);
    size += cluster.length + 1;
  }
  return Buffer.from([...lines, "</Config>"].join("\n"), "latin1");
}
