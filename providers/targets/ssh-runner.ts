import { milliseconds } from "../common/duration.js";
import { ProblemError } from "../common/problem.js";
import { resolveSecret } from "../common/secret-resolver.js";
import { type Connection, hopsTo } from "./connection.js";
import { logInOnce, type PasswordLogin } from "./logins.js";
import type { ScriptName, Shell } from "./shell.js";
import type { ExecResult, SshLink } from "./ssh-link.js";
import { underSudo } from "./sudo.js";

export interface ProgramOptions {
  readonly what: string;
  readonly timeoutMs: number;
  readonly stdin?: string | Uint8Array;
  /** Default: when the connection has `sudo`. */
  readonly sudo?: boolean;
  readonly maxOutputBytes: number;
}

/** Runs programs and our scripts on a host, as root where the connection says so. */
export class SshRunner {
  readonly operationTimeoutMs: number;

  constructor(
    readonly connection: Connection,
    private readonly link: SshLink,
    readonly shell: Shell,
  ) {
    this.operationTimeoutMs = milliseconds(connection.operationTimeout);
  }

  get name(): string {
    return this.connection.name;
  }

  async exec(argv: readonly string[], options: ProgramOptions): Promise<ExecResult> {
    const { what, timeoutMs, stdin, maxOutputBytes } = options;
    const common = { where: `${this.name}: ${what}`, timeoutMs, maxOutputBytes, ...(stdin !== undefined && { stdin }) };
    // Nothing that cannot be said is sent, with sudo or without.
    const command = this.shell.commandLine(argv);
    if (!(options.sudo ?? this.connection.sudo !== undefined)) return this.link.exec({ ...common, command });
    const password = await this.#sudoPassword();
    const sudo = underSudo(argv, password, this.name);
    const request = { ...common, command: this.shell.commandLine(sudo.argv), dialogue: sudo.dialogue };
    if (password === undefined) return this.link.exec(request);
    const { running } = await logInOnce({ ...this.#sudoLogin, password }, async () => {
      const running = this.link.exec(request);
      running.catch(() => undefined);
      // The command itself may take long: others need not wait for its end.
      await Promise.race([sudo.letThrough, running]);
      return { running };
    });
    return running;
  }

  /** A script of the shell strategy, within the limit of a short operation unless said otherwise. */
  async script(
    name: ScriptName,
    args: readonly string[],
    options: Omit<ProgramOptions, "timeoutMs"> & { timeoutMs?: number },
  ): Promise<ExecResult> {
    try {
      return await this.exec(this.shell.script(name, args), { timeoutMs: this.operationTimeoutMs, ...options });
    } catch (error) {
      // Our scripts are quick: no answer means a dead line, and later operations should not wait for it too.
      if (error instanceof ProblemError && error.cause === "timeout") this.link.retire();
      throw error;
    }
  }

  get #sudoLogin(): Pick<PasswordLogin, "account" | "where"> {
    const way = hopsTo(this.connection).map(({ hop }) => [hop.address.toLowerCase(), hop.port]);
    return { account: ["sudo", way, this.connection.user], where: `${this.name}: sudo` };
  }

  async #sudoPassword(): Promise<string | undefined> {
    const { sudo } = this.connection;
    return typeof sudo === "object" ? resolveSecret(sudo.password, `sudo password on ${this.name}`) : undefined;
  }
}
