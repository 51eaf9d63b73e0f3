import type { Description } from "../description.js";
import { CELL, clustersWith, nodesOf, PLUGIN_FILE } from "../topology.js";
import { applicationsIn, DMGR_PROFILE, NODE_PROFILE, WEB_SERVER } from "./cell.js";

/** Writes the configuration objects of the cell in the notation of ConfigStore.java. */
class Objects {
  private readonly lines: string[] = [];
  private count = 0;

  /** @returns the key of the new object. Attribute values: text, a key, or a list of keys. */
  add(
    type: string,
    name: string,
    place: string,
    parent: string,
    attributes: Readonly<Record<string, string | { ref: string } | readonly string[]>> = {},
  ): string {
    const key = `${place}#${type}_${++this.count}`;
    this.lines.push(["object", type, name, key, parent].join("\t"));
    for (const [attribute, value] of Object.entries(attributes)) {
      if (typeof value === "string") this.lines.push(["text", attribute, value].join("\t"));
      else if ("ref" in value) this.lines.push(["ref", attribute, value.ref].join("\t"));
      else this.lines.push(["list", attribute, value.join(" ")].join("\t"));
    }
    return key;
  }

  text(): string {
    return `${this.lines.join("\n")}\n`;
  }
}

/** What AdminConfig shows of the lab's cell: as much as is asked of it. */
export function cellConfiguration(description: Description, prefix: string): string {
  const objects = new Objects();
  const cell = objects.add("Cell", CELL, `cells/${CELL}|cell.xml`, "-", { name: CELL });
  addManager(objects, cell, description, prefix);
  addNodes(objects, cell, description, prefix);
  addClusters(objects, cell, description);
  addWebServer(objects, cell, description, prefix);
  for (const { name, cluster } of applicationsIn(description)) {
    const place = `cells/${CELL}/applications/${name}.ear/deployments/${name}|deployment.xml`;
    objects.add("ApplicationDeployment", name, place, cell, {
      name,
      targets: `cluster=${cluster} node=${WEB_SERVER.node},server=${WEB_SERVER.server}`,
    });
  }
  const security = `cells/${CELL}|security.xml`;
  const schedule = objects.add("WSSchedule", "LTPAKeySetSchedule", security, cell, { nextStartDate: "4102444800000" });
  objects.add("KeySetGroup", "CellLTPAKeySetGroup", security, cell, {
    name: "CellLTPAKeySetGroup",
    autoGenerate: "false",
    wsSchedule: { ref: schedule },
  });
  return objects.text();
}

const nodePlace = (node: string) => `cells/${CELL}/nodes/${node}`;
const serverPlace = (node: string, server: string) => `${nodePlace(node)}/servers/${server}|server.xml`;

function addVariables(objects: Objects, place: string, parent: string, values: Readonly<Record<string, string>>): void {
  for (const [symbolicName, value] of Object.entries(values)) {
    objects.add("VariableSubstitutionEntry", "", `${place}|variables.xml`, parent, { symbolicName, value });
  }
}

function addEntry(
  objects: Objects,
  node: string,
  parent: string,
  serverName: string,
  serverType: string,
  ends: Readonly<Record<string, readonly [host: string, port: number]>>,
): void {
  const place = `${nodePlace(node)}|serverindex.xml`;
  const named = Object.entries(ends).map(([endPointName, [host, port]]) => {
    const endPoint = objects.add("EndPoint", "", place, parent, { host, port: String(port) });
    return objects.add("NamedEndPoint", "", place, parent, { endPointName, endPoint: { ref: endPoint } });
  });
  objects.add("ServerEntry", serverName, place, parent, { serverName, serverType, specialEndpoints: named });
  objects.add("Server", serverName, serverPlace(node, serverName), parent, { name: serverName, serverType });
}

function addManager(objects: Objects, cell: string, description: Description, prefix: string): void {
  const hostName = description.addresses.dmgr;
  const node = objects.add("Node", "dmgr", `${nodePlace("dmgr")}|node.xml`, cell, { name: "dmgr", hostName });
  const index = objects.add("ServerIndex", "", `${nodePlace("dmgr")}|serverindex.xml`, node, {
    hostName,
    nodeName: "dmgr",
  });
  addEntry(objects, "dmgr", index, "dmgr", "DEPLOYMENT_MANAGER", {
    SOAP_CONNECTOR_ADDRESS: [hostName, description.dmgrPorts.soap],
  });
  const place = serverPlace("dmgr", "dmgr");
  const timeout = objects.add("Property", "requestTimeout", place, node, { name: "requestTimeout", value: "6000" });
  objects.add("SOAPConnector", "", place, node, { enable: "true", properties: [timeout] });
  addVariables(objects, nodePlace("dmgr"), node, { USER_INSTALL_ROOT: `${prefix}${DMGR_PROFILE}` });
  addVariables(objects, `cells/${CELL}`, cell, { WAS_TEMP_DIR: `\${USER_INSTALL_ROOT}/temp` });
}

function addNodes(objects: Objects, cell: string, description: Description, prefix: string): void {
  for (const name of nodesOf(description)) {
    const hostName = description.addresses[name];
    const node = objects.add("Node", name, `${nodePlace(name)}|node.xml`, cell, { name, hostName });
    const index = objects.add("ServerIndex", "", `${nodePlace(name)}|serverindex.xml`, node, {
      hostName,
      nodeName: name,
    });
    addEntry(objects, name, index, "nodeagent", "NODE_AGENT", {
      SOAP_CONNECTOR_ADDRESS: [hostName, description.agentPorts[name]],
    });
    addVariables(objects, nodePlace(name), node, {
      USER_INSTALL_ROOT: `${prefix.replace(/dmgr$/, name)}${NODE_PROFILE}`,
    });
    for (const member of clustersWith(description.memberPorts, description.nodes).flatMap((one) => one.members)) {
      if (member.node !== name) continue;
      addEntry(objects, name, index, member.server, "APPLICATION_SERVER", { WC_defaulthost: [hostName, member.port] });
      objects.add("MonitoringPolicy", "", serverPlace(name, member.server), node, {
        autoRestart: "true",
        nodeRestartState: "STOPPED",
        pingInterval: "60",
      });
    }
  }
}

function addClusters(objects: Objects, cell: string, description: Description): void {
  for (const { name, members } of clustersWith(description.memberPorts, description.nodes)) {
    const place = `cells/${CELL}/clusters/${name}|cluster.xml`;
    const cluster = objects.add("ServerCluster", name, place, cell, { name });
    for (const member of members) {
      objects.add("ClusterMember", member.server, place, cluster, {
        memberName: member.server,
        nodeName: member.node,
        uniqueId: member.uniqueId,
        weight: "2",
      });
    }
  }
}

function addWebServer(objects: Objects, cell: string, description: Description, prefix: string): void {
  const { node: name, server } = WEB_SERVER;
  const hostName = description.addresses.web1;
  const node = objects.add("Node", name, `${nodePlace(name)}|node.xml`, cell, { name, hostName });
  const index = objects.add("ServerIndex", "", `${nodePlace(name)}|serverindex.xml`, node, {
    hostName,
    nodeName: name,
  });
  addEntry(objects, name, index, server, "WEB_SERVER", { WEBSERVER_ADDRESS: [hostName, description.webPort] });
  objects.add("PluginProperties", "", serverPlace(name, server), node, {
    PluginGeneration: "AUTOMATIC",
    PluginPropagation: "AUTOMATIC",
    RemoteConfigFilename: `${prefix.replace(/dmgr$/, "web1")}${PLUGIN_FILE}`,
  });
}
