import { samePluginContent } from "../../providers/formats/plugin-content.js";

const FILE = `<?xml version="1.0"?><!--generated on 2026.11.02-->
<Config ASDisableNagle="false">
  <Property Name="ESIEnable" Value="true"/>
  <ServerCluster Name="A" CloneSeparatorChange="false">
    <Server Name="a1" CloneID="1"/><Server Name="a2" CloneID="2"/>
    <PrimaryServers><Server Name="a1"/></PrimaryServers><BackupServers><Server Name="a2"/></BackupServers>
  </ServerCluster>
  <UriGroup Name="A_URIs"><Uri Name="/files/*"/><Uri Name="/wikis/*"/></UriGroup>
</Config>`;

const same = (changed: string) => {
  expect(changed).not.toBe(FILE);
  return samePluginContent(Buffer.from(FILE), Buffer.from(changed), "plugin-cfg.xml");
};

test.each([
  ["generated on another day", FILE.replace("11.02", "11.23")],
  ["other primaries", FILE.replace('<PrimaryServers><Server Name="a1"/>', '<PrimaryServers><Server Name="a2"/>')],
  ["indented otherwise", FILE.replaceAll("  <", "\t<")],
  [
    "in another order",
    FILE.replace('<Uri Name="/files/*"/><Uri Name="/wikis/*"/>', '<Uri Name="/wikis/*"/><Uri Name="/files/*"/>'),
  ],
  ["attributes in another order", FILE.replace('Name="ESIEnable" Value="true"', 'Value="true" Name="ESIEnable"')],
])("the same content: %s", (_, changed) => {
  expect(same(changed)).toBe(true);
});

test.each([
  ["a property set by hand", FILE.replace('Value="true"', 'Value="false"')],
  ["a path more", FILE.replace('<Uri Name="/files/*"/>', '<Uri Name="/files/*"/><Uri Name="/x/*"/>')],
  ["a cluster of another cell", FILE.replace("<UriGroup", '<ServerCluster Name="B"/><UriGroup')],
  ["another CloneID", FILE.replace('CloneID="2"', 'CloneID="3"')],
  [
    "a path in another group",
    FILE.replace(
      '<Uri Name="/wikis/*"/></UriGroup>',
      '</UriGroup><UriGroup Name="B"><Uri Name="/wikis/*"/></UriGroup>',
    ),
  ],
  ["one twice", FILE.replace('<Uri Name="/files/*"/>', '<Uri Name="/files/*"/><Uri Name="/files/*"/>')],
])("other content: %s", (_, changed) => {
  expect(same(changed)).toBe(false);
});
