import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import type { z } from "zod";
import { type Connection, connectionSchema } from "../../providers/targets/connection.js";

/** The account under which the server runs when the tests run as root; it exists in the server's own mount namespace only. */
const ACCOUNT = { name: "tester", id: 21_345 };
const START_ATTEMPTS = 100;
/** A server gets a mount namespace of its own here: an account, and a small disk where one is asked for. */
export const CAN_MOUNT = process.getuid?.() === 0 && canUnshare();

export interface SshdOptions {
  /** More lines for sshd_config. They come first, and in sshd_config the first of a kind counts. */
  readonly config?: readonly string[];
  /** Scripts put into a folder that comes first in the PATH of commands: name → text. For stand-ins of programs. */
  readonly programs?: Readonly<Record<string, string>>;
  readonly shell?: string;
  /** Types of host keys beside the ed25519 one. */
  readonly moreHostKeys?: readonly string[];
  /** Size of a file system of its own at `<tree>/small`, if the machine lets us mount one (`CAN_MOUNT`). */
  readonly smallDiskBytes?: number;
}

/** Of the connection to a server, beside what leads to it. */
export type Changes = Partial<z.input<typeof connectionSchema>>;

/**
 * A real OpenSSH server on a free port of 127.0.0.1, in a folder of its own: host key, user key, known_hosts, and `tree`, an
 * empty directory that belongs to the login user. Not privileged: it can log in its own account only.
 */
export interface TestSshd {
  readonly port: number;
  readonly user: string;
  /** Everything of this server; gone after `stop`. */
  readonly folder: string;
  readonly tree: string;
  readonly keyFile: string;
  readonly hostKeyFile: string;
  readonly moreHostKeyFiles: readonly string[];
  readonly knownHosts: string;
  /** The host's public key, as it can be pinned. */
  readonly hostKey: string;
  /** How to reach it with its key; anything can be replaced. */
  connection(changes?: Changes): Connection;
  log(): string;
  stop(): Promise<void>;
}

export async function startSshd(options: SshdOptions = {}): Promise<TestSshd> {
  const user = CAN_MOUNT ? ACCOUNT.name : userInfo().username;
  // realpath: on some machines the folder for temporary files is a link.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "sshd-test-")));
  chmodSync(folder, 0o755);
  const inFolder = (name: string) => join(folder, name);
  const tree = inFolder("tree");
  const home = inFolder("home");
  for (const directory of [tree, home, inFolder("bin")]) mkdirSync(directory);
  const keyFile = makeKey(inFolder("user_key"));
  const hostKeyFile = makeKey(inFolder("host_key"));
  const moreHostKeyFiles = (options.moreHostKeys ?? []).map((type) =>
    makeKey(inFolder(`host_key_${type}`), ["-t", type, "-N", ""]),
  );
  const authorizedKeys = inFolder("authorized_keys");
  writeFileSync(authorizedKeys, readFileSync(`${keyFile}.pub`));
  for (const [name, text] of Object.entries(options.programs ?? {}))
    writeFileSync(inFolder(`bin/${name}`), text, { mode: 0o755 });
  const log = inFolder("sshd.log");
  writeFileSync(log, "");
  writeFileSync(
    inFolder("passwd"),
    `${readFileSync("/etc/passwd", "utf8")}${ACCOUNT.name}:x:${ACCOUNT.id}:${ACCOUNT.id}::${home}:${options.shell ?? "/bin/sh"}\n`,
  );
  if (CAN_MOUNT)
    for (const path of [tree, home, hostKeyFile, ...moreHostKeyFiles, log]) chownSync(path, ACCOUNT.id, ACCOUNT.id);
  const port = await freePort();
  const config = inFolder("sshd_config");
  writeFileSync(
    config,
    [
      ...(options.config ?? []),
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      ...[hostKeyFile, ...moreHostKeyFiles].map((file) => `HostKey ${file}`),
      "PidFile none",
      `AuthorizedKeysFile ${authorizedKeys}`,
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "UseDNS no",
      `SetEnv PATH=${[inFolder("bin"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].join(delimiter)}`,
      "Subsystem sftp internal-sftp",
      "",
    ].join("\n"),
  );
  if (CAN_MOUNT && options.smallDiskBytes !== undefined) mkdirSync(join(tree, "small"));
  const sshd = [sshdProgram(), "-D", "-f", config, "-E", log];
  const child = CAN_MOUNT
    ? spawnApart(sshd, folder, options.smallDiskBytes)
    : spawn(sshd[0] ?? "", sshd.slice(1), { stdio: "ignore" });
  const knownHosts = inFolder("known_hosts");
  const hostKey = readFileSync(`${hostKeyFile}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${hostKey}\n`);
  const server: TestSshd = {
    port,
    user,
    folder,
    tree,
    keyFile,
    hostKeyFile,
    moreHostKeyFiles,
    knownHosts,
    hostKey,
    connection: (changes = {}) =>
      connectionSchema.parse({
        name: "web1",
        address: "127.0.0.1",
        port,
        user,
        auth: { keyFile },
        hostKey: { knownHosts },
        stateDirectory: join(tree, "state"),
        ...changes,
      }),
    log: () => readFileSync(log, "utf8"),
    stop: async () => {
      await stopped(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await answering(port, child, server.log);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** In a mount namespace of its own, where our account is in /etc/passwd and the small disk is mounted; then no longer root. */
function spawnApart(sshd: readonly string[], folder: string, smallDiskBytes: number | undefined): ChildProcess {
  const small = join(folder, "tree", "small");
  const owner = `uid=${ACCOUNT.id},gid=${ACCOUNT.id}`;
  const script = [
    `mount --bind ${folder}/passwd /etc/passwd`,
    ...(smallDiskBytes === undefined
      ? []
      : [`mount -t tmpfs -o size=${smallDiskBytes},mode=755,${owner} tmpfs ${small}`]),
    `exec setpriv --reuid ${ACCOUNT.id} --regid ${ACCOUNT.id} --clear-groups "$@"`,
  ];
  return spawn("unshare", ["-m", "sh", "-ec", script.join("\n"), "sh", ...sshd], { stdio: "ignore" });
}

function canUnshare(): boolean {
  try {
    execFileSync("unshare", ["-m", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function sshdProgram(): string {
  const found = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"].find((path) => existsSync(path));
  if (!found) throw new Error("no sshd: install openssh-server (npm run setup does)");
  return found;
}

/** An ed25519 key without a passphrase, or of another type, as ssh-keygen makes it. */
export function makeKey(path: string, args: readonly string[] = ["-t", "ed25519", "-N", ""]): string {
  execFileSync("ssh-keygen", ["-q", ...args, "-f", path], { stdio: ["ignore", "ignore", "inherit"] });
  return path;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function answering(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    if (child.exitCode !== null) break;
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("data", () => resolve(true)).once("error", () => resolve(false));
      socket.once("close", () => resolve(false));
      socket.once("data", () => socket.destroy());
    });
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`sshd did not start: ${log()}`);
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await gone;
}
