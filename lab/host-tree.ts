import { execFile } from "node:child_process";
import { chmod, chown, copyFile, lstat, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Toolchain } from "./toolchain.js";
import { type AnyHostName, LAB_ROOT, STATE_DIRECTORY } from "./topology.js";

const run = promisify(execFile);

/** Owner of a host's files and processes when the lab is started by root: exists in the hosts' own passwd file only. */
const LAB_USER = { name: "wasadmin", uid: 61_970 } as const;

/** Where one host lives on this machine. */
export interface HostPlace {
  readonly name: AnyHostName;
  readonly directory: string;
  /** Prepended to a path as the host sees it, to get the path outside. */
  readonly root: string;
  /** Prepended to a path below /opt, to get the path that the host sees: "" in namespaces. */
  readonly prefix: string;
}

export function placeOf(labDirectory: string, name: AnyHostName, namespaces: Toolchain["namespaces"]): HostPlace {
  const directory = join(labDirectory, "hosts", name);
  return namespaces === "none"
    ? { name, directory, root: "", prefix: directory }
    : { name, directory, root: directory, prefix: "" };
}

/** The user that logs in on a host. */
export function loginUser(namespaces: Toolchain["namespaces"]): { name: string; uid: number; gid: number } {
  if (namespaces === "root") return { name: LAB_USER.name, uid: LAB_USER.uid, gid: LAB_USER.uid };
  const uid = process.getuid?.() ?? 0;
  return { name: userInfo().username, uid, gid: process.getgid?.() ?? 0 };
}

interface HostOptions {
  readonly place: HostPlace;
  readonly tools: Toolchain;
  readonly address: string;
  readonly sshdPort: number;
  /** The one client key that may log in, as a public key line. */
  readonly clientKey: string;
  /** Lines of the boot script that start the host's own services. */
  readonly services: readonly string[];
  /** What this machine has and the host sees elsewhere: [here, there]. Only where hosts have trees of their own. */
  readonly mounts: readonly (readonly [string, string])[];
}

/** Writes what every host has, and answers its public host key. Keeps a host key that exists. */
export async function writeHost(options: HostOptions): Promise<string> {
  const { place, tools } = options;
  const own = join(place.directory, LAB_ROOT);
  const seen = `${place.prefix}${LAB_ROOT}`;
  await Promise.all(
    [
      join(own, "etc"),
      join(own, "switches"),
      join(own, "home"),
      join(place.directory, STATE_DIRECTORY),
      join(place.directory, "tmp"),
    ].map((directory) => mkdir(directory, { recursive: true })),
  );
  await chmod(join(place.directory, "tmp"), 0o1777);
  const hostKey = join(own, "etc", "ssh_host_ed25519_key");
  await makeKey(tools.sshKeygen, hostKey, place.name);
  await Promise.all([
    copyFile(tools.hostInit, join(own, "host-init")),
    writeFile(join(own, "etc", "authorized_keys"), options.clientKey),
    writeFile(join(own, "etc", "sshd_config"), sshdConfig(options, seen)),
    writeFile(join(own, "boot.sh"), bootScript(options, seen)),
    writeFile(join(own, "enter.sh"), enterScript(options)),
    writeFile(join(own, "node"), "", { flag: "a" }), // what the host's Node is mounted on
    writePasswd(join(own, "etc")),
  ]);
  return (await readFile(`${hostKey}.pub`, "utf8")).trim();
}

/** What the supervisor starts; its standard input is the host's lifeline. */
export function hostCommand(place: HostPlace, namespaces: Toolchain["namespaces"]): string[] {
  const own = join(place.directory, LAB_ROOT);
  if (namespaces === "none") return [join(own, "host-init"), "/bin/sh", join(own, "boot.sh")];
  const flags = namespaces === "user" ? ["-Urm"] : ["-m"];
  return [
    "unshare",
    ...flags,
    ...["--uts", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"],
    ...["/bin/sh", join(own, "enter.sh")],
  ];
}

export async function makeKey(sshKeygen: string, file: string, comment: string): Promise<void> {
  if (await lstat(file).catch(() => undefined)) return;
  await run(sshKeygen, ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file]);
}

/** Gives a tree to the user that owns the hosts' processes. */
export async function giveTo(user: { uid: number; gid: number }, path: string): Promise<void> {
  const info = await lstat(path);
  if (info.uid !== user.uid && !info.isSymbolicLink()) await chown(path, user.uid, user.gid);
  if (!info.isDirectory()) return;
  for (const name of await readdir(path)) await giveTo(user, join(path, name));
}

export async function linkOnce(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

function sshdConfig({ place, address, sshdPort }: HostOptions, seen: string): string {
  return [
    `Port ${sshdPort}`,
    `ListenAddress ${address}`,
    `HostKey ${seen}/etc/ssh_host_ed25519_key`,
    `PidFile ${seen}/sshd.pid`,
    `AuthorizedKeysFile ${seen}/etc/authorized_keys`,
    "StrictModes no", // the tree may stand below a directory that others may write to, such as /tmp
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin prohibit-password",
    "UseDNS no",
    "PrintMotd no",
    "MaxStartups 100:30:200",
    `SetEnv LAB_HOST=${place.name}`,
    "Subsystem sftp internal-sftp",
    "",
  ].join("\n");
}

/** Runs as the host's user, below host-init. */
function bootScript({ place, tools, services }: HostOptions, seen: string): string {
  return [
    "#!/bin/sh",
    `# Boots the lab host ${place.name}.`,
    "cd /",
    // sshd started by root wants its privilege separation directory, which Debian makes when its service starts.
    'if [ "$(id -u)" = 0 ]; then mkdir -p -m 755 /run/sshd; fi',
    `${tools.sshd} -D -f ${quote(`${seen}/etc/sshd_config`)} -E ${quote(`${seen}/sshd.log`)} &`,
    ...services,
    "wait",
    "",
  ].join("\n");
}

/** Runs as root, real or of the user namespace, inside the host's fresh namespaces: makes its mounts and lets go of root. */
function enterScript({ place, tools, mounts }: HostOptions): string {
  const directory = quote(place.directory);
  const user = loginUser(tools.namespaces);
  const asUser =
    tools.namespaces === "root"
      ? `setpriv --reuid ${user.uid} --regid ${user.gid} --clear-groups env HOME=${LAB_ROOT}/home USER=${user.name}`
      : `unshare -U --map-user=${user.uid} --map-group=${user.gid}`;
  return [
    "#!/bin/sh",
    "set -e",
    `hostname ${place.name}`,
    `mount --bind ${quote(tools.node)} ${directory}${LAB_ROOT}/node`,
    ...(tools.namespaces === "root"
      ? ["passwd", "group"].map((name) => `mount --bind ${directory}${LAB_ROOT}/etc/${name} /etc/${name}`)
      : []),
    ...mounts.map(([here, there]) => `mount --bind ${quote(here)} ${directory}${there}`),
    `mount --rbind ${directory}/opt /opt`,
    "mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
    `mount --bind ${directory}/tmp /tmp`,
    `exec ${asUser} ${LAB_ROOT}/host-init /bin/sh ${LAB_ROOT}/boot.sh`,
    "",
  ].join("\n");
}

/** This machine's users and the lab's own; used by hosts of a lab that root started. */
async function writePasswd(directory: string): Promise<void> {
  const { name, uid } = LAB_USER;
  const add = async (file: string, line: string) =>
    writeFile(join(directory, file), `${(await readFile(`/etc/${file}`, "utf8")).trimEnd()}\n${line}\n`);
  await add("passwd", `${name}:x:${uid}:${uid}:lab host user:${LAB_ROOT}/home:/bin/sh`);
  await add("group", `${name}:x:${uid}:`);
}

/** For /bin/sh. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
