import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectionSchema } from "../../../providers/targets/connection.js";
import { posixCommands } from "../../../providers/targets/wsadmin/posix-commands.js";
import { openNode } from "../../../providers/targets/wsadmin/profile-node.js";
import { MemoryHost } from "../../support/memory-host.js";

const PROFILE = "/opt/IBM/WebSphere/AppServer/profiles/AppSrv01";
const AGENT = 77;

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pulumi-connections-agent-"));
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  put(`proc/${AGENT}/cmdline`, "java\0-Xmx512m\0cell1\0node1\0nodeagent\0");
  put(`profile${PROFILE}/logs/nodeagent/nodeagent.pid`, `${AGENT}\n`);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A running agent in the control group of a unit, and what systemctl says of that. */
function inService(unit: string, text: string, killMode: string, others: readonly number[] = []): void {
  put(`proc/${AGENT}/cgroup`, `0::/system.slice/${unit}\n`);
  put(`sys/fs/cgroup/system.slice/${unit}/cgroup.procs`, [AGENT, ...others].map((pid) => `${pid}\n`).join(""));
  put("unit", text);
  put("bin/systemctl", `#!/bin/sh\ncase $1 in cat) cat '${root}/unit' ;; show) echo ${killMode} ;; esac\n`);
  chmodSync(join(root, "bin/systemctl"), 0o755);
}

/** The script itself in a real shell, with a machine's folders below one of ours. */
function answer(): string {
  const [program = "", option = "", script = "", ...rest] = posixCommands.agentControl(PROFILE, "node1");
  const moved = script
    .replace(/(?<![\w.*])\/(?=(?:proc|run|sys|etc|usr|lib)\/)/g, `${root}/`)
    .replaceAll("$profile/logs", `${root}/profile$profile/logs`);
  const env = { PATH: `${join(root, "bin")}:${process.env.PATH}` };
  return execFileSync(program, [option, moved, ...rest], { env, encoding: "utf8" }).trim();
}

const UNIT = `[Service]\nType=forking\nExecStart=${PROFILE}/bin/startNode.sh\n`;

describe("promise 10: a service is only taken for the agent's when its end is the end of the agent alone", () => {
  test.each<[string, () => void, string]>([
    ["alone in it", () => inService("was.service", UNIT, "control-group"), "@@ service was.service active"],
    [
      "with a member that it started, but only the agent is ended",
      () => inService("was.service", UNIT, "process", [88]),
      "@@ service was.service active",
    ],
    [
      "with a member that would end too",
      () => inService("was.service", UNIT, "control-group", [88, 99]),
      "@@ shared was.service control-group 88 99",
    ],
    [
      "in somebody else's service",
      () => inService("cron.service", "ExecStart=/usr/sbin/cron -f", "process"),
      "@@ stranger cron.service",
    ],
    [
      "in the service of another profile's agent",
      () => inService("was.service", UNIT.replaceAll("AppSrv01", "AppSrv02"), "process"),
      "@@ stranger was.service",
    ],
    [
      "in a service that calls a script which names it",
      () => {
        put("start-was", `#!/bin/sh\n${PROFILE}/bin/startNode.sh\n`);
        inService("was.service", `[Service]\nExecStart=-${join(root, "start-was")} now\n`, "process");
      },
      "@@ service was.service active",
    ],
  ])("%s", (_, given, expected) => {
    given();
    expect(answer()).toBe(expected);
  });

  test.each([
    ["@@ stranger cron.service", /the node agent runs in the service cron.service.*could stop something else/],
    [
      "@@ shared was.service control-group 88 99",
      /would end the processes 88, 99 together.*systemctl edit was.service/,
    ],
    ["@@ shared was.service control-group unknown", /would end processes that cannot be listed together/],
  ])("%s: refused, with what to do", async (line, expected) => {
    const connection = connectionSchema.parse({
      ...{ name: "node1", address: "127.0.0.1", user: "admin", auth: { agent: true } },
    });
    const host = new MemoryHost(connection, { onRun: () => ({ exitCode: 0, stdout: `${line}\n`, stderr: "" }) });
    const node = openNode(host, {
      ...{ node: "node1", profile: PROFILE, timeout: "1m" },
      deploymentManager: { host: "dmgr", port: 8879 },
    } as never);
    await expect(node.stopAgent({ job: "stop", timeoutMs: 1_000 })).rejects.toThrow(expected);
    expect(host.ran).toHaveLength(1);
  });
});
