import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lookAtOwnership, makeOwnedFolder } from "../../../providers/targets/wsadmin/ownership.js";
import { MemoryHost } from "../../support/memory-host.js";
import { LocalProfile } from "./local-profile.js";

jest.setTimeout(60_000);

/** Somebody who is neither root nor the profile's owner. */
const NOBODY = 65534;
/** Files of another owner can be made by root alone. */
const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

describe("whose files a profile holds (a real shell)", () => {
  let local: LocalProfile;
  beforeEach(() => {
    local = new LocalProfile();
  });
  afterEach(() => local.remove());

  const look = (host = local.host()) => lookAtOwnership(host, local.profile, 20_000);
  function file(path: string, owner?: number): void {
    mkdirSync(join(local.profile, path, ".."), { recursive: true });
    writeFileSync(join(local.profile, path), "x");
    if (owner !== undefined) chownSync(join(local.profile, path), owner, owner);
  }

  test("everything its owner's: nothing is named", async () => {
    file("config/cells/c/security.xml");
    file("temp/node01/app1/x");
    expect(await look()).toMatchObject({ files: [], processes: [], complete: true });
  });

  describeAsRoot("with files of two users", () => {
    test("those of another are named with him, in config, logs and temp alone", async () => {
      file("config/cells/c/a b.xml", NOBODY);
      file("logs/app1/SystemOut.log", NOBODY);
      file("tranlog/log1", NOBODY);
      expect((await look()).files).toEqual([
        { user: "nobody", path: "config/cells/c/a b.xml" },
        { user: "nobody", path: "logs/app1/SystemOut.log" },
      ]);
    });

    test("logs that lie elsewhere behind a link are looked through too; a link inside is not followed", async () => {
      file("elsewhere/logs/server.log", NOBODY);
      symlinkSync(join(local.profile, "elsewhere"), join(local.profile, "temp", "inside"));
      expect((await look()).files).toEqual([]);
      symlinkSync(join(local.profile, "elsewhere"), join(local.profile, "config"));
      expect((await look()).files).toEqual([{ user: "nobody", path: "config/logs/server.log" }]);
    });

    test("of very many the first dozen are enough", async () => {
      for (let index = 0; index < 40; index++) file(`temp/node01/app1/${index}`, NOBODY);
      const { files, complete } = await look();
      expect([files.length, complete]).toEqual([12, true]);
    });

    test("a server that another user runs is named", async () => {
      const child = spawn("sh", ["-c", "read _", "java", "nodeagent"], {
        stdio: ["pipe", "ignore", "ignore"],
        uid: NOBODY,
      });
      try {
        file("logs/nodeagent/x");
        writeFileSync(join(local.profile, "logs/nodeagent/nodeagent.pid"), `${child.pid}\n`);
        expect((await look()).processes).toEqual([{ user: "nobody", server: "nodeagent" }]);
      } finally {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
    });
  });

  describeAsRoot("a folder for its owner", () => {
    test("is made his, and nobody else's", async () => {
      chmodSync(local.root, 0o711);
      chownSync(local.profile, NOBODY, NOBODY);
      await makeOwnedFolder(local.host(), local.profile, join(local.root, "b", "r1"));
      const { uid, mode } = statSync(join(local.root, "b", "r1"));
      expect([uid, mode & 0o777]).toEqual([NOBODY, 0o700]);
    });

    test("promise 19: a link in its place gives nobody what it leads to", async () => {
      chmodSync(local.root, 0o711);
      chownSync(local.profile, NOBODY, NOBODY);
      mkdirSync(join(local.root, "precious"), { mode: 0o750 });
      symlinkSync(join(local.root, "precious"), join(local.root, "r1"));
      const made = makeOwnedFolder(local.host(), local.profile, join(local.root, "r1"));
      await expect(made).rejects.toThrow(/no folder of its own/);
      const { uid, mode } = statSync(join(local.root, "precious"));
      expect([uid, mode & 0o777]).toEqual([0, 0o750]);
    });

    test("where he cannot get is refused", async () => {
      chownSync(local.profile, NOBODY, NOBODY);
      const made = makeOwnedFolder(local.host(), local.profile, join(local.root, "b", "r1"));
      await expect(made).rejects.toMatchObject({ cause: "permission" });
    });
  });

  test("no such profile, and a host that answers nothing", async () => {
    await expect(lookAtOwnership(local.host(), `${local.profile}2`, 1_000)).rejects.toMatchObject({ cause: "missing" });
    const answer = (stdout: string) =>
      new MemoryHost(local.host().connection, { onRun: () => ({ exitCode: 0, stdout, stderr: "" }) });
    await expect(look(answer("")).then(() => "")).rejects.toMatchObject({ cause: "malformed" });
    await expect(look(answer("@@ not-owner wasadmin\n"))).rejects.toMatchObject({ cause: "permission" });
    expect(await look(answer("@@ owner wasadmin\n@@ ended 124\n"))).toMatchObject({ complete: false });
  });
});
