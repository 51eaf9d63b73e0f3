import { randomBytes } from "node:crypto";
import { ProblemError } from "../common/problem.js";
import type { Dialogue } from "./ssh-link.js";

/** A command under sudo: what to run, and how to talk to sudo until the command has started. */
export interface SudoCommand {
  readonly argv: readonly string[];
  readonly dialogue: Dialogue;
  /** Settles when sudo has let the command through. */
  readonly letThrough: Promise<void>;
}

/** Says on standard error that sudo let us through, then becomes the command. */
const ANNOUNCE = 'printf %s "$0" >&2; exec "$@"';

/**
 * Wraps `argv` so that it runs as root. The password is sent on standard input, once, and only after sudo asked for it with
 * our own random prompt: where sudo needs none, the command would otherwise read it as its input. Whether sudo or the
 * command failed is told apart by a random mark that only a started command prints, not by texts in some language.
 *
 * @param password undefined = sudo has to work without one (`sudo -n`).
 */
export function underSudo(argv: readonly string[], password: string | undefined, host: string): SudoCommand {
  const prompt = `[password ${randomBytes(12).toString("hex")}]`;
  const mark = `[started ${randomBytes(12).toString("hex")}]`;
  const how = password === undefined ? ["-n"] : ["-S", "-p", prompt];
  const dialogue = new SudoDialogue(prompt, mark, password, host);
  return {
    argv: ["sudo", ...how, "--", "sh", "-c", ANNOUNCE, mark, ...argv],
    dialogue,
    letThrough: dialogue.letThrough,
  };
}

class SudoDialogue implements Dialogue {
  readonly letThrough: Promise<void>;
  #letIn: () => void = () => undefined;
  #heard = "";
  #asked = 0;
  #started = false;

  constructor(
    private readonly prompt: string,
    private readonly mark: string,
    private readonly password: string | undefined,
    private readonly host: string,
  ) {
    this.letThrough = new Promise((resolve) => {
      this.#letIn = resolve;
    });
  }

  heard(chunk: Buffer): { say?: string; started: boolean } {
    this.#heard += chunk.toString("latin1");
    if (this.#heard.includes(this.mark)) {
      this.#started = true;
      this.#letIn();
      return { started: true };
    }
    const asked = this.#heard.split(this.prompt).length - 1;
    if (asked === this.#asked) return { started: false };
    this.#asked = asked;
    // The second question means that the first answer was wrong. Ending the input makes sudo give up.
    return asked === 1 ? { say: `${this.password ?? ""}\n`, started: false } : { started: true };
  }

  ended(exitCode: number, stderr: Buffer): Buffer {
    const text = stderr.toString("latin1");
    if (this.#started || text.includes(this.mark)) {
      return Buffer.from(text.slice(text.indexOf(this.mark) + this.mark.length), "latin1");
    }
    throw this.#refusal(exitCode, text.replaceAll(this.prompt, "").trim());
  }

  #refusal(exitCode: number, said: string): ProblemError {
    const where = `${this.host}: sudo`;
    const words = said ? said.split("\n").slice(-3).join(" ").slice(0, 300) : `exit code ${exitCode} without a word`;
    if (this.#asked > 1) {
      return new ProblemError("login", {
        where,
        found: "sudo refused the password",
        why: "It is not tried again by this process, because many hosts lock an account after a few failures",
        next: "Correct what sudo.password refers to",
      });
    }
    if (/requiretty|must have a tty/i.test(said)) {
      const next = "Add to sudoers: Defaults:USER !requiretty";
      return new ProblemError("permission", { where, found: "sudo insists on a terminal (requiretty)", next });
    }
    if (this.password === undefined && /password/i.test(said)) {
      return new ProblemError("login", {
        where,
        found: `sudo wants a password (${words})`,
        allowed: "sudo: true needs a NOPASSWD rule",
        next: "Set sudo: {password: …} to where the password is, or add a NOPASSWD rule",
      });
    }
    if (exitCode === 127) {
      return new ProblemError("permission", {
        where,
        found: "there is no sudo",
        next: "Install it, or log in as root without the sudo setting",
      });
    }
    return new ProblemError("permission", {
      where,
      found: `sudo refused (${words})`,
      next: "Check sudoers with: sudo -l",
    });
  }
}
