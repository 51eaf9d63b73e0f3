import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { type PulumiOptions, type PulumiResult, pulumiCommand } from "../scripts/pulumi-command.js";
import { toolchainEnvironment } from "../scripts/toolchain.js";
import type { Db2Server } from "./db2/server.js";
import { quote } from "./host-tree.js";
import type { Lab } from "./lab.js";
import { projectRoot } from "./toolchain.js";

/** Configuration of a stack by key, as `Pulumi.<stack>.yaml` has it without the project's name. */
export type StackValues = Record<string, unknown>;

/** A Pulumi stack against the lab: state, PULUMI_HOME, passphrase and stack file in a folder of its own. */
export interface Workspace {
  readonly directory: string;
  readonly stack: string;
  /** `Pulumi.<stack>.yaml` of this workspace. */
  readonly configFile: string;
  /** What programs need to run pulumi here. */
  readonly environment: NodeJS.ProcessEnv;
  /** The same for a shell, which reads it with `. FILE`. */
  readonly shellFile: string;
  /** Runs `pulumi` with the stack and its configuration file. Any exit code is an answer. */
  pulumi(args: readonly string[], options?: PulumiOptions): Promise<PulumiResult>;
  /** Changes the stack's configuration, keeping what the change does not touch. */
  configure(change: (values: StackValues) => StackValues): Promise<void>;
}

const PROJECT = "pulumi-connections";
/** Commands that take --stack but no --config-file. */
const WITHOUT_CONFIG = new Set(["stack", "state", "cancel"]);

/** Opens the workspace in a folder, making it on first use: with routing as it was generated. */
export async function openWorkspace(lab: Lab, directory: string, stack = "lab"): Promise<Workspace> {
  const configFile = join(directory, `Pulumi.${stack}.yaml`);
  const passphraseFile = join(directory, "passphrase");
  const shellFile = join(directory, "environment.sh");
  const state = join(directory, "state");
  const made = join(directory, "workspace-made");
  const isNew = !existsSync(made);
  if (isNew) {
    // What is here was left by somebody who was killed while making it.
    for (const left of [state, configFile]) await rm(left, { recursive: true, force: true });
    await mkdir(state, { recursive: true });
    await writeFile(passphraseFile, randomBytes(24).toString("base64url"), { mode: 0o600 });
  }
  const own = {
    PULUMI_HOME: join(directory, "pulumi-home"),
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile,
  };
  const environment: NodeJS.ProcessEnv = { ...toolchainEnvironment(), ...own };
  await writeFile(shellFile, shellLines({ ...toolchainEnvironment({}), ...own }));
  const workspace: Workspace = {
    directory,
    stack,
    configFile,
    environment,
    shellFile,
    pulumi(args, options = {}) {
      const [command = ""] = args;
      const place = ["--stack", stack, ...(WITHOUT_CONFIG.has(command) ? [] : ["--config-file", configFile])];
      return pulumiCommand([...args, ...place, "--non-interactive"], {
        ...options,
        env: { ...environment, ...options.env },
      });
    },
    async configure(change) {
      const file = parse(await readFile(configFile, "utf8")) as { config?: StackValues };
      const values = Object.fromEntries(
        Object.entries(file.config ?? {}).map(([key, value]) => [key.replace(`${PROJECT}:`, ""), value]),
      );
      const changed = Object.entries(change(values)).map(([key, value]) => [`${PROJECT}:${key}`, value]);
      // The engine reads YAML 1.1, in which a date without quotes is no text.
      await writeFile(configFile, stringify({ ...file, config: Object.fromEntries(changed) }, { version: "1.1" }));
    },
  };
  if (isNew) {
    // `stack init` writes the stack file beside Pulumi.yaml: in this folder, so that two runs never meet.
    await copyFile(join(projectRoot(), "Pulumi.yaml"), join(directory, "Pulumi.yaml"));
    const created = await pulumiCommand(["stack", "init", stack, "--non-interactive"], {
      cwd: directory,
      env: environment,
    });
    if (created.code !== 0) throw new Error(`pulumi stack init failed:\n${created.output}`);
    await workspace.configure(() => stackValues(lab));
    await writeFile(made, "");
  }
  return workspace;
}

/** PATH is put before what the shell has. */
function shellLines({ PATH = "", ...others }: NodeJS.ProcessEnv): string {
  const lines = Object.entries(others).map(([name, value = ""]) => `export ${name}=${quote(value)}\n`);
  return `export PATH=${quote(PATH)}"$PATH"\n${lines.join("")}`;
}

/** What a stack of this lab has to say: the same keys that a real environment has. */
export function stackValues(lab: Lab): StackValues {
  const { name, ...web1 } = lab.hosts.web1.connection;
  const nodes: Record<string, string[]> = {};
  for (const member of lab.clusters.flatMap((cluster) => cluster.members)) {
    nodes[member.node] = [...(nodes[member.node] ?? []), member.name];
  }
  return {
    hosts: { [name]: web1 },
    topology: { nodes },
    webServers: {
      webserver1: {
        host: name,
        serverRoot: lab.web.serverRoot,
        httpdConf: lab.web.httpdConf,
        pluginFile: lab.web.pluginFile,
        connectTo: { address: lab.web.address, port: lab.web.port },
        publicHost: `${lab.web.publicName}:${lab.web.port}`,
      },
    },
    probes: {
      samples: 10,
      settleTime: "20s",
      retryEvery: "200ms",
      clusters: Object.fromEntries(lab.clusters.map((cluster) => [cluster.name, { probeUrl: cluster.probePath }])),
    },
    routing: { primaryNode: "as generated" },
    ...(lab.db2 ? { databases: { homepage: homepageValues(lab.db2) } } : {}),
    run: { lockLease: "5s" },
  };
}

/** HOMEPAGE, which the lab's Db2 server has at 704, at 705; a change by hand to a level of `from` is healed each time. */
export function homepageValues(db2: Db2Server, from: readonly number[] = [704]): StackValues {
  const { host, port, database, user, password, authentication } = db2.connection("HOMEPAGE");
  // A table that is there always: nothing is known of what the real 705 brings.
  const probe = "SELECT COUNT(*) FROM SYSCAT.TABLES WHERE TABSCHEMA = 'HOMEPAGE' AND TABNAME = 'HOMEPAGE_SCHEMA'";
  return {
    ...{ host, port, database, user, password, authentication },
    marker: { database: "HOMEPAGE", table: "HOMEPAGE.HOMEPAGE_SCHEMA" },
    home: "web1",
    levels: {
      HOMEPAGE: {
        version: 705,
        from,
        contentProof: { catalogProbe: { level: 705, sql: probe, expect: 1 } },
        backup: { waived: { reason: "a lab" } },
        servers: { whileRunning: true },
      },
    },
  };
}
