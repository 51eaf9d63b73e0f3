import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { connectionSchema } from "../../../providers/targets/connection.js";
import type { JobOptions, RunOptions, RunResult } from "../../../providers/targets/host.js";
import { folderTag } from "../../../providers/targets/wsadmin/private-files.js";
import { jythonCommand, STUBS } from "../../remote/jython.js";
import { MemoryHost, type MemoryHostOptions } from "../../support/memory-host.js";

export const PASSWORD = "c4nary 'pass\"word\\ü$HOME";
const USER = "wasadmin user";
const SHARED_MEMORY = "/dev/shm";

/** What a stand-in's program may ask of the shell: who logged in, by the properties that it was told of. */
const READ_LOGIN = `
log_in() {
  file=$(printf '%s\\n' "$@" | sed -n 's/^-Dcom.ibm.'"$KIND"'.ConfigURL=file://p')
  [ -n "$file" ] || file=$PROFILE/properties/$(echo $KIND | tr A-Z a-z).client.props
  login=$(grep -c "^com.ibm.$KIND.loginPassword=$(cat "$PROFILE/expected-password")$" "$file")
}
`;

/**
 * A WebSphere profile's folder with stand-ins of its programs, on this machine: wsadmin.sh is real Jython 2.1 on the stand-in
 * objects of tests/remote/stubs. The commands of the product's host run in a real shell here; files and jobs are modelled.
 * Everything a program could see of itself is written down: the process list, and what its folder held.
 */
export class LocalProfile {
  readonly root = mkdtempSync(join(tmpdir(), "pulumi-connections-profile-"));
  readonly profile = join(this.root, "profiles", "Dmgr 01");
  readonly stateDirectory = join(this.root, "state");
  readonly administrator = { user: USER, password: { env: "TEST_WAS_PASSWORD" } };

  constructor() {
    process.env.TEST_WAS_PASSWORD = PASSWORD;
    for (const folder of ["bin", "properties", "logs", "temp"])
      mkdirSync(join(this.profile, folder), { recursive: true });
    mkdirSync(join(this.root, "cache"));
    writeFileSync(join(this.profile, "properties", "soap.client.props"), "com.ibm.SOAP.loginSource=prompt\nother=1");
    writeFileSync(join(this.profile, "expected-password"), "c4nary 'pass\"word\\\\\\\\\\\\u00fc$HOME");
    this.program("bin/setupCmdLine.sh", `WAS_HOME='${this.root}/was'; WAS_NODE=node01\n`);
    this.wsadmin("plain");
  }

  /** A program of the profile, or below `was` of the installation. Its text runs in sh. */
  program(path: string, text: string): void {
    const file = path.startsWith("was/") ? join(this.root, path) : join(this.profile, path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, `#!/bin/sh\nPROFILE='${this.profile}'\n${text}`);
    chmodSync(file, 0o755);
  }

  /** @param cell what is odd about the stand-in cell */
  wsadmin(cell: string, before = ""): void {
    const jython = jythonCommand("2.1", join(this.root, "cache")).join(" ");
    this.program(
      "bin/wsadmin.sh",
      `KIND=SOAP\n${READ_LOGIN}\n${this.#writeDown}\n${before}
log_in "$@"
if [ "$login" != 1 ]; then
  echo 'WASX7246E: Cannot establish "SOAP" connection to host: ADMN0022E: Access is denied'
  exit 105
fi
while [ $# -gt 2 ]; do shift; done
echo "WASX7209I: Connected to process dmgr"
${jython} '${STUBS}/boot.py' '${STUBS}/cell.py' "${cell}/x=$1=$2"
exit 7\n`,
    );
  }

  /** For a program's text: the process list and its own arguments go to "seen". */
  get #writeDown(): string {
    return `{ ps axww -o args; echo "ARGS $*"; } >> '${this.root}/seen'\ncase "$*" in *-f*) for a in "$@"; do f=$a; done; ls -ld "\${f%/*}" >> '${this.root}/modes'; ls -l "\${f%/*}" >> '${this.root}/modes';; esac`;
  }

  serverCommand(name: string, text: string): void {
    this.program(`bin/${name}.sh`, `echo 'the profile script was used instead'\n`);
    this.program(
      `was/bin/${name}.sh`,
      `KIND=IPC\n${READ_LOGIN}\n. "$WAS_USER_SCRIPT"\n${this.#writeDown}\nlog_in "$CLIENTIPC"\n${text}`,
    );
  }

  get seen(): string {
    return existsSync(join(this.root, "seen")) ? readFileSync(join(this.root, "seen"), "utf8") : "";
  }

  get modes(): string {
    return readFileSync(join(this.root, "modes"), "utf8");
  }

  host(options: MemoryHostOptions = {}): MemoryHost {
    const connection = connectionSchema.parse({
      name: "dmgr",
      address: "127.0.0.1",
      user: "wasadmin",
      auth: { agent: true },
      stateDirectory: this.stateDirectory,
    });
    return new MemoryHost(connection, { onRun: runHere, ...options });
  }

  /** Private folders of this host that are there now; other tests have theirs beside them. */
  leftovers(): string[] {
    const run = join(this.stateDirectory, "run");
    const places = [SHARED_MEMORY, run].filter((folder) => existsSync(folder));
    const prefix = basename(this.privateFolder(this.host(), ""));
    return places.flatMap((folder) => readdirSync(folder).filter((name) => name.startsWith(prefix)));
  }

  /** Where a private folder of this host would be. */
  privateFolder(host: MemoryHost, suffix: string): string {
    return join(SHARED_MEMORY, `pulumi-connections-${folderTag(host.connection)}.${suffix}`);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
    delete process.env.TEST_WAS_PASSWORD;
  }
}

/** Runs the very arguments that a host would be sent. */
export function runHere(argv: readonly string[], options: RunOptions | JobOptions): Promise<RunResult> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], timeout: options.timeoutMs });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.stdin.on("error", () => undefined).end("stdin" in options ? options.stdin : undefined);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const [stdout, stderr] = [Buffer.concat(out).toString("utf8"), Buffer.concat(err).toString("utf8")];
      resolve({ exitCode: code ?? (signal === "SIGKILL" ? 137 : 143), stdout, stderr });
    });
  });
}
