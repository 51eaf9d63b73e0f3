import { EventEmitter } from "node:events";
import net, { type AddressInfo, createServer, type Server } from "node:net";
import { portState } from "../../../providers/targets/port.js";
import { DatabaseModel, refusal, schemaBench, schemaInputs } from "./bench.js";

const LOCAL = "127.0.0.1";
/** A broadcast address: TCP has no way to it, and nothing leaves this machine. */
const NOWHERE = "255.255.255.255";

/** A port of a server that runs without a connection to the database; and one that nobody listens at. */
describe("the servers' ports, a second look at whether they are stopped", () => {
  let server: Server;
  let open: number;
  let closed: number;
  const listening = async (): Promise<Server> => {
    const made = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => made.listen(0, LOCAL, resolve));
    return made;
  };
  const portOf = (of: Server) => (of.address() as AddressInfo).port;

  beforeAll(async () => {
    server = await listening();
    open = portOf(server);
    const other = await listening();
    closed = portOf(other);
    await new Promise((resolve) => other.close(resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const withPorts = (...ports: [string, number][]) => ({
    servers: { ports: ports.map(([address, port]) => ({ address, port })) },
  });

  test("one that accepts connections is a refusal, though nobody is connected to the database", async () => {
    expect(await refusal(withPorts([LOCAL, closed], [LOCAL, open]))).toMatch(
      new RegExp(`HOMEPAGE in homepage: ${LOCAL}:${open} accepts connections\\. Allowed: ports .* that refuse`),
    );
  });

  test("one that gives no clear answer is no evidence", async () => {
    expect(await refusal(withPorts([NOWHERE, 1]))).toMatch(/255\.255\.255\.255:1 gave no clear answer \(E\w+\)/);
  });

  test("all refuse: raised, and the preview says what was seen", async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    await bench.create(schemaInputs(withPorts([LOCAL, closed])));
    expect(bench.said).toContain(`  note: nothing listens at ${LOCAL}:${closed}`);
    expect(bench.said).toContain("  note: nobody else is connected");
    expect(model.level).toBe(705);
  });

  test("none declared: the preview says what the list of connections cannot show", async () => {
    const bench = schemaBench(new DatabaseModel());
    await bench.create();
    expect(bench.said.join("\n")).toContain(
      "nobody else is connected; a server that runs without a connection is not seen",
    );
  });

  test("newly declared and not looked at yet: nothing passes on what is not known", async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    const outs = await bench.create();
    model.level = 704;
    const { props } = await bench.preview(outs);
    const declared = schemaInputs(withPorts([LOCAL, closed]));
    const checked = await bench.provider.check(props, declared);
    const before = bench.said.length;
    await bench.provider.diff("homepage/HOMEPAGE", props, { ...checked.inputs, __provider: "pointer" });
    expect(bench.said.slice(before).join("\n")).toContain(
      "whether the servers' ports refuse has not been looked at yet",
    );
  });

  test("not asked while nothing is due, nor where servers may run", async () => {
    let connections = 0;
    server.on("connection", () => connections++);
    const model = new DatabaseModel();
    model.level = 705;
    await schemaBench(model).create(schemaInputs(withPorts([LOCAL, open])));
    expect(connections).toBe(0);
  });
});

test("a port that never answers is unclear, in time", async () => {
  const socket = Object.assign(new EventEmitter(), { destroy: jest.fn() });
  const connect = jest.spyOn(net, "connect").mockReturnValue(socket as unknown as net.Socket);
  try {
    const state = portState("db1", 1, 50);
    expect(connect).toHaveBeenCalledWith({ host: "db1", port: 1, timeout: 50 });
    socket.emit("timeout");
    expect(await state).toEqual({ unclear: "no answer within 50 ms" });
    expect(socket.destroy).toHaveBeenCalled();
  } finally {
    connect.mockRestore();
  }
});
