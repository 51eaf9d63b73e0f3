import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AuthContext } from "ssh2";
import { closeAllHosts, openHost } from "../../providers/targets/hosts.js";
import { problemOf } from "../support/failure.js";
import { FaultProxy } from "../support/fault-proxy.js";
import { startSshStandIn } from "../support/ssh-stand-in.js";
import { makeKey, startSshd } from "../support/sshd.js";
import { sshBed } from "./ssh-bed.js";

const CANARY = "canary-5f0c-secret";

const { bed, hello, refusal, file } = sshBed();

/** A copy of the user's key in another form. */
const convertedKey = (name: string, ...args: string[]) => {
  const path = file(name, readFileSync(bed.server.keyFile, "utf8"));
  execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-f", path, ...args], { stdio: "ignore" });
  return path;
};

describe("logging in", () => {
  test("a refused key says who, what was tried and what the server takes", async () => {
    const keyFile = makeKey(join(bed.server.folder, "stranger"));
    const { cause, text } = await refusal({ auth: { keyFile } });
    expect(cause).toBe("login");
    expect(text).toContain(`login as ${bed.server.user} failed: the server refused key ${keyFile}`);
    expect(text).toContain("what the server takes: publickey");
  });

  test("promise 14: a refused password is not in the error, and tried once", async () => {
    process.env.TEST_PASSWORD = CANARY;
    const picky = await startSshd({ config: ["PasswordAuthentication yes"] });
    try {
      const run = openHost(picky.connection({ auth: { password: { env: "TEST_PASSWORD" } } })).run(["true"], {
        what: "x",
        timeoutMs: 5_000,
      });
      const error = await problemOf(run);
      expect(error).toMatchObject({ cause: "login", message: expect.stringContaining("refused password") });
      expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(CANARY);
      expect(picky.log().match(/Failed password/g)).toHaveLength(1);
    } finally {
      delete process.env.TEST_PASSWORD;
      await picky.stop();
    }
  });

  test("promise 21: a wrong password is tried once, by however many hosts behind one bastion, at once or later; another one at once", async () => {
    process.env.TEST_PASSWORD = CANARY;
    const given: string[] = [];
    const standIn = await startSshStandIn({
      hostKeyFile: bed.server.hostKeyFile,
      authenticate: (attempt: AuthContext) => {
        if (attempt.method !== "password") return attempt.reject(["password"]);
        given.push(attempt.password);
        if (attempt.password === CANARY) attempt.reject(["password"]);
        else attempt.accept();
      },
    });
    const bastion = {
      ...{ address: "127.0.0.1", port: standIn.port, user: "jane", auth: { password: { env: "TEST_PASSWORD" } } },
      hostKey: { pinned: [bed.server.hostKey] },
    };
    const through = (name: string) => problemOf(hello({ name, jump: bastion }));
    try {
      const errors = await Promise.all(["web1", "web2", "web3", "web4"].map(through));
      errors.push(await through("web1"), await through("web5"));
      expect(errors.map(({ cause }) => cause)).toEqual(errors.map(() => "login"));
      expect(errors.map(({ problems }) => problems[0]?.where.split(" (")[0])).toEqual(
        ["web1", "web2", "web3", "web4", "web1", "web5"].map((name) => `jump host of ${name}`),
      );
      expect(errors[4]?.message).toContain("refused before, at jump host of web1");
      expect(given).toEqual([CANARY]);

      process.env.TEST_PASSWORD = `${CANARY}-right`;
      expect((await hello(bastion)).exitCode).toBe(0);
      // What lies behind the stand-in is out of its reach: it forwards nothing.
      expect((await through("web1")).cause).toBe("unreachable");
      expect(given.slice(1)).toEqual([`${CANARY}-right`, `${CANARY}-right`]);
    } finally {
      delete process.env.TEST_PASSWORD;
      await closeAllHosts();
      await standIn.stop();
    }
  });

  test.each(["password", "keyboard-interactive"] as const)(
    "a server that takes %s gets the password once",
    async (method) => {
      process.env.TEST_PASSWORD = CANARY;
      const answers: string[] = [];
      const standIn = await startSshStandIn({
        hostKeyFile: bed.server.hostKeyFile,
        authenticate: (attempt: AuthContext) => {
          if (attempt.method !== method) return attempt.reject([method]);
          if (attempt.method === "password") {
            answers.push(attempt.password);
            return attempt.accept();
          }
          attempt.prompt([{ prompt: "Password: ", echo: false }], (given) => {
            answers.push(...given);
            // A second factor: nothing is to be answered to that.
            attempt.prompt([{ prompt: "Code: ", echo: false }], (second) => {
              answers.push(...second);
              attempt.accept();
            });
          });
        },
      });
      try {
        expect(
          (
            await hello({
              port: standIn.port,
              hostKey: { pinned: [bed.server.hostKey] },
              auth: { password: { env: "TEST_PASSWORD" } },
            })
          ).exitCode,
        ).toBe(0);
        expect(answers).toEqual([CANARY]);
        expect(standIn.tried).toEqual(["none", method]);
      } finally {
        delete process.env.TEST_PASSWORD;
        await closeAllHosts();
        await standIn.stop();
      }
    },
  );

  test("keys in OpenSSH and PEM format work, encrypted ones with their passphrase", async () => {
    process.env.TEST_PASSPHRASE = CANARY;
    const passphrase = { env: "TEST_PASSPHRASE" };
    const rsa = makeKey(join(bed.server.folder, "rsa_pem"), ["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", CANARY]);
    const known = await startSshd();
    try {
      writeFileSync(join(known.folder, "authorized_keys"), readFileSync(`${rsa}.pub`));
      const host = openHost(known.connection({ auth: { keyFile: rsa, passphrase } }));
      expect((await host.run(["true"], { what: "x", timeoutMs: 5_000 })).exitCode).toBe(0);
      await host.close();
      const encrypted = convertedKey("encrypted", "-N", CANARY);
      expect((await hello({ auth: { keyFile: encrypted, passphrase } })).exitCode).toBe(0);
      expect(await refusal({ auth: { keyFile: encrypted } })).toMatchObject({
        cause: "login",
        text: expect.stringContaining("auth.passphrase"),
      });
      process.env.TEST_PASSPHRASE = `${CANARY}-wrong`;
      for (const keyFile of [encrypted, rsa]) {
        const { cause, text } = await refusal({ auth: { keyFile, passphrase }, operationTimeout: "9s" });
        expect(cause).toBe("login");
        expect(text).toContain("the passphrase is wrong");
        expect(text).not.toContain(CANARY);
      }
    } finally {
      delete process.env.TEST_PASSPHRASE;
      await closeAllHosts();
      await known.stop();
    }
  });

  test("a PKCS#8 key says how to convert it, and that command does", async () => {
    const pem = makeKey(join(bed.server.folder, "pkcs8"), ["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""]);
    const { cause, text } = await refusal({ auth: { keyFile: pem } });
    expect(cause).toBe("login");
    expect(text).toContain("PKCS#8");
    execFileSync("cp", ["-p", pem, `${pem}.openssh`]);
    execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", "", "-f", `${pem}.openssh`], { stdio: "ignore" });
    // Now it is only the server that does not know it.
    expect((await refusal({ auth: { keyFile: `${pem}.openssh` } })).text).toContain("the server refused key");
  });

  test.each<[string, (path: string) => void, RegExp]>([
    [
      "PuTTY's format",
      (path) => writeFileSync(path, "PuTTY-User-Key-File-3: ssh-ed25519\n", { mode: 0o600 }),
      /puttygen .* -O private-openssh/,
    ],
    [
      "a public key",
      (path) => writeFileSync(path, readFileSync(`${bed.server.keyFile}.pub`), { mode: 0o600 }),
      /public key/,
    ],
    ["no key at all", (path) => writeFileSync(path, "hello\n", { mode: 0o600 }), /no private key/],
    ["an empty file", (path) => writeFileSync(path, "", { mode: 0o600 }), /no private key/],
    ["no file", () => undefined, /ENOENT/],
    [
      "a file for everybody",
      (path) => {
        writeFileSync(path, readFileSync(bed.server.keyFile));
        chmodSync(path, 0o644);
      },
      /chmod 600/,
    ],
  ])("a key file with %s is refused before anything is sent", async (name, make, expected) => {
    const keyFile = join(bed.server.folder, `key ${name.replaceAll("'", "")}`);
    make(keyFile);
    const proxy = await FaultProxy.start(bed.server.port);
    try {
      const { cause, text } = await refusal({ auth: { keyFile }, port: proxy.port });
      expect(cause).toBe("login");
      expect(text).toContain(keyFile);
      expect(text).toMatch(expected);
      expect(proxy.connections).toBe(0);
    } finally {
      await proxy.stop();
    }
  });

  test("an agent's key works; a missing agent is said", async () => {
    const socket = join(bed.server.folder, "agent.sock");
    const agent = execFileSync("ssh-agent", ["-a", socket], { encoding: "utf8" });
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]);
    try {
      execFileSync("ssh-add", ["-q", bed.server.keyFile], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
        stdio: "ignore",
      });
      expect((await hello({ auth: { agent: socket } })).exitCode).toBe(0);
      expect((await refusal({ auth: { agent: `${socket}.none` } })).cause).toBe("login");
    } finally {
      process.kill(pid);
    }
  });
});
