import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { ProblemError } from "../common/problem.js";

/** A web server on its own address, asked under the name that users know it by. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
  /** Sent as Host, and without its port as TLS server name (SNI), which the certificate is verified against. */
  readonly publicHost: string;
  /** Present = HTTPS, always verified; `ca` = PEM text of the issuing CA, default the usual ones. */
  readonly tls?: { readonly ca?: string };
}

export interface ProbeRequest {
  readonly path: string;
  /** Limit of the whole request, from connecting to the end of the body. */
  readonly timeoutMs: number;
  /** Ready-made Cookie header, e.g. `LtpaToken2=…`. Never a session cookie: probes are to be new users. */
  readonly cookie?: string;
  /** Form fields: makes it a POST. */
  readonly form?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface SetCookie {
  readonly name: string;
  readonly value: string;
}

/** What became of one request. Everything but "answered" means that a user would have seen an error. */
export type ProbeOutcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      /** The first 64 KiB, as UTF-8. */
      readonly body: string;
      readonly cookies: readonly SetCookie[];
    }
  | { readonly kind: "refused" | "timeout" | "reset" | "tls" | "unreachable"; readonly detail: string };

const MAX_BODY_BYTES = 64 * 1024;

/** One request on a connection of its own. Never throws for what the network or the server does; answers it. */
export function probe(target: ProbeTarget, request: ProbeRequest): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    let outgoing: ClientRequest;
    try {
      outgoing = open(target, request);
    } catch (error) {
      // A path or a cookie of characters that no request can hold.
      return resolve(failure(error instanceof Error ? error : new Error(String(error))));
    }
    const timer = setTimeout(() => {
      settle({ kind: "timeout", detail: `no complete answer within ${request.timeoutMs / 1000} s` });
    }, request.timeoutMs);
    const onAbort = () => settle({ kind: "unreachable", detail: "interrupted" });
    let settled = false;
    function settle(outcome: ProbeOutcome): void {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      request.signal?.removeEventListener("abort", onAbort);
      outgoing.destroy();
      resolve(outcome);
    }
    request.signal?.addEventListener("abort", onAbort, { once: true });
    outgoing.on("error", (error) => settle(failure(error)));
    outgoing.on("response", (response) => {
      readBody(response).then(
        (body) => settle({ kind: "answered", status: response.statusCode ?? 0, body, cookies: setCookies(response) }),
        (error: Error) => settle(failure(error)),
      );
    });
    const body = request.form && new URLSearchParams(request.form).toString();
    if (request.signal?.aborted) onAbort();
    else outgoing.end(body);
  });
}

function open(target: ProbeTarget, { path, cookie, form }: ProbeRequest): ClientRequest {
  const options = {
    host: target.address,
    port: target.port,
    path,
    method: form ? "POST" : "GET",
    agent: false,
    headers: {
      Host: target.publicHost,
      Connection: "close",
      "User-Agent": "pulumi-connections-probe",
      ...(cookie ? { Cookie: cookie } : {}),
      ...(form ? { "Content-Type": "application/x-www-form-urlencoded" } : {}),
    },
  };
  if (!target.tls) return httpRequest(options);
  const servername = target.publicHost.replace(/:\d+$/, "");
  return httpsRequest({
    ...options,
    servername,
    rejectUnauthorized: true,
    ...(target.tls.ca ? { ca: target.tls.ca } : {}),
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MAX_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString("utf8");
}

function failure(error: Error & { code?: string }): ProbeOutcome {
  const code = error.code ?? "";
  const detail = code && !error.message.includes(code) ? `${error.message} (${code})` : error.message;
  if (code === "ECONNREFUSED") return { kind: "refused", detail };
  if (["ECONNRESET", "EPIPE", "ECONNABORTED"].includes(code)) return { kind: "reset", detail };
  if (
    code.startsWith("ERR_TLS") ||
    code.startsWith("ERR_SSL") ||
    /CERT|SELF_SIGNED|UNABLE_TO_/.test(code) ||
    code === "EPROTO"
  ) {
    return { kind: "tls", detail };
  }
  return { kind: "unreachable", detail };
}

/** Set-Cookie headers; one that deletes its cookie (no value) is none. */
function setCookies(response: IncomingMessage): SetCookie[] {
  return (response.headers["set-cookie"] ?? []).flatMap((header) => {
    const match = /^\s*([^=;\s]+)\s*=\s*("?)([^;"]*)\2/.exec(header);
    const [name, value] = [match?.[1], match?.[3]?.trim()];
    return name && value ? [{ name, value }] : [];
  });
}

/** What a session cookie says about where the session lives. */
export interface SessionCookie {
  /** CloneIDs in the cookie's order: the first is where the session is at home. */
  readonly clones: readonly string[];
  /** The first is a long number: with memory-to-memory replication a partition stands where the CloneID was. */
  readonly partition: boolean;
}

/**
 * Takes `0000<session id>:<CloneID>[:<CloneID>…]` apart. By the separator, not by position: the length of the session id
 * can be configured. The separator is "+" where the plug-in file says CloneSeparatorChange.
 */
export function parseSessionCookie(value: string, separator: ":" | "+"): SessionCookie {
  const clones = decode(value).split(separator).slice(1).filter(Boolean);
  return { clones, partition: /^-?\d{8,}$/.test(clones[0] ?? "") };
}

/** Some proxies escape ":" in cookies. */
function decode(value: string): string {
  return value.replace(/%3A/gi, ":").replace(/%2B/gi, "+");
}

export interface FormLogin {
  readonly user: string;
  readonly password: string;
  readonly path: string;
  readonly userField: string;
  readonly passwordField: string;
}

/**
 * Logs in once and answers the Cookie header that makes later probes this user: the LTPA token alone. The session cookie
 * of the login is dropped, so that each probe is routed as a new session.
 *
 * @throws ProblemError `login` when no token was given, `unreachable` when there was no answer. Never tells the password.
 */
export async function logIn(
  target: ProbeTarget,
  login: FormLogin,
  limits: Pick<ProbeRequest, "timeoutMs" | "signal">,
): Promise<string> {
  const form = { [login.userField]: login.user, [login.passwordField]: login.password };
  const outcome = await probe(target, { path: login.path, form, ...limits });
  const where = `${target.publicHost}${login.path} at ${target.address}:${target.port}`;
  if (outcome.kind !== "answered") {
    throw new ProblemError("unreachable", {
      where,
      found: `the login of ${login.user} got no answer: ${outcome.detail}`,
      next: "Check connectTo, and that the application behind loginPath runs",
    });
  }
  const token = ["LtpaToken2", "LtpaToken"]
    .map((name) => outcome.cookies.find((cookie) => cookie.name === name))
    .find((cookie) => cookie !== undefined);
  if (token) return `${token.name}=${token.value}`;
  throw new ProblemError("login", {
    where,
    found: `the login of ${login.user} answered ${outcome.status} and no LtpaToken2 cookie`,
    next: "Check user, password and loginPath of verify.testUser",
  });
}
