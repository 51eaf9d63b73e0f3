import { tempFolders } from "../../../providers/kinds/interim-fixes/temp-folders.js";
import type { WebSphereVariable } from "../../../providers/targets/wsadmin/cell.js";

const AT = { node: "node1", profile: "/opt/was/p" };
const MEMBERS = ["apps", "infra"].map((server) => ({ server, cluster: `${server}Cluster` }));
const temp = (value: string, scope: WebSphereVariable["scope"] = {}): WebSphereVariable => ({
  name: "WAS_TEMP_DIR",
  value,
  scope,
});
const found = (...variables: WebSphereVariable[]) => [...tempFolders(AT, { variables }, MEMBERS)];

test("promise 19: temporary files are removed where WAS_TEMP_DIR of each member says, by default in the profile's temp", () => {
  expect(found()).toEqual([["/opt/was/p/temp", ["apps", "infra"]]]);
  expect(found(temp("/opt/was/p/big/tmp", { node: "node2" }))).toEqual([["/opt/was/p/temp", ["apps", "infra"]]]);
  expect(
    found(temp(`\${USER_INSTALL_ROOT}/big/tmp`), temp("/opt/was/p/own/tmp", { node: "node1", server: "infra" }), {
      name: "USER_INSTALL_ROOT",
      value: "/link/to/p",
      scope: { node: "node1" },
    }),
  ).toEqual([
    ["/opt/was/p/big/tmp", ["apps"]],
    ["/opt/was/p/own/tmp", ["infra"]],
  ]);
});

test("promise 19: one that lies outside of the profile, or that cannot be resolved, is refused", () => {
  expect(() => found(temp("/var/tmp"))).toThrow(/outside of the profile/);
  expect(() => found(temp(`\${NOWHERE}/tmp`))).toThrow(/refers to a variable that is not defined/);
});
