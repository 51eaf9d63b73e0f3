import { controlPaths, openControl, writeRequest } from "../../../providers/kinds/interim-fixes/control.js";
import { backUpMaster, stampVersion } from "../../../providers/kinds/interim-fixes/master.js";
import { connectionSchema } from "../../../providers/targets/connection.js";
import { declaration } from "../../model/driver.js";
import { MemoryCell } from "../../support/memory-cell.js";
import { MemoryHost } from "../../support/memory-host.js";

const connection = connectionSchema.parse({
  name: "dmgr",
  address: "127.0.0.1",
  user: "admin",
  auth: { agent: true },
  stateDirectory: "/state",
});
const CONFIG = "/config/LotusConnections-config.xml";
const XML = (elements: string) =>
  `<?xml version="1.0"?>\r\n<config xmlns="x">\r\n  ${elements}\r\n  <b>Größe</b>\r\n</config>`;
const NOW = new Date("2026-11-23T01:12:34.567Z");

test("promise 4: a new version stamp changes its fifteen characters and nothing else", async () => {
  const host = new MemoryHost(connection);
  host.put(CONFIG, XML('<tns:versionStamp value="20250101.000000"/>'));
  await stampVersion(host, CONFIG, NOW);
  expect(host.text(CONFIG)).toBe(XML('<tns:versionStamp value="20261123.011234"/>'));
});

test.each([
  ["none", ""],
  ["two", '<versionStamp value="a"/><versionStamp value="b"/>'],
])("promise 8: a file with %s is left as it is", async (_name, elements) => {
  const host = new MemoryHost(connection);
  host.put(CONFIG, XML(elements));
  await expect(stampVersion(host, CONFIG, NOW)).rejects.toThrow(/versionStamp elements/);
  expect(host.text(CONFIG)).toBe(XML(elements));
});

describe("backups", () => {
  const desired = declaration(new MemoryCell(2), { backUp: ["/data/provision"], backupDir: "/backups" });
  const withTools = (exitCode: number, writes: boolean, owned = "@@ owned\n") => {
    const host: MemoryHost = new MemoryHost(connection, {
      onRun: (argv) => {
        const file = argv.find((word) => /^\/backups\/r1\/[a-z]/.test(word));
        if (argv.includes("mv")) {
          const [from = "", to = ""] = argv.slice(-2);
          host.put(to, host.text(from) ?? "");
          host.delete(from);
          return { exitCode: 0, stdout: "", stderr: "" };
        }
        if (writes && file) host.put(file, exitCode === 0 ? "an archive" : "half an archive");
        return file ? { exitCode, stdout: "", stderr: "" } : { exitCode: 0, stdout: owned, stderr: "" };
      },
    });
    return host;
  };
  /** Without our own scripts: the program that becomes the profile's owner. */
  const programs = (host: MemoryHost) => host.ran.map((argv) => argv.slice(4));

  test("the configuration with the deployment manager running, then the folders that the installer changes", async () => {
    const host = withTools(0, true);
    await backUpMaster(host, desired, "r1", () => {});
    expect(programs(host).slice(1)).toEqual([
      ["/opt/dmgr", "/opt/dmgr/bin/backupConfig.sh", "/backups/r1/part-config.zip", "-nostop"],
      ["/opt/dmgr", "mv", "-f", "--", "/backups/r1/part-config.zip", "/backups/r1/config.zip"],
      [
        ...["/opt/dmgr", "tar", "-czf", "/backups/r1/part-folders.tar.gz"],
        ...["-C", "/", "--", "opt/IBM/Connections/version", "data/provision"],
      ],
      ["/opt/dmgr", "mv", "-f", "--", "/backups/r1/part-folders.tar.gz", "/backups/r1/folders.tar.gz"],
    ]);
    const ran = host.ran.length;
    await backUpMaster(host, desired, "r1", () => {});
    // Nothing but the look at whose folder it is.
    expect(host.ran).toHaveLength(ran + 1);
  });

  test("a folder in which the profile's owner cannot write is refused before anything is started", async () => {
    const host = withTools(0, true, "");
    await expect(backUpMaster(host, desired, "r1", () => {})).rejects.toMatchObject({ cause: "permission" });
    expect(host.ran).toHaveLength(1);
  });

  test.each([
    ["ends badly", 1, true],
    ["writes nothing", 0, false],
  ])("one that %s is none", async (_name, exitCode, writes) => {
    const host = withTools(exitCode, writes);
    for (let run = 0; run < 3; run++) {
      await expect(backUpMaster(host, desired, "r1", () => {})).rejects.toThrow(/ended with exit code/);
    }
    expect(host.text("/backups/r1/config.zip")).toBeUndefined();
  });

  /** A tool of the host that ends so, with an archive that is there. */
  const endingWith = (program: string, exitCode: number) => {
    const host: MemoryHost = new MemoryHost(connection, {
      onRun: (argv) => {
        const file = argv.find((word) => /^\/backups\/r1\/part-/.test(word)) ?? "";
        const ends = argv.some((word) => word.endsWith(program));
        if (argv.includes("mv")) host.put(argv.at(-1) ?? "", "an archive");
        else if (file) host.put(file, "an archive");
        const stdout = ends ? "tar: data/provision/a.jar: file changed as we read it\n" : "@@ owned\n";
        return { exitCode: ends ? exitCode : 0, stdout, stderr: "" };
      },
    });
    return host;
  };

  test("files that change while folders are backed up are told, and no failure", async () => {
    const host = endingWith("tar", 1);
    const said: string[] = [];
    await backUpMaster(host, desired, "r1", (line) => said.push(line));
    expect(said.join("\n")).toMatch(
      /changed while the folders were backed up.*provision.a\.jar: file changed as we read it/,
    );
    expect(host.text("/backups/r1/folders.tar.gz")).toBe("an archive");
  });

  test.each([
    ["tar", 2, "folders.tar.gz"],
    ["backupConfig.sh", 1, "config.zip"],
  ])("%s with exit code %i is a failure, with an archive that is there or not", async (program, exitCode, file) => {
    const host = endingWith(program, exitCode);
    await expect(backUpMaster(host, desired, "r1", () => {})).rejects.toThrow(`ended with exit code ${exitCode}`);
    expect(host.text(`/backups/r1/${file}`)).toBeUndefined();
  });

  test("promise 6: one that was lost with its machine is made again, and that is said", async () => {
    const host = withTools(0, true);
    const job = "interim-fixes-r1-backup-configuration";
    host.put("/backups/r1/part-config.zip", "half an archive");
    host.setJob(job, "running");
    host.lose({ restartedAt: null, left: [4712] });
    await expect(backUpMaster(host, desired, "r1", () => {})).rejects.toThrow(/process 4712 of it goes on/);
    expect(host.text("/backups/r1/part-config.zip")).toBe("half an archive");
    host.lose({ restartedAt: "2026-11-23T01:12:34Z", left: [] });
    const said: string[] = [];
    await backUpMaster(host, desired, "r1", (line) => said.push(line));
    expect(said[0]).toMatch(/ended with its host's restart at 2026-11-23T01:12:34Z, .* made anew/);
    expect(host.text("/backups/r1/config.zip")).toBe("an archive");
    expect(host.jobNames()).toEqual([]);
  });

  test("promise 6: one that the machine's restart cut off is none, and is made again", async () => {
    const host = withTools(0, true);
    host.put("/backups/r1/part-config.zip", "half an archive");
    await backUpMaster(host, desired, "r1", () => {});
    expect(host.text("/backups/r1/config.zip")).toBe("an archive");
  });
});

test("what an operator asks for is heard by whoever carries the rollout out, and forgotten with its end", async () => {
  const host = new MemoryHost(connection);
  const control = openControl(host, host.files, "cell1:/opt");
  expect(await control.read()).toEqual({ request: null, reason: "", here: false });
  await control.claim("r1");
  await writeRequest(host, "cell1:/opt", "roll back", "not wanted");
  expect(await control.read()).toEqual({ request: "roll back", reason: "not wanted", here: true });
  await control.heard("resume");
  expect(await control.read()).toMatchObject({ request: "roll back" });
  await writeRequest(host, "cell1:/opt", "resume", "");
  await control.heard("resume");
  expect(await control.read()).toMatchObject({ request: null, here: true });
  await control.clear();
  expect(host.paths()).toEqual([]);
});

test("another process' rollout is not ours, and a damaged request stops everything", async () => {
  const host = new MemoryHost(connection);
  const control = openControl(host, host.files, "cell1:/opt");
  const paths = controlPaths("/state", "cell1:/opt");
  host.put(paths.process, JSON.stringify({ process: "another" }));
  expect((await control.read()).here).toBe(false);
  host.put(paths.request, "{");
  await expect(control.read()).rejects.toThrow(/Somebody may have asked for the rollout to stop/);
});
