import { DriverFailure, explain } from "../../../providers/targets/db2/errors.js";

const explained = (sqlcode: number, message: string, sqlstate = "") =>
  explain(new DriverFailure({ kind: "driver", message, sqlcode, sqlstate, lost: false }), {
    where: "homepage: query",
    secrets: ["hunter2"],
    consequence: "It changes nothing to ask again",
    outOfTime: false,
    limit: "60 s",
  });

const DIAGNOSTIC = 'SQL0443N Routine "*PPLICATIONS" has returned an error SQLSTATE with diagnostic text';

describe("promise 21: what Db2 refuses says why, and what to do next", () => {
  test.each<[string, number, string, RegExp]>([
    ["a refused login", -30082, "login", /not tried again by this process.*locked or expired/],
    ["a wrong password", -1403, "login", /not tried again/],
    ["an expired password", -1404, "login", /expired/],
    ["a log that is full", -964, "no-space", /db2pd -transactions/],
    ["too many connections", -1040, "unreachable", /MAXAPPLS/],
    ["no SYSMON", -1092, "permission", /SYSMON_GROUP.*SYSPROC\.MON_GET_CONNECTION/],
    ["no right", -551, "permission", /Grant the user/],
    ["no CONNECT", -1060, "permission", /GRANT CONNECT/],
    ["a table in a pending state", -668, "command-failed", /7 REORG TABLE/],
    ["a database that somebody uses alone", -1035, "refused", /maintenance/],
    ["a quiesced database", -20157, "refused", /quiesced/],
    ["a missing table", -204, "missing", /right database/],
    ["a missing column", -206, "missing", /SYSCAT\.COLUMNS/],
    ["a routine that failed", -443, "command-failed", /db2 \? SQL/],
  ])("%s (%i)", (_what, sqlcode, cause, message) => {
    const error = explained(sqlcode, `SQL0000N of hunter2`);
    expect(error).toMatchObject({ cause, sqlcode, left: "usable" });
    expect(error.message).toMatch(/^homepage: query: SQL0000N of \[secret\]\./);
    expect(error.message).toMatch(message);
    expect(error.problems[0]?.next).toBeTruthy();
  });

  test("a routine that failed for want of an authority names it", () => {
    expect(explained(-443, `${DIAGNOSTIC} "SQL1092 "`, "38553")).toMatchObject({
      cause: "permission",
      message: expect.stringContaining("SYSMON_GROUP"),
    });
  });
});
