import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Client } from "ssh2";
import { type Lab, startLab } from "../../lab/lab.js";
import { connectionSchema } from "../../providers/targets/connection.js";

jest.setTimeout(60_000);

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab.stop());

/** What a host answers over its public port, to a client that trusts the pinned key only. */
function over(host: "web1" | "node1" | "node2", command: string, pinnedFor = host, timeout = 5_000): Promise<string> {
  const { connection } = lab.hosts[host];
  const { hostKey } = lab.hosts[pinnedFor].connection;
  const pinned = "pinned" in hostKey ? Buffer.from(hostKey.pinned[0]?.split(" ")[1] ?? "", "base64") : Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const client = new Client();
    client.on("error", reject);
    client.on("ready", () =>
      client.exec(command, (error, stream) => {
        if (error) return reject(error);
        let text = "";
        stream.on("data", (chunk: Buffer) => {
          text += chunk;
        });
        stream.on("close", () => {
          client.end();
          resolve(text);
        });
      }),
    );
    client.connect({
      host: connection.address,
      port: connection.port,
      username: connection.user,
      privateKey: readFileSync(connection.auth.keyFile ?? ""),
      hostVerifier: (key: Buffer) => key.equals(pinned),
      readyTimeout: timeout,
    });
  });
}

/** A command that takes long, surely running; `ended` says what was heard of it. */
async function startedSleep(host: "node1" | "node2"): Promise<{ ended: Promise<string> }> {
  const ended = over(host, `touch /tmp/${host}-started; sleep 100; echo over`).catch((error: Error) => error.message);
  await until(async () => (await lab.run(host, ["rm", `/tmp/${host}-started`])).exitCode === 0);
  return { ended };
}

test("three hosts answer over SSH, each with its own key", async () => {
  const names = ["web1", "node1", "node2"] as const;
  for (const name of names) expect(await over(name, "echo $LAB_HOST")).toBe(`${name}\n`);
  const keys = names.map((name) => JSON.stringify(lab.hosts[name].connection.hostKey));
  expect(new Set(keys).size).toBe(3);
  await expect(over("node1", "true", "node2")).rejects.toThrow(/verification/i);
});

test("connections are complete: parsing them again changes nothing", () => {
  for (const host of Object.values(lab.hosts)) expect(connectionSchema.parse(host.connection)).toEqual(host.connection);
});

test("with namespaces each host has its own name, processes and /opt", async () => {
  if (lab.namespaces === "none") {
    expect(lab.web.serverRoot.startsWith(lab.directory)).toBe(true);
    return;
  }
  expect(await over("node1", "hostname")).toBe("node1\n");
  expect(await over("node1", "ls /opt/IBM 2>&1")).not.toContain("HTTPServer");
  expect(await over("web1", "ls /opt/IBM")).toBe("HTTPServer\n");
  const processes = await over("web1", "ps -e -o comm=");
  expect(processes).toContain("apache2");
  expect(processes).not.toContain("node");
});

test("nobody on a host is root, unless it shares root's processes", async () => {
  const uid = (await over("web1", "id -u")).trim();
  if (lab.namespaces === "none") expect(uid).toBe(String(process.getuid?.()));
  else expect(uid).not.toBe("0");
});

test("files seen from outside and over SSH are the same", async () => {
  const sha = createHash("sha256")
    .update(await lab.readFile("web1", lab.web.httpdConf))
    .digest("hex");
  expect(await over("web1", `sha256sum < ${lab.web.httpdConf}`)).toContain(sha);
  await lab.writeFile("web1", `${lab.web.serverRoot}/conf/new.conf`, "# new\n");
  expect(
    await over("web1", `echo more >> ${lab.web.serverRoot}/conf/new.conf; cat ${lab.web.serverRoot}/conf/new.conf`),
  ).toBe("# new\nmore\n");
});

test("fault ssh-refuse: connections are refused, open ones are cut, and it can be taken back", async () => {
  const open = await startedSleep("node1");
  await lab.fault("ssh-refuse:node1", true);
  expect(await open.ended).not.toContain("over");
  await expect(over("node1", "true")).rejects.toThrow(/ECONNREFUSED/);
  expect(await over("node2", "echo there")).toBe("there\n");
  await lab.fault("ssh-refuse:node1", false);
  expect(await over("node1", "echo back")).toBe("back\n");
});

test("fault ssh-cut: open connections end, new ones are welcome", async () => {
  const open = await startedSleep("node2");
  await lab.fault("ssh-cut:node2", true);
  expect(await open.ended).not.toContain("over");
  expect(await over("node2", "echo there")).toBe("there\n");
});

test("fault ssh-hang: connections are accepted and nothing answers", async () => {
  await lab.fault("ssh-hang:node1", true);
  await expect(over("node1", "true", "node1", 300)).rejects.toThrow(/Timed out/i);
  await lab.fault("ssh-hang:node1", false);
  expect(await over("node1", "echo back")).toBe("back\n");
});

test("an unknown fault names what there is", async () => {
  await expect(lab.fault("member-down:node9", true)).rejects.toThrow(/node1_AppsCluster_server1/);
});

test("httpd's children are collected, so that stop and start follow each other", async () => {
  const control = (verb: string) => lab.run("web1", [lab.web.apachectl, verb]);
  const pid = async () => (await lab.readFile("web1", `${lab.web.serverRoot}/logs/httpd.pid`)).trim();
  const first = await pid();
  expect((await control("stop")).exitCode).toBe(0);
  await until(async () => (await lab.run("web1", ["kill", "-0", first])).exitCode !== 0);
  expect((await control("start")).exitCode).toBe(0);
  await until(async () => (await fetch(lab.web.url).catch(() => undefined))?.status === 200);
  expect(await pid()).not.toBe(first);
});

async function until(question: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) if (await question()) return;
  throw new Error("it did not come to pass");
}
