import { readFile, stat } from "node:fs/promises";
import { type AnyAuthMethod, type ParsedKey, utils } from "ssh2";
import { expandHome } from "../common/paths.js";
import { ProblemError } from "../common/problem.js";
import { resolveSecret } from "../common/secret-resolver.js";
import type { Hop } from "./connection.js";

/** Decides which way to log in is tried next, and remembers what was tried for the message. */
export interface Login {
  /** @param allowed what the server would take now; undefined before it said so. false = nothing left to try. */
  next(allowed: readonly string[] | undefined): AnyAuthMethod | false;
  /** One of the ways did not work on this side. */
  failed(detail: string): void;
  /** What one of the ways sends; undefined = none sends any. */
  readonly password: string | undefined;
  /** After a refusal: what was tried and what the server would have taken. Always cause `login`. */
  refused(detail: string): ProblemError;
}

interface Candidate {
  readonly words: string;
  /** The server's word for it. */
  readonly method: "publickey" | "password" | "keyboard-interactive";
  readonly attempt: AnyAuthMethod;
}

/**
 * Resolves a hop's credentials. Nothing is sent yet. Order: key file, agent, password; each once, because servers lock
 * accounts. Keyboard-interactive is answered with the password, only where the server does not take passwords as such.
 *
 * @throws ProblemError `login` when a credential cannot be had (unreadable key file, wrong passphrase, missing secret).
 */
export async function prepareLogin(hop: Hop, where: string): Promise<Login> {
  const candidates: Candidate[] = [];
  const { auth, user: username } = hop;
  if (auth.keyFile !== undefined) {
    const key = await loadKey(hop, expandHome(auth.keyFile), where);
    candidates.push({
      words: `key ${auth.keyFile}`,
      method: "publickey",
      attempt: { type: "publickey", username, key },
    });
  }
  if (auth.agent !== undefined) {
    const agent = agentSocket(auth.agent, where);
    candidates.push({ words: `agent at ${agent}`, method: "publickey", attempt: { type: "agent", username, agent } });
  }
  const password = auth.password && (await resolveSecret(auth.password, `password of ${username} on ${where}`));
  if (password !== undefined) {
    candidates.push({ words: "password", method: "password", attempt: { type: "password", username, password } });
    candidates.push({
      words: "password (interactive)",
      method: "keyboard-interactive",
      attempt: interactive(username, password),
    });
  }
  return new OrderedLogin(hop, where, candidates, password);
}

class OrderedLogin implements Login {
  readonly #tried: string[] = [];
  #allowed: readonly string[] = [];
  #asked = false;
  readonly #failures: string[] = [];

  constructor(
    private readonly hop: Hop,
    private readonly where: string,
    private readonly candidates: Candidate[],
    readonly password: string | undefined,
  ) {}

  next(allowed: readonly string[] | undefined): AnyAuthMethod | false {
    if (!this.#asked) {
      // The answer to "none" is the list of what the server takes: nothing else is tried in vain.
      this.#asked = true;
      return { type: "none", username: this.hop.user };
    }
    this.#allowed = allowed ?? [];
    const index = this.candidates.findIndex(({ method }) => this.#allowed.includes(method));
    const [candidate] = index < 0 ? [] : this.candidates.splice(index, 1);
    if (!candidate) return false;
    // One password, one attempt: the interactive way asks for the same one.
    if (candidate.method === "password") this.candidates.splice(index, 1);
    this.#tried.push(candidate.words);
    return candidate.attempt;
  }

  failed(detail: string): void {
    this.#failures.push(detail);
  }

  refused(detail: string): ProblemError {
    const details = [...this.#failures, ...(detail ? [detail] : [])].join("; ");
    const tried =
      this.#tried.length > 0
        ? `the server refused ${this.#tried.join(", then ")}`
        : "nothing that it takes is configured";
    return new ProblemError("login", {
      where: this.where,
      found: `login as ${this.hop.user} failed: ${tried}${details && ` (${details})`}`,
      allowed: `what the server takes: ${this.#allowed.join(", ") || "unknown"}`,
      why: "It is not tried again by itself, and a password not by this process: many servers lock an account after a few failures",
      next: `Try by hand: ssh -v -p ${this.hop.port} ${this.hop.user}@${this.hop.address}`,
    });
  }
}

/** Answers one hidden question with the password, and no second one: that would be another factor. */
function interactive(username: string, password: string): AnyAuthMethod {
  let answered = false;
  return {
    type: "keyboard-interactive",
    username,
    prompt: (_name, _instructions, _language, prompts, finish) => {
      const [only] = prompts;
      if (answered || prompts.length !== 1 || only?.echo) return finish([]);
      answered = true;
      finish([password]);
    },
  };
}

function agentSocket(agent: true | string, where: string): string {
  if (agent !== true) return expandHome(agent);
  const socket = process.env.SSH_AUTH_SOCK;
  if (socket) return socket;
  throw new ProblemError("login", {
    where,
    found: "auth.agent is set, but SSH_AUTH_SOCK names no agent",
    next: "Start one and add the key (ssh-agent, ssh-add), or set auth.agent to its socket",
  });
}

async function loadKey(hop: Hop, path: string, where: string): Promise<ParsedKey> {
  const bad = (found: string, next: string, allowed?: string) =>
    new ProblemError("login", { where: `${where}: key file ${path}`, found, next, ...(allowed && { allowed }) });
  let text: string;
  try {
    const { uid, mode } = await stat(path);
    if (uid === process.getuid?.() && (mode & 0o077) !== 0) {
      throw bad(
        `others may read it (mode 0${(mode & 0o777).toString(8)}), as OpenSSH would refuse it too`,
        `chmod 600 ${path}`,
      );
    }
    text = await readFile(path, "latin1");
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw bad(`it cannot be read (${(error as NodeJS.ErrnoException).code})`, "Check the path and its permissions");
  }
  refuseForeignFormats(text, path, bad);
  const passphrase = hop.auth.passphrase && (await resolveSecret(hop.auth.passphrase, `passphrase of ${path}`));
  const parsed = utils.parseKey(text, passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key instanceof Error || !key) {
    if (/no passphrase/i.test(key?.message ?? ""))
      throw bad("it is encrypted", "Set auth.passphrase to where its passphrase is, or use the agent");
    if (passphrase && /encrypted|decrypt|passphrase|integrity|malformed/i.test(key?.message ?? "")) {
      throw bad(
        "it cannot be decrypted: the passphrase is wrong, or the file is damaged",
        `Try by hand: ssh-keygen -y -f ${path}`,
      );
    }
    throw bad(
      `it is no private key that can be used (${key?.message ?? "nothing in it"})`,
      `Try by hand: ssh-keygen -y -f ${path}`,
      "a private key in OpenSSH or PEM format",
    );
  }
  if (!key.isPrivateKey()) throw bad("it is a public key", "Name the private one (without .pub)");
  return key;
}

function refuseForeignFormats(
  text: string,
  path: string,
  bad: (found: string, next: string, allowed?: string) => ProblemError,
): void {
  const allowed = "OpenSSH (BEGIN OPENSSH PRIVATE KEY) or PEM (BEGIN RSA/EC PRIVATE KEY)";
  if (/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/m.test(text)) {
    throw bad(
      "it is in PKCS#8 format",
      `Convert a copy in place: cp -p ${path} ${path}.openssh && ssh-keygen -p -f ${path}.openssh, and name that file`,
      allowed,
    );
  }
  if (text.startsWith("PuTTY-User-Key-File-")) {
    throw bad(
      "it is in PuTTY format",
      `Convert it: puttygen ${path} -O private-openssh -o ${path}.openssh, and name that file`,
      allowed,
    );
  }
}
