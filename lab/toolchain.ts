import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Problem, ProblemError } from "../providers/common/problem.js";

const run = promisify(execFile);
const COMPILE_TIMEOUT_MS = 120_000;
const PROBE_TIMEOUT_MS = 10_000;
/** The first Node releases that run TypeScript files as they are. */
const NODE_WITH_TYPES = [22, 18] as const;

/** Everything of this machine that the lab is made of. */
export interface Toolchain {
  readonly node: string;
  readonly sshd: string;
  readonly ssh: string;
  readonly sshKeygen: string;
  readonly httpd: string;
  /** Directory of httpd's own modules. */
  readonly httpdModules: string;
  readonly hostInit: string;
  readonly pluginModule: string;
  /**
   * How hosts are told apart. "user": unprivileged user namespaces; "root": namespaces made by root, the host's processes run
   * as an unprivileged user that exists only inside; "none": one process list and one tree, paths start at a directory.
   */
  readonly namespaces: "user" | "root" | "none";
}

/** The checkout: the folder whose package.json has our name, seen from lab/ and from dist/lab/ alike. */
export function projectRoot(): string {
  let directory = __dirname;
  while (!existsSync(join(directory, "lab", "host-init", "host-init.c"))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error(`no checkout of the project above ${__dirname}`);
    directory = parent;
  }
  return directory;
}

const SEARCH = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

function find(...names: string[]): string | undefined {
  const directories = [...(process.env.PATH ?? "").split(":").filter(Boolean), ...SEARCH];
  for (const name of names) for (const d of directories) if (existsSync(join(d, name))) return join(d, name);
  return undefined;
}

/**
 * Finds the programs, and compiles what the lab brings along (once; later starts use the cache).
 *
 * @throws ProblemError `missing` that names every missing program with its Debian package.
 */
export async function toolchain(): Promise<Toolchain> {
  const problems: Problem[] = [];
  const need = (packageName: string, ...names: string[]): string => {
    const path = find(...names);
    if (path) return path;
    problems.push({
      where: "this machine",
      found: `there is no ${names.join(" or ")}`,
      why: "The lab runs real servers",
      next: `apt-get install --no-install-recommends ${packageName}`,
    });
    return "";
  };
  const tools = {
    sshd: need("openssh-server", "sshd"),
    ssh: need("openssh-client", "ssh"),
    sshKeygen: need("openssh-client", "ssh-keygen"),
    httpd: need("apache2", "apache2", "httpd"),
    apxs: need("apache2-dev", "apxs", "apxs2"),
    compiler: need("gcc", "gcc", "cc"),
    unshare: need("util-linux", "unshare"),
  };
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < NODE_WITH_TYPES[0] || (major === NODE_WITH_TYPES[0] && minor < NODE_WITH_TYPES[1])) {
    problems.push({
      where: process.execPath,
      found: `Node ${process.versions.node}`,
      allowed: `${NODE_WITH_TYPES.join(".")} or later`,
      next: "use node_modules/.bin/node",
    });
  }
  if (problems.length > 0) throw new ProblemError("missing", problems);

  const lab = join(projectRoot(), "lab");
  const httpdIdentity = await stat(tools.httpd);
  const query = async (name: string) => (await run(tools.apxs, ["-q", name])).stdout.trim();
  const [pluginModule, hostInit, httpdModules, namespaces] = await Promise.all([
    compileOnce(
      tools.compiler,
      ["mod_was_plugin_standin.c", "plugin_file.c", "choosing.c", "plugin_standin.h"].map((name) =>
        join(lab, "plugin-standin", name),
      ),
      "mod_was_ap24_http.so",
      async () => [
        "-shared",
        "-fPIC",
        ...(await query("EXTRA_CPPFLAGS")).split(/\s+/).filter(Boolean),
        `-I${await query("INCLUDEDIR")}`,
        `-I${await query("APR_INCLUDEDIR")}`,
      ],
      `${httpdIdentity.size} ${httpdIdentity.mtimeMs}`,
    ),
    compileOnce(tools.compiler, [join(lab, "host-init", "host-init.c")], "host-init", async () => [], ""),
    query("LIBEXECDIR"),
    probeNamespaces(tools.unshare),
  ]);
  return { ...tools, node: process.execPath, pluginModule, hostInit, httpdModules, namespaces };
}

async function probeNamespaces(unshare: string): Promise<Toolchain["namespaces"]> {
  const root = process.getuid?.() === 0;
  const flags = root ? ["-m", "--uts", "--pid", "--ipc"] : ["-Urm", "--uts", "--pid", "--ipc"];
  if (process.env.LAB_NAMESPACES === "none") return "none";
  try {
    await run(unshare, [...flags, "--fork", "--kill-child", "--mount-proc", "true"], { timeout: PROBE_TIMEOUT_MS });
    return root ? "root" : "user";
  } catch {
    return "none";
  }
}

/** Answers the file called `name` that was made of the sources. */
async function compileOnce(
  compiler: string,
  sources: readonly string[],
  name: string,
  flags: () => Promise<string[]>,
  salt: string,
): Promise<string> {
  const units = sources.filter((source) => source.endsWith(".c"));
  const folder = await madeOnce(name, sources, salt, async (scratch) => {
    const words = ["-O2", "-Wall", ...(await flags()), ...units, "-o", join(scratch, name)];
    await run(compiler, words, { timeout: COMPILE_TIMEOUT_MS }).catch((error: { stderr?: string }) => {
      const output = error.stderr ?? String(error);
      throw new ProblemError("command-failed", {
        where: units.join(", "),
        found: `it does not compile: ${output.trim().split("\n").slice(0, 5).join(" | ")}`,
        next: "install gcc, libc6-dev and apache2-dev of the same release",
      });
    });
  });
  return join(folder, name);
}

/**
 * A folder of the checkout's cache that is made once: named after the content of what it is made from, and there only when it
 * is complete, so that two labs at once cannot disturb each other.
 *
 * @param sources files; a change of one makes another folder
 * @param salt whatever else decides what comes out
 * @param make fills the folder that it is given
 */
export async function madeOnce(
  name: string,
  sources: readonly string[],
  salt: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const digest = createHash("sha256").update(salt);
  for (const source of sources) digest.update(source).update(await readFile(source));
  const cache = join(projectRoot(), ".lab", "cache");
  const made = join(cache, `${name}-${digest.digest("hex").slice(0, 20)}`);
  if (existsSync(made)) return made;
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, "making-"));
  try {
    await make(scratch);
    await rename(scratch, made).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error; // another lab was quicker
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return made;
}

/** Files with an ending anywhere below a folder, in a fixed order. */
export async function filesBelow(folder: string, ending: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The first program of that name on PATH. */
export function programOnPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
