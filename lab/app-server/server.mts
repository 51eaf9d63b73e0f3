/*
 * A laboratory stand-in for the application servers of one WebSphere node; it is not WebSphere. One process serves all
 * members of the node, each on a port of its own. What it copies, and from where, is listed in lab/README.md: the shape of
 * the session cookie, a foreign session being lost without persistence, form login with an LtpaToken2 cookie.
 *
 * usage: node server.mts CONFIG.json
 *
 * On a node of a cell, the members are servers that are started and stopped, and serve the level of the applications that
 * they found when they (or the application) started: see servers.mts, which is imported there only. Where the members are real
 * Open Liberty servers, this process starts, stops and switches them: see liberty/member.mts.
 *
 * It imports nothing else of the project, so that Node runs this file as it is, on a lab host that has nothing else.
 */
import type { ChildProcess } from "node:child_process";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export interface MemberConfig {
  name: string;
  cluster: string;
  cloneId: string;
  port: number;
  /** Applications by context root ("/files"); only on a node of a cell. */
  applications?: Record<string, string>;
}

export interface Config {
  address: string;
  /** Switches are set here: `PUT /<member name>` with a `Switches` object; `GET /` answers all. */
  adminPort: number;
  members: MemberConfig[];
  /** The same on every node, as the cell's LTPA keys are. */
  ltpaKey: string;
  user: string;
  password: string;
  /** The node's own settings, where it belongs to a cell. */
  cellSettings?: string;
  /** Where the members are Open Liberty servers: folders of their installation, of what is theirs, of what they write. */
  liberty?: { install: string; user: string; output: string };
}

export interface Switches {
  /** Its port is closed; sessions are gone when it comes back, as after a restart. */
  down: boolean;
  /** Requests are accepted and never answered. */
  hang: boolean;
  /** Milliseconds before each answer. */
  slow: number;
  /** Answer with this status instead of a page; 0 = off. */
  error: number;
  /** Pages create no session, so no cookie is set. */
  noCookie: boolean;
}

interface Session {
  hits: number;
  application: string | undefined;
}

/** What a member knows of an application: what its pages say, or the status that they are answered with meanwhile. */
export interface Served {
  level: string;
  /** 0 = it serves. */
  status: number;
}

/** A member of a cluster, whatever it runs on. */
export interface Member {
  readonly config: MemberConfig;
  readonly switches: Switches;
  set(changes: Partial<Switches>): Promise<void>;
  /** Starts its process, if it has one of its own. @param shown the last of the arguments that the process list shows */
  launch?(shown: readonly string[]): ChildProcess;
  /** Serves when this is done. @throws Error when it could not start */
  open(): Promise<void>;
  /** @param quiesceMs how long requests in hand may take to end; new connections are refused at once */
  close(quiesceMs?: number): Promise<void>;
  /** An application was stopped, started, or loaded: its sessions are gone when it stops. */
  serve(application: string, served: Served): Promise<void>;
}

const OFF: Switches = { down: false, hang: false, slow: 0, error: 0, noCookie: false };
const LTPA_LIFETIME_MS = 2 * 60 * 60 * 1000;

function cookiesOf(request: IncomingMessage): Map<string, string> {
  const pairs = (request.headers.cookie ?? "").split(";").map((text) => text.trim());
  return new Map(pairs.map((text) => [text.split("=", 1)[0] ?? "", text.slice(text.indexOf("=") + 1)]));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > 100_000) throw new RangeError("body too long");
  }
  return text;
}

class Ltpa {
  private readonly key: string;
  constructor(key: string) {
    this.key = key;
  }

  issue(user: string): string {
    const content = Buffer.from(`${user}%${Date.now() + LTPA_LIFETIME_MS}`).toString("base64");
    return `${content}.${this.sign(content)}`;
  }

  userOf(token: string | undefined): string | undefined {
    const [content = "", signature = ""] = (token ?? "").split(".");
    const expected = Buffer.from(this.sign(content));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    const [user, expires] = Buffer.from(content, "base64").toString().split("%");
    return Number(expires) > Date.now() ? user : undefined;
  }

  private sign(content: string): string {
    return createHmac("sha256", this.key).update(content).digest("base64");
  }
}

class ModelledMember implements Member {
  readonly config: MemberConfig;
  switches: Switches = { ...OFF };
  private readonly shared: Config;
  private readonly ltpa: Ltpa;
  private readonly sessions = new Map<string, Session>();
  private readonly served = new Map<string, Served>();
  private server: Server | undefined;
  private inHand = 0;

  constructor(config: MemberConfig, shared: Config) {
    this.config = config;
    this.shared = shared;
    this.ltpa = new Ltpa(shared.ltpaKey);
  }

  async set(changes: Partial<Switches>): Promise<void> {
    this.switches = { ...this.switches, ...changes };
    if (this.switches.down) await this.close();
    else await this.open();
  }

  open(): Promise<void> {
    if (this.server) return Promise.resolve();
    const server = createServer((request, response) => {
      this.inHand++;
      response.once("close", () => this.inHand--);
      this.answer(request, response).catch((error: unknown) => {
        process.stderr.write(`${this.config.name}: ${String(error)}\n`);
        response.destroy();
      });
    });
    server.keepAliveTimeout = 60_000; // longer than the plug-in keeps a pooled connection (ConnectionTTL 28 s)
    this.server = server;
    return new Promise((opened, failed) => {
      server.once("error", failed);
      server.listen(this.config.port, this.shared.address, opened);
    });
  }

  async close(quiesceMs = 0): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (server) {
      const closed = new Promise<void>((done) => server.close(() => done()));
      const end = Date.now() + quiesceMs;
      while (this.inHand > 0 && Date.now() < end) await new Promise((passed) => setTimeout(passed, 20));
      server.closeAllConnections();
      await closed;
    }
    this.sessions.clear();
  }

  async serve(application: string, served: Served): Promise<void> {
    this.served.set(application, served);
    if (served.status === 0) return;
    for (const [id, session] of this.sessions) if (session.application === application) this.sessions.delete(id);
  }

  private applicationOf(path: string): string | undefined {
    return this.config.applications?.[`/${path.split("/")[1] ?? ""}`];
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.switches.hang) return;
    if (this.switches.slow > 0) await new Promise((passed) => setTimeout(passed, this.switches.slow));
    if (this.switches.error > 0) {
      response.writeHead(this.switches.error, { "content-type": "text/plain" });
      response.end(`SRVE0777E: Exception thrown by application class of ${this.config.name}\n`);
      return;
    }
    const url = new URL(request.url ?? "/", "http://member");
    const path = url.pathname.split(";", 1)[0] ?? "/";
    const status = this.served.get(this.applicationOf(path) ?? "")?.status ?? 0;
    if (status > 0) {
      response.writeHead(status, { "content-type": "text/plain" });
      response.end(status === 404 ? "SRVE0255E: no web group defined for this URI\n" : "SRVE0777E: not initialized\n");
      return;
    }
    if (path.endsWith("/j_security_check")) return this.logIn(request, response, path);
    const user = this.ltpa.userOf(cookiesOf(request).get("LtpaToken2"));
    if (path.includes("/protected") && !user) return this.askForLogin(response, path);
    if (path.endsWith("/login")) return this.page(response, 200, { login: "j_security_check" });
    this.content(request, response, path, user);
  }

  /** The page of an application: says which member answered, and how often this session was seen by it. */
  private content(request: IncomingMessage, response: ServerResponse, path: string, user: string | undefined): void {
    const application = this.applicationOf(path);
    const session = this.switches.noCookie ? undefined : this.session(request, response, application);
    const level = application === undefined ? {} : { application, level: this.served.get(application)?.level ?? null };
    this.page(response, 200, {
      member: this.config.name,
      cluster: this.config.cluster,
      cloneId: this.config.cloneId,
      session: session?.id ?? null,
      hits: session?.hits ?? null,
      user: user ?? null,
      path,
      ...level,
    });
  }

  /** A session that this member does not know is lost: a new identifier, and only its own CloneID in the cookie. */
  private session(
    request: IncomingMessage,
    response: ServerResponse,
    application: string | undefined,
  ): { id: string; hits: number } {
    const sent = (cookiesOf(request).get("JSESSIONID") ?? "").split(":", 1)[0]?.slice(4) ?? "";
    const known = this.sessions.get(sent);
    if (known) {
      known.hits++;
      return { id: sent, hits: known.hits };
    }
    const id = randomBytes(17).toString("base64url"); // 23 characters, like WebSphere's default
    this.sessions.set(id, { hits: 1, application });
    response.setHeader("set-cookie", `JSESSIONID=0000${id}:${this.config.cloneId}; Path=/; HttpOnly`);
    response.setHeader("cache-control", 'no-cache="set-cookie, set-cookie2"');
    response.setHeader("expires", "Thu, 01 Dec 1994 16:00:00 GMT");
    return { id, hits: 1 };
  }

  private async logIn(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const form = new URLSearchParams(await bodyOf(request));
    const root = path.slice(0, -"/j_security_check".length);
    if (form.get("j_username") !== this.shared.user || form.get("j_password") !== this.shared.password) {
      response.writeHead(302, { location: `${root}/login?error=true` });
      response.end();
      return;
    }
    const asked = cookiesOf(request).get("WASReqURL") || `${root}/protected`;
    response.writeHead(302, {
      location: asked.startsWith("/") && !asked.startsWith("//") ? asked : `${root}/protected`,
      "set-cookie": [
        `LtpaToken2=${this.ltpa.issue(this.shared.user)}; Path=/; HttpOnly`,
        "WASReqURL=; Path=/; Expires=Thu, 01 Dec 1994 16:00:00 GMT",
      ],
    });
    response.end();
  }

  private askForLogin(response: ServerResponse, path: string): void {
    const root = path.slice(0, path.indexOf("/protected"));
    response.writeHead(302, { location: `${root}/login`, "set-cookie": `WASReqURL=${path}; Path=/; HttpOnly` });
    response.end();
  }

  private page(response: ServerResponse, status: number, content: Record<string, unknown>): void {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(`${JSON.stringify(content)}\n`);
  }
}

function isSwitches(value: unknown): value is Partial<Switches> {
  if (value === null || typeof value !== "object") return false;
  return Object.entries(value).every(
    ([key, setting]) => key in OFF && typeof setting === typeof OFF[key as keyof Switches],
  );
}

/** What a node of a cell adds: requests about its servers. Undefined = not such a request. */
export type Servers = (method: string, path: string) => Promise<unknown> | undefined;

async function administer(
  members: Map<string, Member>,
  servers: Servers | undefined,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const answer = servers?.(request.method ?? "GET", request.url ?? "/");
  if (answer) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(await answer));
    return;
  }
  const name = decodeURIComponent((request.url ?? "/").slice(1));
  if (request.method === "PUT") {
    const member = members.get(name);
    const changes: unknown = JSON.parse(await bodyOf(request));
    if (!member || !isSwitches(changes)) {
      response.writeHead(400);
      response.end(`unknown member or switch: ${name}\n`);
      return;
    }
    // A member that is a process of its own is down when that is gone, and what keeps account of it has to know.
    if (servers && member.launch && changes.down !== undefined) {
      await servers("POST", `/servers/${encodeURIComponent(name)}/${changes.down ? "terminate" : "start"}`);
    } else await member.set(changes);
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(Object.fromEntries([...members].map(([key, member]) => [key, member.switches]))));
}

async function cellServers(settingsFile: string, members: Map<string, Member>): Promise<Servers> {
  const { startServers } = await import("../was/host/servers.mts");
  return startServers(settingsFile, members);
}

async function main(configFile: string | undefined): Promise<void> {
  if (!configFile) throw new Error("usage: server.mts CONFIG.json");
  const config = JSON.parse(readFileSync(configFile, "utf8")) as Config;
  const made = config.liberty
    ? (await import("../liberty/member.mts")).libertyMembers(config, config.liberty, OFF)
    : config.members.map((member) => new ModelledMember(member, config));
  const members = new Map<string, Member>(made.map((member) => [member.config.name, member]));
  const servers = config.cellSettings ? await cellServers(config.cellSettings, members) : undefined;
  if (!servers) for (const member of members.values()) await member.open();
  const admin = createServer((request, response) => {
    administer(members, servers, request, response).catch((error: unknown) => {
      response.writeHead(500);
      response.end(`${String(error)}\n`);
    });
  });
  admin.listen(config.adminPort, config.address);
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
