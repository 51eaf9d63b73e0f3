import type { Estate } from "../../../providers/kinds/interim-fixes/estate.js";
import { observeNode } from "../../../providers/kinds/interim-fixes/observe.js";
import type { CellObservation } from "../../../providers/targets/wsadmin/cell.js";
import type { ProcessSignals } from "../../../providers/targets/wsadmin/node-commands.js";

const cell = {
  topology: {
    clusters: [{ name: "AppsCluster", members: [{ node: "node1", server: "a" }] }],
    nodes: [{ name: "node1" }],
    servers: [],
  },
  state: { nodes: [], servers: [{ node: "node1", server: "a", state: "started" }] },
} as unknown as CellObservation;

const estateOf = (...signals: ProcessSignals[]): Estate =>
  ({ node: () => ({ observe: async () => signals }) }) as unknown as Estate;

test("a state that cannot be told comes with the signals that do not agree", async () => {
  const absent = estateOf({ server: "a", process: "absent", ports: "closed" });
  expect((await observeNode("node1", absent, cell)).members).toMatchObject([
    { server: "a", state: "unknown", because: "process absent, ports closed, deployment manager: started" },
  ]);
});

test("one that can be told comes without", async () => {
  const running = estateOf({ server: "a", process: "running", pid: 7, ports: "open" });
  const [member] = (await observeNode("node1", running, cell)).members;
  expect(member).toMatchObject({ server: "a", state: "running" });
  expect(member).not.toHaveProperty("because");
});
