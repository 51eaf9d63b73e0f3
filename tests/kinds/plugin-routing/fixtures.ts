/** Plug-in files for tests, in the shape that a deployment manager writes: comment on line 1, no final newline. */
export interface ClusterFixture {
  readonly name: string;
  /** Server name → CloneID; undefined = none. */
  readonly members: Readonly<Record<string, string | undefined>>;
  readonly primary?: readonly string[];
  readonly backup?: readonly string[];
  /** Attributes and child elements more than usual. */
  readonly attributes?: string;
  readonly inside?: string;
  readonly routed?: false;
}

export const APPS: ClusterFixture = {
  name: "AppsCluster",
  members: { node1_apps_server1: "1abc0001", node10_apps_server1: "1abc0010" },
  primary: ["node1_apps_server1"],
  backup: ["node10_apps_server1"],
};

export const INFRA: ClusterFixture = {
  name: "InfraCluster",
  members: { node1_infra: "1def0001", node10_infra: "1def0010" },
  primary: ["node1_infra"],
  backup: ["node10_infra"],
};

/** Active/active: both are primaries and there is no BackupServers. */
export const PUSH: ClusterFixture = {
  name: "PushCluster",
  members: { node1_push: "1fed0001", node10_push: "1fed0010" },
  primary: ["node1_push", "node10_push"],
};

export const DMGR: ClusterFixture = {
  name: "dmgr_CellCluster",
  members: { CellManager01_dmgr: undefined },
  routed: false,
};

export const NODES = {
  node1: ["node1_apps_server1", "node1_infra", "node1_push"],
  node10: ["node10_apps_server1", "node10_infra", "node10_push"],
};

export function pluginXml(clusters: readonly ClusterFixture[], top = "", rootAttributes = ""): string {
  return [
    '<?xml version="1.0" encoding="ISO-8859-1"?><!--HTTP server plugin config file for the cell Cell01-->',
    `<Config RefreshInterval="60"${rootAttributes}>`,
    '   <Log LogLevel="Error" Name="/opt/IBM/WebSphere/Plugins/logs/webserver1/http_plugin.log"/>',
    ...(top ? [`   ${top}`] : []),
    '   <VirtualHostGroup Name="default_host">',
    '      <VirtualHost Name="*:443"/>',
    "   </VirtualHostGroup>",
    ...clusters.flatMap(clusterXml),
    ...clusters.filter((cluster) => cluster.routed !== false).flatMap(routeXml),
    "</Config>",
  ].join("\n");
}

function clusterXml({ name, members, primary, backup, attributes, inside }: ClusterFixture): string[] {
  const list = (tag: string, names: readonly string[] | undefined) =>
    names ? [`      <${tag}>`, ...names.map((server) => `         <Server Name="${server}"/>`), `      </${tag}>`] : [];
  return [
    `   <ServerCluster${attributes ? ` ${attributes}` : ""} LoadBalance="Round Robin" Name="${name}">`,
    ...Object.entries(members).flatMap(([server, clone]) => [
      `      <Server${clone === undefined ? "" : ` CloneID="${clone}"`} Name="${server}">`,
      `         <Transport Hostname="${server}.example.com" Port="9080" Protocol="http"/>`,
      "      </Server>",
    ]),
    ...(inside ? [`      ${inside}`] : []),
    ...list("PrimaryServers", primary),
    ...list("BackupServers", backup),
    "   </ServerCluster>",
  ];
}

const routeXml = ({ name }: ClusterFixture): string[] => [
  `   <UriGroup Name="${name}_URIs">`,
  `      <Uri AffinityCookie="JSESSIONID" AffinityURLIdentifier="jsessionid" Name="/${name}/*"/>`,
  "   </UriGroup>",
  `   <Route ServerCluster="${name}" UriGroup="${name}_URIs" VirtualHostGroup="default_host"/>`,
];
