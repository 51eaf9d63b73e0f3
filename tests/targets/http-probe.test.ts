import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logIn, type ProbeTarget, parseSessionCookie, probe } from "../../providers/targets/http-probe.js";

jest.setTimeout(30_000);

const open: { close(callback: () => void): unknown; closeAllConnections?(): void }[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections?.();
    await new Promise<void>((done) => server.close(done));
  }
});

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<ProbeTarget> {
  open.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { address: "127.0.0.1", port: (server.address() as AddressInfo).port, publicHost: "connections.example.com" };
}

const serve = (listener: RequestListener): Promise<ProbeTarget> => listening(createServer(listener));

describe("parseSessionCookie", () => {
  test.each([
    ["0000abcDEF:1abc0001", ":", ["1abc0001"], false],
    ["0000abcDEF:1abc0001:1abc0002", ":", ["1abc0001", "1abc0002"], false],
    ["0000abcDEF+1abc0001+1abc0002", "+", ["1abc0001", "1abc0002"], false],
    ["0000abcDEF:1abc0001", "+", [], false],
    ["0000aVeryMuchLongerSessionIdThanTwentyThreeCharacters:v544d0o0", ":", ["v544d0o0"], false],
    ["0000abcDEF", ":", [], false],
    ["0000abcDEF:", ":", [], false],
    ["0000abcDEF:1160617483186", ":", ["1160617483186"], true],
    ["0000abcDEF:-1160617483186", ":", ["-1160617483186"], true],
    ["0000abcDEF:17", ":", ["17"], false],
    ["0000abcDEF%3A1abc0001", ":", ["1abc0001"], false],
  ] as const)("%s separated by %s", (value, separator, clones, partition) => {
    expect(parseSessionCookie(value, separator)).toEqual({ clones, partition });
  });
});

describe("probe", () => {
  const request = { path: "/files/app?x=1", timeoutMs: 5_000 };

  test("asks on a new connection each time, without a session cookie, under the public name", async () => {
    const seen: { url?: string; host?: string; cookie?: string; port?: number }[] = [];
    const target = await serve((incoming, outgoing) => {
      const { host, cookie } = incoming.headers;
      seen.push({ url: incoming.url, host, cookie, port: incoming.socket.remotePort });
      outgoing.setHeader("Set-Cookie", [
        "JSESSIONID=0000a:1abc0001; Path=/; HttpOnly",
        'other="quoted"',
        "gone=; Expires=0",
      ]);
      outgoing.end("hello");
    });
    const first = await probe(target, request);
    await probe(target, request);
    expect(first).toEqual({
      kind: "answered",
      status: 200,
      body: "hello",
      cookies: [
        { name: "JSESSIONID", value: "0000a:1abc0001" },
        { name: "other", value: "quoted" },
      ],
    });
    expect(seen.map(({ port: _port, ...rest }) => rest)).toEqual([
      { url: "/files/app?x=1", host: "connections.example.com", cookie: undefined },
      { url: "/files/app?x=1", host: "connections.example.com", cookie: undefined },
    ]);
    expect(seen[0]?.port).not.toBe(seen[1]?.port);
  });

  test("a status is an answer, whichever it is", async () => {
    const target = await serve((_incoming, outgoing) => void outgoing.writeHead(503).end());
    expect(await probe(target, request)).toMatchObject({ kind: "answered", status: 503, cookies: [] });
  });

  test("promise 7: a server that never answers is a timeout", async () => {
    const target = await serve(() => undefined);
    expect(await probe(target, { ...request, timeoutMs: 50 })).toEqual({
      kind: "timeout",
      detail: "no complete answer within 0.05 s",
    });
  });

  test("promise 7: a body that never ends is a timeout", async () => {
    const target = await serve((_incoming, outgoing) => void outgoing.write("half a "));
    expect(await probe(target, { ...request, timeoutMs: 100 })).toMatchObject({ kind: "timeout" });
  });

  test("a body is read up to 64 KiB and the rest is left", async () => {
    const target = await serve((_incoming, outgoing) => {
      const more = () => {
        while (!outgoing.destroyed && outgoing.write("x".repeat(10_000)));
      };
      outgoing.on("drain", more);
      more();
    });
    const outcome = await probe(target, request);
    expect(outcome.kind === "answered" && outcome.body.length).toBe(64 * 1024);
  });

  test("a closed port is refused", async () => {
    const target = await serve(() => undefined);
    await new Promise<void>((done) => open.pop()?.close(done));
    expect(await probe(target, request)).toMatchObject({ kind: "refused" });
  });

  test("promise 7: a connection that is reset", async () => {
    const target = await listening(createTcpServer((socket) => socket.on("data", () => socket.resetAndDestroy())));
    expect(await probe(target, request)).toMatchObject({ kind: "reset" });
  });

  test("something that does not speak HTTP is an outcome and not an exception", async () => {
    const target = await listening(createTcpServer((socket) => void socket.resume().end("SSH-2.0-OpenSSH_9.2\r\n")));
    expect(await probe(target, request)).toMatchObject({ kind: "unreachable" });
  });

  test("what no request can hold is an outcome and not an exception", async () => {
    const target = await serve((_request, response) => void response.end());
    for (const bad of [{ path: "/\u4e2d" }, { path: "/", cookie: "name=\u4e2d" }]) {
      expect(await probe(target, { timeoutMs: 5_000, ...bad })).toEqual({
        kind: "unreachable",
        detail: expect.stringMatching(/ERR_(UNESCAPED_CHARACTERS|INVALID_CHAR)/),
      });
    }
  });

  test("an interrupted probe ends at once", async () => {
    const target = await serve(() => abort.abort());
    const abort = new AbortController();
    expect(await probe(target, { ...request, signal: abort.signal })).toEqual({
      kind: "unreachable",
      detail: "interrupted",
    });
    expect(await probe(target, { ...request, signal: abort.signal })).toEqual({
      kind: "unreachable",
      detail: "interrupted",
    });
  });
});

describe("probe over TLS", () => {
  const directory = mkdtempSync(join(tmpdir(), "probe-tls-"));
  const file = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
  const request = { path: "/", timeoutMs: 5_000 };

  beforeAll(() => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=lab CA");
    openssl("req", ...key, "-keyout", "web.key", "-out", "web.csr", "-subj", "/CN=connections.example.com");
    execFileSync("sh", ["-c", 'printf "subjectAltName=DNS:connections.example.com" > ext'], { cwd: directory });
    openssl(
      ...["x509", "-req", "-in", "web.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
      ...["-out", "web.pem", "-days", "2", "-extfile", "ext"],
    );
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  async function serveTls(): Promise<{ target: ProbeTarget; names: unknown[] }> {
    const names: unknown[] = [];
    const options = { key: readFileSync(file("web.key")), cert: readFileSync(file("web.pem")) };
    const server = createTlsServer(options, (incoming, outgoing) => {
      names.push((incoming.socket as { servername?: unknown }).servername);
      outgoing.end("ok");
    });
    return { target: await listening(server), names };
  }

  test("the certificate is verified against the public name, which is sent as server name too", async () => {
    const { target, names } = await serveTls();
    const tls = { ca: readFileSync(file("ca.pem"), "utf8") };
    expect(await probe({ ...target, publicHost: "connections.example.com:443", tls }, request)).toMatchObject({
      status: 200,
    });
    expect(names).toEqual(["connections.example.com"]);
  });

  test("promise 13: an unknown CA or another name is refused", async () => {
    const { target, names } = await serveTls();
    const tls = { ca: readFileSync(file("ca.pem"), "utf8") };
    expect(await probe({ ...target, tls: {} }, request)).toMatchObject({ kind: "tls" });
    expect(await probe({ ...target, publicHost: "other.example.com", tls }, request)).toMatchObject({ kind: "tls" });
    expect(names).toEqual([]);
  });

  test("HTTPS on a port that speaks plain HTTP is said as such", async () => {
    const target = await serve((_incoming, outgoing) => void outgoing.end());
    expect(await probe({ ...target, tls: {} }, request)).toMatchObject({ kind: "tls" });
  });
});

describe("logIn", () => {
  const login = {
    user: "labprobe",
    password: "s3cret&=%",
    path: "/j_security_check",
    userField: "j_username",
    passwordField: "j_password",
  };
  const limits = { timeoutMs: 5_000 };

  function loginServer(cookies: string[]): Promise<ProbeTarget> {
    return serve(async (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const right =
        incoming.method === "POST" && form.get("j_username") === "labprobe" && form.get("j_password") === "s3cret&=%";
      outgoing.writeHead(302, right ? { "Set-Cookie": cookies } : {}).end();
    });
  }

  test("keeps the LTPA token and drops the session cookie", async () => {
    const target = await loginServer(["JSESSIONID=0000a:c1; Path=/", "LtpaToken2=abc+/=; Path=/; HttpOnly"]);
    expect(await logIn(target, login, limits)).toBe("LtpaToken2=abc+/=");
  });

  test("promise 14: a refused login tells user and address, never the password", async () => {
    const target = await loginServer(["LtpaToken2=abc"]);
    const failure = logIn(target, { ...login, password: "wr0ng-canary" }, limits);
    await expect(failure).rejects.toMatchObject({ cause: "login" });
    await expect(failure).rejects.toThrow(/the login of labprobe answered 302 and no LtpaToken2 cookie/);
    await expect(failure).rejects.not.toThrow(/canary/);
  });

  test("no answer at all is unreachable", async () => {
    const target = await loginServer([]);
    await new Promise<void>((done) => open.pop()?.close(done));
    await expect(logIn(target, login, limits)).rejects.toMatchObject({ cause: "unreachable" });
  });
});
