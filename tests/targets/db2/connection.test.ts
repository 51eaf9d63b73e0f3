import { type DatabaseConnection, databaseSchema } from "../../../providers/targets/db2/connection.js";

describe("how a Db2 database is described", () => {
  const valid = { name: "x", host: "db.example.com", database: "HOMEPAGE", user: "u", password: { env: "X" } };
  const check = (changes: object) => databaseSchema.safeParse({ ...valid, ...changes }).success;

  it("has limits for everything when none are given", () => {
    const parsed: DatabaseConnection = databaseSchema.parse(valid);
    expect(parsed).toMatchObject({ port: 50000, connectTimeout: "15s", statementTimeout: "60s", lockTimeout: "10s" });
  });

  it.each([
    ["a keyword smuggled in by the host", { host: "db;Security=NONE" }],
    ["a keyword smuggled in by the user", { user: "u;PWD=x" }],
    ["a keyword smuggled in by the certificate", { tls: { certificateFile: "a.pem;X=1" } }],
    ["a database name that is none", { database: "A;B" }],
    ["an unknown setting", { sslConnection: true }],
    ["a readable password over the network", { authentication: "server" }],
    ["a wait for a lock that lasts as long as a statement may", { lockTimeout: "20s", statementTimeout: "19500ms" }],
    [
      "a host name check that SSH makes impossible",
      { tls: {}, through: { name: "h", address: "h", user: "u", auth: { agent: true } } },
    ],
  ])("refuses %s", (_what, changes) => {
    expect(check(changes)).toBe(false);
    expect(check({})).toBe(true);
  });
});

describe("a readable password", () => {
  const valid = { name: "x", database: "HOMEPAGE", user: "u", password: { env: "X" }, authentication: "server" };
  const through = { name: "h", address: "h", user: "u", auth: { agent: true } };

  it.each([
    ["over TLS", { host: "db.example.com", tls: {} }],
    ["through SSH", { host: "db.example.com", through }],
    ["on this machine", { host: "127.0.0.16" }],
  ])("may go %s", (_how, changes) => {
    expect(databaseSchema.safeParse({ ...valid, ...changes }).success).toBe(true);
  });
});
