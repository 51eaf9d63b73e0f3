import { pluginRouting } from "../../providers/kinds/plugin-routing/kind.js";
import { checkInputs } from "../../providers/lifecycle/inputs.js";

const reasons = (connection: object): string =>
  checkInputs(pluginRouting, { connection })
    .problems.map(({ property, reason }) => `${property} ${reason}`)
    .join("\n");

test.each([
  ["a password itself", { password: "canary" }],
  ["a password under a mistyped key", { pasword: "canary" }],
  ["a passphrase itself", { keyFile: "~/.ssh/id", passphrase: "canary" }],
])("promise 14: %s in a program of one's own is refused and not shown", (_, auth) => {
  const found = reasons({ name: "web1", address: "web1", user: "admin", auth });
  expect(found).toContain("connection.auth");
  expect(found).not.toContain("canary");
});

test("other wrong values are shown as they stand", () => {
  expect(reasons({ name: "web1", port: 70000 })).toContain("connection.port is 70000: ");
});
