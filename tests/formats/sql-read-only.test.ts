import { readOnlyProblem } from "../../providers/formats/sql-read-only.js";

describe("a probe is one SELECT that changes nothing", () => {
  test.each([
    "SELECT COUNT(*) FROM SYSCAT.TABLES WHERE TABNAME = 'X; DROP'",
    'select "UPDATE" from A.B -- ;',
    "SELECT 1 FROM A /* DELETE */",
  ])("taken: %s", (text) => expect(readOnlyProblem(text)).toBeUndefined());
  test.each<[string, RegExp]>([
    ["", /begin with SELECT/],
    ["DELETE FROM A", /begin with SELECT/],
    ["SELECT 1 FROM A; DELETE FROM A", /one statement/],
    ["SELECT 1 FROM A;", /one statement/],
    ["SELECT * FROM FINAL TABLE (INSERT INTO A VALUES (1))", /INSERT/],
    ["SELECT * FROM OLD TABLE (delete from A)", /DELETE/],
    ["SELECT A FROM B FOR UPDATE", /UPDATE/],
    ["SELECT NEXT VALUE FOR S FROM A", /NEXT/],
    ["SELECT A FROM B WITH RS USE AND KEEP EXCLUSIVE LOCKS", /LOCKS/],
    ["SELECT A FROM B WHERE C = ?", /parameters/],
    ["SELECT 'x", /does not end/],
  ])("refused: %s", (text, reason) => expect(readOnlyProblem(text)).toMatch(reason));
});
