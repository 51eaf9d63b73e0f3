import { goneFrom, pluginChanges } from "../../providers/formats/plugin-changes.js";
import { samePluginContent } from "../../providers/formats/plugin-content.js";

const FILE = `<?xml version="1.0"?><!--generated on 2026.11.02-->
<Config RefreshInterval="60">
  <Log LogLevel="Error" Name="/logs/http_plugin.log"/>
  <Property Name="ESIEnable" Value="true"/>
  <VirtualHostGroup Name="default_host"><VirtualHost Name="*:80"/><VirtualHost Name="*:443"/></VirtualHostGroup>
  <VirtualHostGroup Name="inner_host"><VirtualHost Name="*:8443"/></VirtualHostGroup>
  <ServerCluster Name="A" RetryInterval="60">
    <Server Name="a1" CloneID="1"><Transport Hostname="n1" Port="9080" Protocol="http"/></Server>
    <Server Name="a2" CloneID="2"><Transport Hostname="n2" Port="9080" Protocol="http"/></Server>
    <PrimaryServers><Server Name="a1"/><Server Name="a2"/></PrimaryServers>
  </ServerCluster>
  <ServerCluster Name="B"><Server Name="b1"><Transport Hostname="n1" Port="9081"/></Server></ServerCluster>
  <UriGroup Name="A_URIs"><Uri Name="/files/*"/><Uri Name="/wikis/*"/></UriGroup>
  <Route ServerCluster="A" UriGroup="A_URIs" VirtualHostGroup="default_host"/>
  <UriGroup Name="B_URIs"><Uri Name="/news/*"/></UriGroup>
  <Route ServerCluster="B" UriGroup="B_URIs" VirtualHostGroup="default_host"/>
  <Route ServerCluster="B" UriGroup="B_URIs" VirtualHostGroup="inner_host"/>
</Config>`;

const without = (...texts: (string | RegExp)[]) =>
  texts.reduce<string>((file, text) => {
    const less = file.replace(text, "");
    if (less === file) throw new Error(`nothing to remove: ${text}`);
    return less;
  }, FILE);

const bytes = (text: string) => Buffer.from(text);
const words = (before: string, after: string) =>
  pluginChanges(bytes(before), bytes(after), "plugin-cfg.xml").map(({ what, how }) => `${how}: ${what}`);

const CLUSTER_B = /<ServerCluster Name="B">.*<\/ServerCluster>/;
const TO_B = /<Route ServerCluster="B"[^>]*default_host"\/>/;
const TO_B_INSIDE = /<Route ServerCluster="B"[^>]*inner_host"\/>/;

describe("everything that is gone is named, once", () => {
  test.each([
    ["a path", without('<Uri Name="/files/*"/>'), ["Uri /files/* of A"]],
    [
      "a server, with its address",
      without(/<Server Name="a2" CloneID.*<\/Server>/, '<Server Name="a2"/>'),
      ["Server a2 of A"],
    ],
    ["a virtual host", without('<VirtualHost Name="*:80"/>'), ["VirtualHost *:80 of A", "VirtualHost *:80 of B"]],
    ["a cluster, by its users' paths", without(CLUSTER_B, TO_B, TO_B_INSIDE), ["ServerCluster B (/news/*)"]],
    ["one of two Routes", without(TO_B_INSIDE), ["VirtualHost *:8443 of B"]],
    ["every Route to a cluster", without(TO_B, TO_B_INSIDE), ["every Route to B (/news/*)"]],
    ["an address", without(/<Transport Hostname="n2"[^>]*>/), ["Transport n2:9080 of a2 of A"]],
  ])("%s", (_, after, gone) => {
    expect(words(FILE, after)).toEqual(gone.map((what) => `gone: ${what}`));
    expect(words(after, FILE)).toEqual(gone.map((what) => `new: ${what}`));
    expect(goneFrom([bytes(FILE)], bytes(after), "plugin-cfg.xml")).toEqual(gone);
  });

  test("a path that one virtual host has still", () => {
    const own = FILE.replace(
      TO_B_INSIDE,
      '<UriGroup Name="C"><Uri Name="/x/*"/></UriGroup><Route ServerCluster="B" UriGroup="C" VirtualHostGroup="inner_host"/>',
    );
    expect(words(FILE, own)).toEqual(["gone: Uri /news/* of B at *:8443", "new: Uri /x/* of B"]);
  });

  test("of what was there in every one of several files only", () => {
    const more = FILE.replace('<Uri Name="/files/*"/>', '<Uri Name="/files/*"/><Uri Name="/new/*"/>');
    const after = without('<Uri Name="/wikis/*"/>');
    const gone = (...files: string[]) => goneFrom(files.map(bytes), bytes(after), "plugin-cfg.xml");
    expect(gone(more)).toEqual(["Uri /new/* of A", "Uri /wikis/* of A"]);
    expect(gone(more, FILE)).toEqual(["Uri /wikis/* of A"]);
  });
});

describe("what is other", () => {
  test.each([
    ["a CloneID", FILE.replace('CloneID="2"', 'CloneID="3"'), "Server a2 of A", true],
    ["a limit of a cluster", FILE.replace('RetryInterval="60"', 'RetryInterval="5"'), "ServerCluster A", true],
    [
      "a setting of the file",
      FILE.replace('RefreshInterval="60"', 'RefreshInterval="-1"'),
      "RefreshInterval of Config",
      true,
    ],
    ["a cookie", FILE.replace('"/files/*"', '"/files/*" AffinityCookie="X"'), "Uri /files/* of A at *:80", true],
    ["the log level", FILE.replace('"Error"', '"Trace"'), "Log /logs/http_plugin.log", false],
    ["a property", FILE.replace('"true"', '"false"'), "Property ESIEnable", false],
  ])("%s", (_, after, what, routing) => {
    expect(pluginChanges(bytes(FILE), bytes(after), "f")[0]).toEqual({ what, how: "other", routing });
  });
});

test.each([
  ["generated on another day", FILE.replace("11.02", "11.23")],
  [
    "other lists",
    FILE.replace(
      '<Server Name="a2"/></PrimaryServers>',
      '</PrimaryServers><BackupServers><Server Name="a2"/></BackupServers>',
    ),
  ],
  [
    "in another order",
    FILE.replace('<Uri Name="/files/*"/><Uri Name="/wikis/*"/>', '<Uri Name="/wikis/*"/><Uri Name="/files/*"/>'),
  ],
  ["a group by another name", FILE.replaceAll("A_URIs", "Z_URIs")],
])("nothing: %s", (_, after) => {
  expect(after).not.toBe(FILE);
  expect(words(FILE, after)).toEqual([]);
});

test("one that stands there twice is other than one that stands there once", () => {
  const twice = FILE.replace('<Uri Name="/wikis/*"/>', '<Uri Name="/wikis/*"/><Uri Name="/wikis/*"/>');
  expect(samePluginContent(bytes(FILE), bytes(twice), "f")).toBe(false);
  expect(words(FILE, twice)).toContain("new: Uri /wikis/* of A at *:80");
});
