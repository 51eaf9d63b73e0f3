import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { answersOf } from "../../../providers/kinds/interim-fixes/answers.js";
import type { FixesDesired } from "../../../providers/kinds/interim-fixes/goal.js";
import { freshAccess } from "../../../providers/lifecycle/access.js";
import { closeAllHosts } from "../../../providers/targets/hosts.js";
import type { CellTopology } from "../../../providers/targets/wsadmin/cell.js";
import { declaration } from "../../model/driver.js";
import { MemoryCell } from "../../support/memory-cell.js";
import { startSshd, type TestSshd } from "../../support/sshd.js";

/** A closed port on this machine: discard. */
const CLOSED = 9;
const HERE = "127.0.0.1";

let sshd: TestSshd;
/** Takes connections and says nothing, as a server that hangs. */
let mute: Server;

beforeAll(async () => {
  sshd = await startSshd();
  mute = createServer().listen(0, HERE);
  await once(mute, "listening");
});
afterAll(async () => {
  await closeAllHosts();
  mute.close();
  await sshd.stop();
});

const mutePort = () => (mute.address() as AddressInfo).port;
const gone = () => sshd.connection({ name: "node1", port: CLOSED });

/** What answers of node1, whose member listens at `member`. */
async function answers(connection: FixesDesired["settings"]["nodes"][number]["connection"], member = CLOSED) {
  const cell = new MemoryCell(2);
  const { settings } = declaration(cell);
  const [node, ...others] = settings.nodes;
  if (!node) throw new Error("no node");
  const { topology } = cell.estate("test");
  const its = async (): Promise<CellTopology> => {
    const { servers, ...rest } = await topology();
    const endpoints = { WC_defaulthost: { host: "*", port: member } };
    return { ...rest, servers: servers.map((server) => ({ ...server, endpoints })) };
  };
  const changed = { ...settings, nodes: [{ ...node, connection }, ...others] };
  return (await answersOf("node1", its, { settings: changed, access: freshAccess })).join("; ");
}

test("nothing listens, by SSH or at a member's port: it is gone", async () => {
  expect(await answers(gone())).toBe("");
});

describe("promise 13: whatever takes a connection is not gone", () => {
  test("SSH that lets us in", async () => {
    expect(await answers(sshd.connection({ name: "node1" }))).toBe("node1 by SSH");
  });

  test("SSH that refuses the login, or the host key", async () => {
    const hostKey = { pinned: [`SHA256:${"A".repeat(43)}`] };
    expect(await answers(sshd.connection({ name: "node1", hostKey }))).toMatch(/^node1 by SSH \(/);
  });

  test("SSH that takes the connection and hangs", async () => {
    const hanging = sshd.connection({ name: "node1", port: mutePort(), connectTimeout: "1s" });
    expect(await answers(hanging)).toMatch(/^node1 by SSH \(.*no answer to the handshake/);
  });

  test("a member that takes a connection and hangs", async () => {
    expect(await answers(gone(), mutePort())).toMatch(/node1_AppsCluster of node1 at 127\.0\.0\.1 port \d+/);
  });
});

describe("through a jump host", () => {
  const through = (port: number) => {
    const { name: _name, jump: _jump, sudo: _sudo, ...hop } = sshd.connection();
    const { address, user, auth, hostKey } = hop;
    return sshd.connection({ name: "node1", port: CLOSED, jump: { address, port, user, auth, hostKey } });
  };

  test("one that looked, and found nothing there: it is gone", async () => {
    expect(await answers(through(sshd.port))).toBe("");
  });

  test("one that cannot be reached itself says nothing about what is behind it", async () => {
    expect(await answers(through(CLOSED))).toMatch(/^node1 by SSH \(jump host of node1/);
  });
});
