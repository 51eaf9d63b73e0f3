import { connectionSchema } from "../../../providers/targets/connection.js";
import { posixShell } from "../../../providers/targets/shell-posix.js";
import { posixCommands } from "../../../providers/targets/wsadmin/posix-commands.js";
import { openNode } from "../../../providers/targets/wsadmin/profile-node.js";
import { nodeSchema } from "../../../providers/targets/wsadmin/settings.js";
import { windowsCommands } from "../../../providers/targets/wsadmin/windows-commands.js";
import { MemoryHost } from "../../support/memory-host.js";

const connection = connectionSchema.parse({
  name: "dmgr",
  address: "dmgr.example.org",
  user: "wasadmin",
  auth: { agent: true },
});
const profile = "/opt/IBM/WebSphere/AppServer/profiles/Dmgr 01";
const folder = "/dev/shm/pulumi-connections-0123456789ab.abcdefgh";
const windows = {
  profile: "D:\\IBM\\WebSphere\\AppServer\\profiles\\Dmgr 01",
  folder: "D:\\state\\run\\100% private",
};
const fixes = {
  installDir: "/opt/HCL/Connections",
  args: ["-fix", "-installDir", "/opt/HCL/Connections", "-fixDir", "/tmp/fixes", "-install", "-fixes", "LO66666"],
};

/** The arguments, with our own script texts told by name: those are what the other tests run. */
function shape(argv: readonly string[]): string {
  return argv
    .map((word) => (word.includes("\n") ? `<script ${word.trim().split("\n").length} lines>` : word))
    .join("\n");
}

test("commands of a Linux host", () => {
  const call = {
    connection,
    profile,
    soapHost: "localhost",
    soapPort: 8879,
    seconds: 300,
    files: ["soap", "12", "--"],
  };
  const commands = {
    wsadmin: posixCommands.wsadmin(call),
    prepareFolder: posixCommands.prepareFolder(connection, profile, ["soap", "12", "--"]),
    dropFolder: posixCommands.dropFolder(profile, folder),
    stopServer: posixCommands.server({ profile, command: "stopServer", args: ["app1"], folder }),
    startNode: posixCommands.server({ profile, command: "startNode", args: [] }),
    install: posixCommands.updateSilent({ profile, ...fixes, folder }),
    installerRunning: posixCommands.installerRunning(fixes.installDir),
    observe: posixCommands.observeServers(profile, "node01", "10.0.0.1", [
      { server: "app1", ports: [9080, 9443] },
      { server: "nodeagent", ports: [] },
    ]),
    agentControl: posixCommands.agentControl(profile, "node01"),
    ownership: posixCommands.ownership(profile, 120),
    applicationFiles: posixCommands.applicationFiles(profile, [`${profile}/installedApps/Cell 1/Files.ear`]),
    lookAtFolders: posixCommands.lookAtFolders(profile, [`${profile}/temp/node01/app1`]),
    clear: posixCommands.clearFolders(profile, [`${profile}/temp/node01/app1`]),
  };
  expect(
    Object.entries(commands)
      .map(([name, argv]) => `== ${name}\n${shape(argv)}`)
      .join("\n"),
  ).toMatchSnapshot();
  // What a login shell is sent is one line of single-quoted words, within what Linux takes.
  for (const argv of Object.values(commands)) expect(posixShell.commandLine(argv).length).toBeLessThan(20_000);
});

test("commands of a Windows host, as batch files (none was run on Windows)", () => {
  const winFixes = {
    profile: windows.profile,
    installDir: "D:\\HCL\\Connections",
    args: [
      "-fix",
      "-installDir",
      "D:\\HCL\\Connections",
      "-fixDir",
      "D:\\fixes & more",
      "-install",
      "-fixes",
      "LO66666",
    ],
  };
  const texts = {
    privateFolder: windowsCommands.privateFolder(windows.folder),
    clientProperties: windowsCommands.clientProperties(windows.profile, windows.folder),
    wsadmin: windowsCommands.wsadmin({ ...windows, soapHost: "localhost", soapPort: 8879 }),
    stopServer: windowsCommands.server({ ...windows, command: "stopServer", args: ["app1"] }),
    startNode: windowsCommands.server({ profile: windows.profile, command: "startNode", args: [] }),
    install: windowsCommands.updateSilent({ ...winFixes, folder: windows.folder }),
    list: windowsCommands.updateSilent({ ...winFixes, args: ["-fix", "-installDir", "D:\\HCL\\Connections"] }),
  };
  for (const text of Object.values(texts)) {
    expect(text.split("\r\n").join("")).not.toMatch(/[\r\n]/);
    expect(text).not.toMatch(/&&|\|\|/);
  }
  const readable = Object.entries(texts).map(([name, text]) => `== ${name}\n${text.replaceAll("\r\n", "\n")}`);
  expect(readable.join("\n")).toMatchSnapshot();
});

test.each(['a"b', "a\nb", "a\0b"])("promise 19: %j cannot be written for cmd and is refused", (value) => {
  expect(() => windowsCommands.server({ profile: windows.profile, command: "stopServer", args: [value] })).toThrow(
    /no double quotes/,
  );
});

test("a profile on a Windows machine is refused until there is a way to one", () => {
  const settings = nodeSchema.parse({ node: "n", profile: windows.profile });
  expect(() => openNode(new MemoryHost(connection), settings)).toThrow(/nothing carries them there yet/);
});
