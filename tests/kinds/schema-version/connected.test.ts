import { ProblemError } from "../../../providers/common/problem.js";
import { type Connections, DatabaseModel, refusal, schemaBench } from "./bench.js";

/** What Db2 itself runs in a database, as LIST APPLICATIONS SHOW DETAIL shows it. */
const SYSTEM: readonly Connections[] = [
  "db2stmm",
  "db2taskd",
  "db2wlmd",
  "db2fw0",
  "db2fw12",
  "db2evmg_DB2DETAILDEADLOCK",
].map((APPL_NAME) => ({ AUTHID: "DB2INST1", APPL_NAME, CLIENT_NNAME: null, CONNECTIONS: 1, ADDRESS: "*LOCAL.DB2" }));
const OURS = { AUTHID: "LCUSER", APPL_NAME: "node", CLIENT_NNAME: "ops1", CONNECTIONS: 1, ADDRESS: "10.0.0.1" };

const notAllowed = (model: DatabaseModel, question: RegExp, found: string) =>
  model.database.patterns.unshift([
    question,
    () => {
      throw new ProblemError("permission", { where: "homepage: query", found });
    },
  ]);
const withoutFunction = (model: DatabaseModel) => notAllowed(model, /MON_GET_CONNECTION/, "SQL0551N no EXECUTE");

describe("who is connected to the database", () => {
  const raised = async (
    connections: readonly Connections[],
    arrange: (model: DatabaseModel) => void = () => undefined,
  ) => {
    const model = new DatabaseModel();
    model.connected = connections;
    arrange(model);
    const bench = schemaBench(model);
    await bench.create();
    expect(bench.said.join("\n")).toContain("nobody else is connected");
    return model.level;
  };

  test.each([
    ["by the function", () => undefined],
    ["by the view, where the function may not be executed", withoutFunction],
  ])("%s: Db2's own system applications are nobody, and neither are our other connections", async (_how, arrange) => {
    expect(await raised([...SYSTEM, OURS], arrange)).toBe(705);
  });

  test.each<[string, Partial<Connections>, string]>([
    ["a program whose name begins as ours", { APPL_NAME: "nodeagent-sync" }, "nodeagent-sync of LCUSER on ops1"],
    ["our program on another machine", { CLIENT_NNAME: "was1" }, "node of LCUSER on was1"],
    ["our program at another address", { ADDRESS: "10.0.0.9" }, "node of LCUSER on ops1"],
    ["our program of another user", { AUTHID: "OTHER" }, "node of OTHER on ops1"],
    ["a program elsewhere that calls itself a system application", { APPL_NAME: "db2fw0" }, "db2fw0 of LCUSER on ops1"],
    ["the command line processor at the server", { APPL_NAME: "db2bp", ADDRESS: "*LOCAL.db2inst1" }, "db2bp of LCUSER"],
    ["a data source at the server", { APPL_NAME: "db2jcc_application", ADDRESS: "*LOCAL.DB2" }, "db2jcc_application"],
  ])("%s is somebody else", async (_what, changes, named) => {
    for (const arrange of [() => undefined, withoutFunction]) {
      const message = await refusal({}, (model) => {
        model.connected = [...SYSTEM, { ...OURS, ...changes }];
        // The modelled function leaves all out that is local to the instance.
        if (changes.ADDRESS?.startsWith("*")) withoutFunction(model);
        arrange(model);
      });
      expect(message).toContain(`connected: ${named}`);
    }
  });

  test("a connection that several members of the database list is one", async () => {
    const message = await refusal({}, (model) => {
      model.connected = [{ ...OURS, AUTHID: "MON" }];
      const once = model.database.patterns.find(([pattern]) => pattern.test("MON_GET_CONNECTION"));
      const rows = once?.[1]() ?? [];
      model.database.patterns.unshift([/MON_GET_CONNECTION/, () => [...rows, ...rows]]);
    });
    expect(message).toContain("connected: node of MON on ops1 (1 connection).");
  });

  test("neither may be read: refused, with both answers and the authority that is missing", async () => {
    const message = await refusal({}, (model) => {
      withoutFunction(model);
      notAllowed(model, /SYSIBMADM\.APPLICATIONS/, "SQL1092N no SYSMON");
    });
    expect(message).toMatch(
      /it cannot be told who is connected: SQL0551N no EXECUTE; SQL1092N no SYSMON; the user needs EXECUTE/,
    );
    expect(message).toContain("SYSPROC.MON_GET_CONNECTION, or SYSMON for SYSIBMADM.APPLICATIONS");
  });

  test("a list of the function without ourselves is not one of everybody: the view is asked", async () => {
    const hidden = (model: DatabaseModel) => model.database.patterns.unshift([/MON_GET_CONNECTION/, () => []]);
    expect(await raised([], hidden)).toBe(705);
    expect(
      await refusal({}, (model) => {
        hidden(model);
        model.connected = [{ ...OURS, AUTHID: "MON" }];
      }),
    ).toContain("connected: node of MON");
  });
});
