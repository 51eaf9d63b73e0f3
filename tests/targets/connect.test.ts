import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hostKeyWarnings } from "../../providers/targets/host-keys.js";
import { closeAllHosts, openHost } from "../../providers/targets/hosts.js";
import { FaultProxy } from "../support/fault-proxy.js";
import { type Changes, freePort, makeKey, startSshd, type TestSshd } from "../support/sshd.js";
import { sshBed } from "./ssh-bed.js";

const { bed, hello, refusal, file } = sshBed();

describe("promise 13: a host is who it should be, or nothing is sent to it", () => {
  test("a known host is reached; one line for equal connections, ended by closeAllHosts", async () => {
    expect((await hello()).exitCode).toBe(0);
    expect(openHost(bed.server.connection())).toBe(openHost(bed.server.connection()));
    expect(openHost(bed.server.connection())).not.toBe(openHost(bed.server.connection({ connectTimeout: "9s" })));
  });

  test("an unknown host is refused, with its fingerprint, the file, and how to verify and add it", async () => {
    const knownHosts = file("empty_known_hosts", "# nothing\n");
    const { cause, text } = await refusal({ hostKey: { knownHosts } });
    const shown = execFileSync("ssh-keygen", ["-lf", `${bed.server.hostKeyFile}.pub`], { encoding: "utf8" }).split(
      " ",
    )[1];
    expect(cause).toBe("host-key");
    for (const part of [shown, knownHosts, `ssh-keyscan -p ${bed.server.port} 127.0.0.1 >> ${knownHosts}`])
      expect(text).toContain(part);
  });

  test("a missing known_hosts file trusts nobody, an unreadable one neither", async () => {
    const missing = await refusal({ hostKey: { knownHosts: join(bed.server.folder, "no-such-file") } });
    expect(missing).toMatchObject({ cause: "host-key", text: expect.stringContaining("there is no such file") });
    const unreadable = await refusal({ hostKey: { knownHosts: bed.server.folder } });
    expect(unreadable).toMatchObject({ cause: "host-key", text: expect.stringContaining("EISDIR") });
  });

  test("a changed and a revoked key are refused, saying both keys and the line", async () => {
    const other = readFileSync(`${bed.server.keyFile}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
    const name = `[127.0.0.1]:${bed.server.port}`;
    const changed = await refusal({ hostKey: { knownHosts: file("changed", `${name} ${other}\n`) } });
    expect(changed.cause).toBe("host-key");
    expect(changed.text.match(/SHA256:/g)).toHaveLength(2);
    expect(changed.text).toMatch(/changed line 1.*ssh-keygen -R/);
    const revoked = await refusal({
      hostKey: { knownHosts: file("revoked", `@revoked * ${bed.server.hostKey}\n${name} ${bed.server.hostKey}\n`) },
    });
    expect(revoked).toMatchObject({ cause: "host-key", text: expect.stringContaining("revoked") });
  });

  test("a key or fingerprint can be pinned; another one is refused", async () => {
    const print =
      execFileSync("ssh-keygen", ["-lf", `${bed.server.hostKeyFile}.pub`], { encoding: "utf8" }).split(" ")[1] ?? "";
    expect((await hello({ hostKey: { pinned: [print] } })).exitCode).toBe(0);
    expect((await hello({ hostKey: { pinned: [`${bed.server.hostKey} comment`] } })).exitCode).toBe(0);
    const wrong = `SHA256:${"A".repeat(43)}`;
    const { cause, text } = await refusal({ hostKey: { pinned: [wrong] } });
    expect(cause).toBe("host-key");
    expect(text).toContain(wrong);
    expect(text).toContain(print);
  });

  test("of a host with several keys the recorded type is asked for", async () => {
    const several = await startSshd({ moreHostKeys: ["rsa", "ecdsa"] });
    try {
      for (const key of several.moreHostKeyFiles) {
        const recorded = readFileSync(`${key}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
        const knownHosts = file("several", `[127.0.0.1]:${several.port} ${recorded}\n`);
        const host = openHost(several.connection({ hostKey: { knownHosts } }));
        const run = host.run(["true"], { what: "say hello", timeoutMs: 5_000 });
        await expect(run).resolves.toMatchObject({ exitCode: 0 });
        await host.close();
      }
    } finally {
      await several.stop();
    }
  });

  test("accepting any key is possible, and named", async () => {
    const changes: Changes = { hostKey: { insecureAcceptAny: true } };
    expect((await hello(changes)).exitCode).toBe(0);
    expect(hostKeyWarnings(bed.server.connection(changes))).toEqual([
      expect.stringContaining("web1: host key not verified"),
    ]);
    expect(hostKeyWarnings(bed.server.connection())).toEqual([]);
  });
});

describe("jump hosts", () => {
  let near: TestSshd;
  let far: TestSshd;
  beforeAll(async () => {
    [near, far] = await Promise.all([startSshd(), startSshd()]);
  });
  afterAll(() => Promise.all([near.stop(), far.stop()]));

  const hopTo = (jump: TestSshd, trusted = jump) => ({
    ...{ address: "127.0.0.1", port: jump.port, user: jump.user, auth: { keyFile: jump.keyFile } },
    hostKey: { knownHosts: trusted.knownHosts },
  });
  /** Logins that a server has let in so far. */
  const logins = (jump: TestSshd) => jump.log().match(/Accepted publickey/g)?.length ?? 0;

  test("one is gone through, and verified under its own name", async () => {
    expect((await hello({ jump: hopTo(near) })).exitCode).toBe(0);
    const { cause, text } = await refusal({ jump: hopTo(near, bed.server) });
    expect(cause).toBe("host-key");
    expect(text).toContain("jump host of web1");
    // The last hop is not excused by the first.
    const last = await refusal({ jump: hopTo(near), hostKey: { knownHosts: near.knownHosts } });
    expect(last).toMatchObject({ cause: "host-key", text: expect.not.stringContaining("jump host of") });
    const closed = await refusal({ jump: hopTo(near), port: await freePort() });
    expect(closed).toMatchObject({ cause: "unreachable", text: expect.stringContaining("through the host before it") });
  });

  test("several are gone through in their order, each verified under its own name and place", async () => {
    const before = [logins(near), logins(far)];
    expect((await hello({ jump: [hopTo(near), hopTo(far)] })).exitCode).toBe(0);
    expect([logins(near), logins(far)]).toEqual(before.map((count) => count + 1));

    const first = await refusal({ jump: [hopTo(near, far), hopTo(far)] });
    expect(first).toMatchObject({ cause: "host-key", text: expect.stringContaining("jump host 1 of web1") });
    // Nothing went on from a host that is not who it should be.
    expect(logins(far)).toBe((before[1] ?? 0) + 1);
    const second = await refusal({ jump: [hopTo(near), hopTo(far, near)] });
    expect(second).toMatchObject({ cause: "host-key", text: expect.stringContaining("jump host 2 of web1") });
    const last = await refusal({ jump: [hopTo(near), hopTo(far)], hostKey: { knownHosts: near.knownHosts } });
    expect(last).toMatchObject({ cause: "host-key", text: expect.not.stringContaining("jump host") });
    const closed = { ...hopTo(far), port: await freePort() };
    expect(await refusal({ jump: [hopTo(near), closed] })).toMatchObject({
      cause: "unreachable",
      text: expect.stringMatching(/jump host 2 of web1 .*through the host before it/),
    });
  });

  test("a hop that is not verified is named in every preview, whichever it is", () => {
    const anybody = { insecureAcceptAny: true as const };
    const jump = [hopTo(near), { ...hopTo(far), hostKey: anybody }];
    expect(hostKeyWarnings(bed.server.connection({ jump }))).toEqual([
      expect.stringMatching(/^jump host 2 of web1: host key not verified/),
    ]);
    expect(hostKeyWarnings(bed.server.connection({ jump: { ...hopTo(near), hostKey: anybody } }))).toEqual([
      expect.stringMatching(/^jump host of web1: host key not verified/),
    ]);
  });
});

describe("promise 7: a bad network is a typed error, and the next attempt works", () => {
  let proxy: FaultProxy;
  beforeAll(async () => {
    proxy = await FaultProxy.start(bed.server.port);
  });
  afterEach(() => {
    proxy.faults = {};
  });
  afterAll(() => proxy.stop());

  const throughProxy = (): Changes => ({
    port: proxy.port,
    hostKey: { pinned: [bed.server.hostKey] },
    connectTimeout: "600ms",
    operationTimeout: "600ms",
  });

  test("a closed port and a name that does not exist are unreachable", async () => {
    expect(await refusal({ port: await freePort() })).toMatchObject({
      cause: "unreachable",
      text: expect.stringContaining("nothing listens there"),
    });
    expect((await refusal({ address: "no-such-host.invalid" })).cause).toBe("unreachable");
  });

  test.each<[string, FaultProxy["faults"], string]>([
    ["stalled before the first byte", { stallAfter: { down: 0 } }, "timeout"],
    ["stalled in the handshake", { stallAfter: { down: 600 } }, "timeout"],
    ["dropped at once, each time", { refuse: true }, "unreachable"],
    ["reset at once, each time", { refuse: true, reset: true }, "unreachable"],
    ["cut in the handshake", { cutAfter: { down: 600 } }, "unreachable"],
    ["reset in the handshake", { cutAfter: { down: 600 }, reset: true }, "unreachable"],
    ["so slow that it takes too long", { delayMs: 250 }, "timeout"],
  ])("%s", async (_what, faults, cause) => {
    proxy.faults = faults;
    expect((await refusal(throughProxy())).cause).toBe(cause);
    proxy.faults = {};
    expect((await hello(throughProxy())).exitCode).toBe(0);
  });

  /** Bytes that the server sends until a first command has ended. */
  async function bytesOfHello(): Promise<number> {
    await hello(throughProxy());
    const total = proxy.passed("down");
    await closeAllHosts();
    return total;
  }

  test("stalled while logging in", async () => {
    // Session and command take about 600 bytes of the whole; what stalls before them stalls in the login.
    proxy.faults = { stallAfter: { down: (await bytesOfHello()) - 900 } };
    expect(await refusal(throughProxy())).toMatchObject({
      cause: "timeout",
      text: expect.stringContaining("within 600 ms"),
    });
  });

  test("a line cut at any byte of connecting and asking is typed, and the next one works", async () => {
    const total = await bytesOfHello();
    const outcomes: unknown[] = [];
    for (let bytes = 0; bytes < total; bytes += 297) {
      proxy.faults = { cutAfter: { down: bytes } };
      const outcome = hello({ ...throughProxy(), connectTimeout: "300ms" });
      outcomes.push(
        await outcome.then(
          ({ exitCode }) => exitCode,
          (error: Error) => error.cause,
        ),
      );
      await closeAllHosts();
    }
    // Success only when the exit code had come; each failure has its type.
    for (const outcome of outcomes) expect(["unreachable", "unknown-outcome", 0]).toContain(outcome);
    expect(outcomes.slice(0, 5)).toEqual(Array(5).fill("unreachable"));
    proxy.faults = {};
    expect((await hello(throughProxy())).exitCode).toBe(0);
  }, 30_000);

  test("dropped handshakes are tried again, a refused login never", async () => {
    proxy.faults = { refuse: true };
    const before = proxy.connections;
    const pending = hello({ ...throughProxy(), connectTimeout: "10s" });
    while (proxy.connections < before + 2) await new Promise((resolve) => setImmediate(resolve));
    proxy.faults = {};
    expect((await pending).exitCode).toBe(0);
    const tries = proxy.connections;
    await refusal({ ...throughProxy(), auth: { keyFile: makeKey(join(bed.server.folder, "never")) } });
    expect(proxy.connections).toBe(tries + 1);
  });

  test("20 hosts at once on a stock server that drops handshakes", async () => {
    const stock = await startSshd({ config: ["MaxStartups 10:30:100"] });
    try {
      const names = Array.from({ length: 20 }, (_unused, index) => `host${index}`);
      const answers = await Promise.all(
        names.map((name) => openHost(stock.connection({ name })).run(["true"], { what: "x", timeoutMs: 20_000 })),
      );
      expect(answers.map(({ exitCode }) => exitCode)).toEqual(names.map(() => 0));
    } finally {
      await closeAllHosts();
      await stock.stop();
    }
  });
});
