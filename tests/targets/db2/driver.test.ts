import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { databaseSchema } from "../../../providers/targets/db2/connection.js";
import { connectionString } from "../../../providers/targets/db2/connection-string.js";
import { compiledDriver, driverMissing, findDriver } from "../../../providers/targets/db2/driver.js";
import { Db2Error, DriverFailure, explain, withoutSecrets } from "../../../providers/targets/db2/errors.js";

const BINDING = "build/Release/odbc_bindings.node";

describe("where the Db2 driver is looked for", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "db2-driver-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (path: string, text = "") => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const putPackage = (at: string) => {
    put(join(at, "package.json"), JSON.stringify({ name: "ibm_db", main: "lib/odbc.js" }));
    put(join(at, "lib/odbc.js"));
  };

  it("is not found where there is none, nor where npm left it without its library", () => {
    const here = join(folder, "ours", "driver.js");
    expect(findDriver(join(folder, "none"), here)).toBeUndefined();
    putPackage("broken/node_modules/ibm_db");
    expect(findDriver(join(folder, "broken"), here)).toBeUndefined();
    putPackage("whole/node_modules/ibm_db");
    put(`whole/node_modules/ibm_db/${BINDING}`);
    expect(findDriver(join(folder, "whole"), here)).toBe(join(folder, "whole/node_modules/ibm_db/lib/odbc.js"));
  });

  it("is found in set-up's folder of the checkout that our file is in", () => {
    const place = ".toolchain/db2/driver/node_modules/ibm_db";
    putPackage(place);
    put(`${place}/${BINDING}`);
    expect(findDriver(tmpdir(), join(folder, "dist/providers/driver.js"))).toBe(join(folder, place, "lib/odbc.js"));
  });

  it("keeps its compiled code among the packages that it is of, and nowhere else", () => {
    const packages = join(folder, "node_modules");
    expect(compiledDriver(join(packages, "ibm_db/lib/odbc.js"))).toBe(join(packages, ".cache/pulumi-connections"));
    expect(compiledDriver(join(folder, "ibm_db/lib/odbc.js"))).toBeUndefined();
  });

  it("names every way to get it when it is missing", () => {
    const { message, cause } = driverMissing("homepage: connect", "it is not there");
    expect(cause).toBe("missing");
    for (const way of ["npm run setup", "npm install ibm_db@4.0.1", "IBM_DB_INSTALLER_URL", "IBM_DB_HOME"]) {
      expect(message).toContain(way);
    }
  });
});

describe("what the Db2 driver is opened with", () => {
  const input = { name: "h", host: "db.example.com", database: "HOMEPAGE", user: "u", password: { env: "X" } };
  const text = (changes: object = {}, password = "p") => {
    const connection = databaseSchema.parse({ ...input, ...changes });
    return connectionString(connection, password, connection);
  };

  it("always has its limits, and TLS with the host's name checked", () => {
    expect(text()).toBe(
      "DATABASE=HOMEPAGE;HOSTNAME=db.example.com;PORT=50000;PROTOCOL=TCPIP;UID=u;PWD=p;ConnectTimeout=15;QueryTimeout=60;Interrupt=2;LOBCacheSize=33554432;",
    );
    expect(text({ tls: { certificateFile: "/etc/db2.pem" } })).toContain(
      "Security=SSL;SSLServerCertificate=/etc/db2.pem;SSLClientHostnameValidation=Basic;",
    );
    expect(text({ tls: { hostNameValidation: false } })).toContain("SSLClientHostnameValidation=OFF;");
    expect(text({ statementTimeout: "1500ms", lockTimeout: "1s", connectTimeout: "10ms" })).toContain(
      "ConnectTimeout=1;QueryTimeout=2;",
    );
  });

  it.each(["a;b", "a;UID=x", "a\nb", "a\0b"])(
    "promise 19: refuses a password that would become keywords, without showing it",
    (password) => {
      const refused = () => text({}, password);
      expect(refused).toThrow("it holds a ;");
      expect(refused).not.toThrow(password);
    },
  );

  it("takes every other password as it is", () => {
    for (const password of ["{a}", '"a"', "a b ", "=", "ä€"]) expect(text({}, password)).toContain(`;PWD=${password};`);
  });
});

describe("what the driver's failures become", () => {
  const context = { where: "h: query", secrets: ["hush-1"], consequence: "why", outOfTime: false, limit: "1 s" };
  const failure = (sqlcode: number, message: string, lost = false) =>
    explain(new DriverFailure({ kind: "driver", message, sqlcode, sqlstate: "12345", lost }), context);

  it.each([
    [-30082, "login"],
    [-30061, "missing"],
    [-551, "permission"],
    [-204, "missing"],
    [-911, "locked"],
    [-913, "locked"],
    [-952, "timeout"],
    [-1336, "unreachable"],
    [-20576, "unreachable"],
    [-9999, "command-failed"],
  ])("SQLCODE %i is `%s`", (sqlcode, cause) => {
    const error = failure(sqlcode, "SQLnnn");
    expect(error).toBeInstanceOf(Db2Error);
    expect(error).toMatchObject({ cause, sqlcode, sqlstate: "12345" });
  });

  it("tells a deadlock from a wait that was too long", () => {
    expect(failure(-911, 'Reason code "2".').message).toContain("deadlock");
    expect(failure(-911, 'Reason code "68".').message).toContain("held by another");
  });

  it("promise 14: shows no secret that the server repeats", () => {
    expect(failure(-420, 'invalid character in "hush-1"').message).toContain('"[secret]"');
    expect(withoutSecrets("a hush-1 b hush-1", ["", "hush-1"])).toBe("a [secret] b [secret]");
  });
});
