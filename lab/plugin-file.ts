import { CELL, type LabCluster, type NodeName, PLUGIN_ROOT } from "./topology.js";

interface PluginFileOptions {
  readonly clusters: readonly LabCluster[];
  readonly addresses: Readonly<Record<NodeName, string>>;
  readonly webPort: number;
  /** Where the web server sees its own tree: "" or, without namespaces, a directory. */
  readonly prefix: string;
  readonly killOnParseError: boolean;
  /** All of a cell's times are short, and so are the plug-in's: RefreshInterval and RetryInterval. */
  readonly cell: boolean;
  /** As in the header comment: "2026.11.02 at 09:14:07 AM UTC". */
  readonly generatedOn: string;
}

/** Seconds. The product's defaults; in a cell, a second for its minute, and longer than a member's restart, as there. */
const INTERVALS = { product: { refresh: 60, retry: 60 }, cell: { refresh: 1, retry: 5 } } as const;

/**
 * A plug-in file in the shape a Network Deployment cell generates: header comment glued to the XML declaration, ISO-8859-1,
 * three blanks of indent, attributes in alphabetical order, groups before clusters before routes, no newline at the end.
 */
export function pluginFile(options: PluginFileOptions): string {
  const { refresh } = intervals(options);
  const plugins = `${options.prefix}${PLUGIN_ROOT}`;
  const lines = [
    `<?xml version="1.0" encoding="ISO-8859-1"?><!--HTTP server plugin config file for the cell ${CELL} generated on ${options.generatedOn}-->`,
    `<Config ASDisableNagle="false" AcceptAllContent="true" AppServerPortPreference="HostHeader" ChunkedResponse="false" FIPSEnable="false" FailoverToNext="false" HTTPMaxHeaders="300" IISDisableNagle="false" IISPluginPriority="High" IgnoreDNSFailures="false" KillWebServerStartUpOnParseErr="${options.killOnParseError}" MarkBusyDown="false" OS400ConvertQueryStringToJobCCSID="false" RefreshInterval="${refresh}" ResponseChunkSize="64" SSLConsolidate="true" StrictSecurity="true" TrustedProxyEnable="false" VHostMatchingCompat="false">`,
    `   <Log LogLevel="Error" Name="${plugins}/logs/webserver1/http_plugin.log"/>`,
    '   <Property Name="ESIEnable" Value="true"/>',
    '   <Property Name="ESIMaxCacheSize" Value="1024"/>',
    '   <Property Name="ESIInvalidationMonitor" Value="false"/>',
    '   <Property Name="ESIEnableToPassCookies" Value="false"/>',
    `   <Property Name="PluginInstallRoot" Value="${plugins}/"/>`,
    `   <Property Name="Keyfile" Value="${plugins}/config/webserver1/plugin-key.kdb"/>`,
    `   <Property Name="Stashfile" Value="${plugins}/config/webserver1/plugin-key.sth"/>`,
    '   <VirtualHostGroup Name="default_host">',
    ...[80, 443, options.webPort].map((port) => `      <VirtualHost Name="*:${port}"/>`),
    "   </VirtualHostGroup>",
    ...options.clusters.flatMap((cluster) => clusterLines(cluster, options)),
    ...options.clusters.flatMap(routeLines),
    '   <RequestMetrics armEnabled="false" loggingEnabled="false" rmEnabled="false" traceLevel="HOPS">',
    '      <filters enable="false" type="URI">',
    '         <filterValues enable="false" value="/snoop"/>',
    "      </filters>",
    "   </RequestMetrics>",
    "</Config>",
  ];
  return lines.join("\n");
}

const intervals = ({ cell }: PluginFileOptions) => (cell ? INTERVALS.cell : INTERVALS.product);

function clusterLines(cluster: LabCluster, options: PluginFileOptions): string[] {
  const [primaries, backups] =
    cluster.roles === "active/active"
      ? [cluster.members, []]
      : [cluster.members.filter((m) => m.node === "node1"), cluster.members.filter((m) => m.node !== "node1")];
  return [
    `   <ServerCluster CloneSeparatorChange="false" GetDWLMTable="false" IgnoreAffinityRequests="true" LoadBalance="Round Robin" Name="${cluster.name}" PostBufferSize="0" PostSizeLimit="-1" RemoveSpecialHeaders="true" RetryInterval="${intervals(options).retry}" ServerIOTimeoutRetry="-1">`,
    ...cluster.members.flatMap((member) => [
      `      <Server CloneID="${member.cloneId}" ConnectTimeout="5" ExtendedHandshake="false" LoadBalanceWeight="2" MaxConnections="-1" Name="${member.name}" ServerIOTimeout="900" WaitForContinue="false">`,
      `         <Transport ConnectionTTL="28" Hostname="${options.addresses[member.node]}" Port="${member.port}" Protocol="http"/>`,
      "      </Server>",
    ]),
    "      <PrimaryServers>",
    ...primaries.map((member) => `         <Server Name="${member.name}"/>`),
    "      </PrimaryServers>",
    ...(backups.length === 0
      ? []
      : [
          "      <BackupServers>",
          ...backups.map((member) => `         <Server Name="${member.name}"/>`),
          "      </BackupServers>",
        ]),
    "   </ServerCluster>",
  ];
}

function routeLines(cluster: LabCluster): string[] {
  return [
    `   <UriGroup Name="default_host_${cluster.name}_URIs">`,
    ...cluster.uris.map(
      (uri) => `      <Uri AffinityCookie="JSESSIONID" AffinityURLIdentifier="jsessionid" Name="${uri}"/>`,
    ),
    "   </UriGroup>",
    `   <Route ServerCluster="${cluster.name}" UriGroup="default_host_${cluster.name}_URIs" VirtualHostGroup="default_host"/>`,
  ];
}
