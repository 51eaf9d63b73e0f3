import { type Lab, startLab } from "../../lab/lab.js";
import { ENGINE_TEST_MS } from "../support/engine.js";
import { routingArgs } from "../support/engine-args.js";
import { fingerprints, withoutState } from "../support/engine-files.js";
import { ForeignProgram } from "../support/engine-program.js";

/** Programs of users, with this package among their packages: names, parents and replacement are theirs to change. */
let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
}, ENGINE_TEST_MS);
afterAll(() => lab?.stop(), ENGINE_TEST_MS);

const managed = () => withoutState(fingerprints(lab, "web1"));
/** Times of a file are those of its last write: a web server that reloads writes its pid file. */
const bytes = () =>
  Object.fromEntries(
    Object.entries(managed()).flatMap(([path, is]) => (/ folder$/.test(is) ? [] : [[path, is.split(" ").at(-1)]])),
  );

test(
  "promises 9 and 17: from an ESM program, destroy restores what was found, byte for byte, and removes our copy",
  async () => {
    const program = await ForeignProgram.open("module");
    try {
      const found = bytes();
      await program.declare({ name: "routing", args: { ...routingArgs(lab, "node2"), onDestroy: "restore" } });
      await program.up();
      expect(bytes()).not.toEqual(found);
      expect(await program.expect(0, ["destroy", "--yes", "--skip-preview"])).toMatch(/remove our copy/);
      expect(bytes()).toEqual(found);
    } finally {
      await program.close();
    }
  },
  2 * ENGINE_TEST_MS,
);

test(
  "promise 17: from a CommonJS program, renaming, moving, replacing and destroying write nothing managed",
  async () => {
    const program = await ForeignProgram.open("commonjs");
    const args = routingArgs(lab, "node2");
    const settled = () => program.expect(0, ["preview", "--expect-no-changes"]);
    try {
      await program.declare({ name: "routing", args });
      await program.up();
      const moved = managed();

      await program.declare({ name: "web", args, aliases: [{ name: "routing" }] });
      expect(await program.up()).not.toMatch(/created|deleted/);
      expect(managed()).toEqual(moved);

      await program.declare({ name: "portal", args });
      const renamed = await program.up();
      expect(renamed).toMatch(/portal created/);
      expect(renamed).toMatch(/web deleted/);
      expect(renamed).toContain("left alone, it now belongs to estate/test/portal");
      expect(managed()).toEqual(moved);

      await program.declare({ name: "portal", args, component: "amsterdam" });
      expect(await program.up()).toMatch(/portal deleted/);
      expect(managed()).toEqual(moved);

      const { resources } = await exported(program);
      const urn = resources.find(({ type }) => type.endsWith("ihs:PluginRouting"))?.urn ?? "";
      const replaced = await program.expect(0, ["up", "--yes", "--skip-preview", "--target-replace", urn]);
      expect(replaced).toMatch(/1 replaced/);
      expect(managed()).toEqual(moved);
      await settled();

      expect(await program.expect(0, ["destroy", "--yes", "--skip-preview"])).toContain("retained as it is");
      expect(managed()).toEqual(moved);
    } finally {
      await program.close();
    }
  },
  2 * ENGINE_TEST_MS,
);

async function exported(program: ForeignProgram): Promise<{ resources: { type: string; urn: string }[] }> {
  const { deployment } = JSON.parse(await program.expect(0, ["stack", "export"])) as {
    deployment: { resources: { type: string; urn: string }[] };
  };
  return deployment;
}
