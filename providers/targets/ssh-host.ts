import type { Duplex } from "node:stream";
import { milliseconds } from "../common/duration.js";
import type { Connection } from "./connection.js";
import { SftpFiles } from "./files-sftp.js";
import { SudoFiles } from "./files-sudo.js";
import type { Files, Host, Jobs, RunOptions, RunResult } from "./host.js";
import type { Shell } from "./shell.js";
import { Snapshot } from "./snapshot.js";
import { DetachedJobs } from "./ssh-jobs.js";
import { SshLink } from "./ssh-link.js";
import { SshRunner } from "./ssh-runner.js";

/** Of one command, for standard output and error each; longer ones are jobs. */
const MAX_OUTPUT_BYTES = 16 * 1_048_576;

/** A host over one SSH connection. Made by `openHost`, which sees to it that there is one per connection and process. */
export class SshHost implements Host {
  readonly name: string;
  readonly files: Files;
  readonly jobs: Jobs;
  readonly #link: SshLink;
  readonly #runner: SshRunner;
  readonly #snapshot = new Snapshot();

  constructor(
    readonly connection: Connection,
    shell: Shell,
    private readonly forget: () => void,
  ) {
    this.name = connection.name;
    this.#link = new SshLink(connection);
    this.#runner = new SshRunner(connection, this.#link, shell);
    const wrote = () => this.#snapshot.drop();
    // SFTP runs as the login user and knows no sudo: where root is needed, scripts do its work.
    this.files = connection.sudo ? new SudoFiles(this.#runner, wrote) : new SftpFiles(this.#runner, this.#link, wrote);
    this.jobs = new DetachedJobs(this.#runner, wrote);
  }

  async run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
    const { exitCode, stdout, stderr } = await this.#runner.exec(argv, {
      ...options,
      maxOutputBytes: MAX_OUTPUT_BYTES,
    });
    return { exitCode, stdout: stdout.toString("utf8"), stderr: stderr.toString("utf8") };
  }

  forward(address: string, port: number): Promise<Duplex> {
    return this.#link.forward(address, port, milliseconds(this.connection.operationTimeout));
  }

  snapshot<T>(key: string, load: () => Promise<T>): Promise<T> {
    return this.#snapshot.get(key, load);
  }

  async close(): Promise<void> {
    this.forget();
    this.#snapshot.drop();
    await this.#link.close();
  }
}
