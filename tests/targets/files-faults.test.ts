import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { AuthContext } from "ssh2";
import { sha256 } from "../../providers/common/json.js";
import type { ProblemError } from "../../providers/common/problem.js";
import { closeAllHosts, openHost } from "../../providers/targets/hosts.js";
import { SftpSession } from "../../providers/targets/sftp-session.js";
import { isTempOf, tempName } from "../../providers/targets/temp-names.js";
import { problemOf } from "../support/failure.js";
import { FaultProxy } from "../support/fault-proxy.js";
import { startSshStandIn } from "../support/ssh-stand-in.js";
import { CAN_MOUNT, type Changes, startSshd, type TestSshd } from "../support/sshd.js";
import { SUDO_STAND_IN } from "../support/sudo-stand-in.js";

const OLD = Buffer.from("old content\n".repeat(3_000));
const NEW = Buffer.from("NEW CONTENT, LONGER\n".repeat(4_000));
/** Cuts per direction and write; each takes three connections. */
const CUTS = { "over SFTP": 9, "through sudo": 5 };
const WAYS = [
  ["over SFTP", {}],
  ["through sudo", { sudo: true }],
] as const;

let server: TestSshd;
let proxy: FaultProxy;

beforeAll(async () => {
  server = await startSshd({ programs: { sudo: SUDO_STAND_IN }, smallDiskBytes: 256 * 1024 });
  proxy = await FaultProxy.start(server.port);
});
afterEach(async () => {
  proxy.faults = {};
  await closeAllHosts();
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

const host = (changes: Changes = {}) => openHost(server.connection(changes));
const throughProxy = (changes: Changes = {}) =>
  host({
    port: proxy.port,
    hostKey: { pinned: [server.hostKey] },
    connectTimeout: "1s",
    operationTimeout: "2s",
    ...changes,
  });
const temps = (directory: string) => readdirSync(directory).filter((name) => name.endsWith(".tmp"));
/** A directory that belongs to the server's account, under whichever account the tests run. */
const directoryFor = (name: string) => {
  const directory = join(server.tree, name);
  mkdirSync(directory);
  const { uid, gid } = statSync(server.tree);
  chownSync(directory, uid, gid);
  return directory;
};

describe.each(WAYS)("promise 5: a file is old or new, never torn, %s", (way, changes) => {
  test("with the line cut after any number of bytes of the upload; the next write succeeds and clears up", async () => {
    const directory = directoryFor(`cut ${way}`);
    const path = join(directory, "plugin-cfg.xml");
    await host(changes).files.write(path, OLD, { expected: "absent" });
    // How much a whole write sends and gets.
    const measured = throughProxy(changes);
    await measured.files.read(path);
    const before = { up: proxy.passed("up"), down: proxy.passed("down") };
    await measured.files.write(path, OLD, { expected: sha256(OLD) });
    const sent = { up: proxy.passed("up") - before.up, down: proxy.passed("down") - before.down };
    await closeAllHosts();
    const seen = new Set<string>();
    for (const direction of ["up", "down"] as const) {
      for (let bytes = 0; bytes < sent[direction]; bytes += Math.ceil(sent[direction] / CUTS[way])) {
        const cut = throughProxy(changes);
        await cut.files.read(path);
        proxy.cutIn(direction, bytes);
        const error = await cut.files.write(path, NEW, { expected: sha256(OLD) }).then(
          () => undefined,
          (thrown: ProblemError) => thrown,
        );
        if (error) expect(["unreachable", "unknown-outcome"]).toContain(error.cause);
        proxy.faults = {};
        await closeAllHosts();
        const now = readFileSync(path);
        const state = now.equals(OLD) ? "old" : now.equals(NEW) ? "new" : "torn";
        expect([direction, bytes, state]).not.toEqual([direction, bytes, "torn"]);
        if (!error) expect(state).toBe("new");
        // An error that is sure that nothing happened has to be right.
        if (error?.cause === "unreachable") expect(state).toBe("old");
        seen.add(state);
        // As the next run does: look, then write.
        const again = throughProxy(changes);
        await again.files.write(path, OLD, { expected: state === "old" ? sha256(OLD) : sha256(NEW) });
        await closeAllHosts();
      }
    }
    expect(readFileSync(path).equals(OLD)).toBe(true);
    expect(temps(directory)).toEqual([]);
    expect([...seen].sort()).toContain("old");
  }, 60_000);

  test("with a line that stalls during the upload: typed, old content, next write succeeds", async () => {
    const directory = directoryFor(`stall ${way}`);
    const path = join(directory, "f");
    await host(changes).files.write(path, OLD, { expected: "absent" });
    const stalled = throughProxy({ ...changes, operationTimeout: "1500ms" });
    await stalled.files.read(path);
    proxy.stallIn("up", 20_000);
    expect((await problemOf(stalled.files.write(path, NEW, { expected: sha256(OLD) }))).cause).toBe("timeout");
    proxy.faults = {};
    expect(readFileSync(path).equals(OLD)).toBe(true);
    // The same host takes a new line.
    await stalled.files.write(path, NEW, { expected: sha256(OLD) });
    expect(readFileSync(path).equals(NEW)).toBe(true);
  });

  test("links keep pointing where they did, also chains and relative ones", async () => {
    const directory = directoryFor(`links ${way}`);
    directoryFor(`links ${way}/real`);
    const real = join(directory, "real", "f");
    await host(changes).files.write(real, OLD, { expected: "absent" });
    symlinkSync("real/f", join(directory, "one"));
    symlinkSync(join(directory, "one"), join(directory, "two"));
    await host(changes).files.write(join(directory, "two"), NEW, { expected: sha256(OLD) });
    expect(readFileSync(real).equals(NEW)).toBe(true);
    expect([readlinkSync(join(directory, "one")), readlinkSync(join(directory, "two"))]).toEqual([
      "real/f",
      join(directory, "one"),
    ]);
    expect(await host(changes).files.realPath(join(directory, "two"))).toBe(real);
    symlinkSync("real/new", join(directory, "dangling"));
    expect(await host(changes).files.read(join(directory, "dangling"))).toBeUndefined();
    expect(await host(changes).files.createExclusive(join(directory, "dangling"), NEW)).toBe(false);
    await host(changes).files.write(join(directory, "dangling"), NEW, { expected: "absent" });
    expect(readFileSync(join(directory, "real", "new")).equals(NEW)).toBe(true);
  });

  test("what a crashed run left is removed at the next write of that path, and nothing else", async () => {
    const directory = directoryFor(`left ${way}`);
    const path = join(directory, "f");
    const left = tempName("f", "replace");
    for (const name of [left, ".other.tmp", tempName("g", "replace")]) {
      writeFileSync(join(directory, name), "half");
      chmodSync(join(directory, name), 0o666);
    }
    await host(changes).files.write(path, NEW, { expected: "absent" });
    expect(temps(directory)).toHaveLength(2);
    expect(readdirSync(directory)).not.toContain(left);
  });

  test("what a crashed exclusive creation left goes when it is old; what another one writes now stays", async () => {
    const directory = directoryFor(`exclusive ${way}`);
    const [young, old] = [tempName("lock", "create"), tempName("lock", "create")];
    for (const name of [young, old]) writeFileSync(join(directory, name), "x");
    utimesSync(join(directory, old), 1_000_000_000, 1_000_000_000);
    expect(await host(changes).files.createExclusive(join(directory, "lock"), NEW)).toBe(true);
    expect(temps(directory)).toEqual([young]);
  });

  (CAN_MOUNT ? test : test.skip)(
    "a full disk is said as such; the old file stays and nothing is left behind",
    async () => {
      const small = join(server.tree, "small");
      const path = join(small, `f-${way.length}`);
      await host(changes).files.write(path, OLD, { expected: "absent" });
      const big = Buffer.alloc(400_000, "x");
      const error = await problemOf(host(changes).files.write(path, big, { expected: sha256(OLD) }));
      expect(error.cause).toBe("no-space");
      expect(error.message).toContain("Make room");
      expect((await host(changes).files.read(path))?.sha256).toBe(sha256(OLD));
      expect(await host(changes).files.list(small)).not.toContainEqual(expect.stringContaining(".tmp"));
      await host(changes).files.remove(path, { expected: "any" });
    },
  );

  test("no permission is said as such, for reading, writing and the directory", async () => {
    const directory = join(server.tree, `closed ${way}`);
    mkdirSync(directory, { mode: 0o755 });
    const path = join(directory, "f");
    writeFileSync(path, OLD, { mode: 0o600 });
    // Ours when the tests run as root: the server's account may neither read it nor write beside it.
    if (process.getuid?.() !== 0) chmodSync(directory, 0o000);
    expect((await problemOf(host(changes).files.read(path))).cause).toBe("permission");
    expect((await problemOf(host(changes).files.write(path, NEW, { expected: sha256(OLD) }))).cause).toBe("permission");
    expect((await problemOf(host(changes).files.createExclusive(join(directory, "g"), NEW))).cause).toBe("permission");
    expect((await problemOf(host(changes).files.makeDirectory(join(directory, "d")))).cause).toBe("permission");
    chmodSync(directory, 0o755);
    expect(readFileSync(path).equals(OLD)).toBe(true);
  });
});

describe("promise 5: over SFTP, step by step", () => {
  const steps = ["writeAll", "fchmod", "fsync", "renameOver"] as const;

  test.each(
    steps.flatMap(
      (step) =>
        [
          [step, "before"],
          [step, "after"],
        ] as const,
    ),
  )("the process dies %s %s: old or new, and the next run goes on", async (step, when) => {
    const directory = directoryFor(`crash ${step} ${when}`);
    const path = join(directory, "f");
    await host().files.write(path, OLD, { expected: "absent" });
    const session = crashAt(step, when);
    const error = await problemOf(host().files.write(path, NEW, { expected: sha256(OLD) }));
    session.restore();
    expect(error.cause).toBe(step === "renameOver" ? "unknown-outcome" : "unreachable");
    await closeAllHosts();
    const renamed = step === "renameOver" && when === "after";
    expect(readFileSync(path).equals(renamed ? NEW : OLD)).toBe(true);
    expect(temps(directory)).toHaveLength(renamed ? 0 : 1);
    await host().files.write(path, NEW, { expected: renamed ? sha256(NEW) : sha256(OLD) });
    expect(readFileSync(path).equals(NEW)).toBe(true);
    expect(temps(directory)).toEqual([]);
  });

  test("somebody else writes between our reading and our rename: theirs stays", async () => {
    const path = join(directoryFor("race"), "f");
    await host().files.write(path, OLD, { expected: "absent" });
    const spy = interfere("fsync", () => writeFileSync(path, "theirs"));
    expect((await problemOf(host().files.write(path, NEW, { expected: sha256(OLD) }))).cause).toBe("changed-meanwhile");
    spy.restore();
    expect(readFileSync(path, "utf8")).toBe("theirs");
  });

  test("somebody else creates it at the last moment: theirs stays", async () => {
    const path = join(directoryFor("race of creators"), "f");
    const spy = interfere("renameIfAbsent", () => writeFileSync(path, "theirs"));
    expect((await problemOf(host().files.write(path, NEW, { expected: "absent" }))).cause).toBe("changed-meanwhile");
    spy.restore();
    expect(readFileSync(path, "utf8")).toBe("theirs");
    expect(temps(join(path, ".."))).toEqual([]);
  });

  // Only root can arrange a file of another owner.
  (process.getuid?.() === 0 ? test : test.skip)(
    "a file of another owner is not taken over: refused, with the way out",
    async () => {
      const directory = directoryFor("foreign");
      const path = join(directory, "f");
      writeFileSync(path, OLD);
      chmodSync(path, 0o666);
      const error = await problemOf(host().files.write(path, NEW, { expected: sha256(OLD) }));
      expect(error).toMatchObject({
        cause: "permission",
        message: expect.stringContaining("Set sudo for this connection"),
      });
      expect([readFileSync(path).equals(OLD), statSync(path).uid, temps(directory)]).toEqual([true, 0, []]);
    },
  );

  test("a server without the extensions is refused instead of written to unsafely", async () => {
    const plain = await startSshStandIn({
      hostKeyFile: server.hostKeyFile,
      authenticate: (attempt: AuthContext) => attempt.accept(),
      plainSftp: true,
    });
    try {
      const error = await problemOf(throughProxy({ port: plain.port }).files.write("/f", NEW, { expected: "absent" }));
      expect(error).toMatchObject({ cause: "refused", message: expect.stringContaining("lacks fsync@openssh.com") });
    } finally {
      await closeAllHosts();
      await plain.stop();
    }
  });

  test("names of temporary files fit beside the longest names, and are told apart", () => {
    const long = "x".repeat(255);
    expect(tempName(long, "replace").length).toBeLessThan(100);
    expect(isTempOf(long, "replace", tempName(long, "replace"))).toBe(true);
    expect(isTempOf(long, "replace", tempName(long, "create"))).toBe(false);
    expect(isTempOf("y", "replace", tempName(long, "replace"))).toBe(false);
  });

  test("200 files at once are read over one connection", async () => {
    const path = join(directoryFor("many"), "f");
    await throughProxy({ operationTimeout: "20s" }).files.write(path, OLD, { expected: "absent" });
    const before = proxy.connections;
    const all = await Promise.all(
      Array.from({ length: 200 }, () => throughProxy({ operationTimeout: "20s" }).files.read(path)),
    );
    expect(new Set(all.map((content) => content?.sha256))).toEqual(new Set([sha256(OLD)]));
    expect(proxy.connections).toBe(before);
  });

  test("a hard link of a replaced file keeps the old content", async () => {
    const directory = directoryFor("hard");
    await host().files.write(join(directory, "f"), OLD, { expected: "absent" });
    linkSync(join(directory, "f"), join(directory, "g"));
    await host().files.write(join(directory, "f"), NEW, { expected: sha256(OLD) });
    expect(readFileSync(join(directory, "g")).equals(OLD)).toBe(true);
  });
});

type Step = "writeAll" | "fchmod" | "fsync" | "renameOver" | "renameIfAbsent";

/** Runs `act` before a step of the next file operation, which then goes on. */
function interfere(step: Step, act: () => void): { restore(): void } {
  return replaceStep(step, async (session, original, args) => {
    act();
    return original.apply(session, args);
  });
}

/** Makes the process "die" at a step: its request is (not) carried out, and nothing it sends later arrives. */
function crashAt(step: Step, when: "before" | "after"): { restore(): void } {
  const spies: { restore(): void }[] = [];
  const dead = () => Promise.reject(new Error("No response from server"));
  spies.push(
    replaceStep(step, async (session, original, args) => {
      if (when === "after") await original.apply(session, args);
      for (const later of ["unlink", "close"] as const) spies.push(replaceStep(later, dead));
      return dead();
    }),
  );
  return {
    restore: () => {
      for (const spy of spies) spy.restore();
    },
  };
}

type Method = (...args: unknown[]) => Promise<unknown>;

function replaceStep(
  name: Step | "unlink" | "close",
  replacement: (session: SftpSession, original: Method, args: unknown[]) => Promise<unknown>,
): { restore(): void } {
  const prototype = SftpSession.prototype as unknown as Record<string, Method>;
  const original = prototype[name];
  if (!original) throw new Error(`no step ${name}`);
  prototype[name] = function (this: SftpSession, ...args) {
    return replacement(this, original, args);
  };
  return {
    restore: () => {
      prototype[name] = original;
    },
  };
}
