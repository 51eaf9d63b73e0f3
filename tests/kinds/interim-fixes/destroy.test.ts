import { interimFixesOver } from "../../../providers/kinds/interim-fixes/kind.js";
import type { Access } from "../../../providers/lifecycle/kind.js";
import { managedProvider } from "../../../providers/lifecycle/provider.js";
import { plansOfThisProcess } from "../../../providers/lifecycle/shown.js";
import { connectionSchema } from "../../../providers/targets/connection.js";
import { declaration } from "../../model/driver.js";
import { MemoryCell } from "../../support/memory-cell.js";
import { MemoryHost } from "../../support/memory-host.js";

test("promise 17: a resource whose rollout is open cannot be destroyed; one that has ended can", async () => {
  const cell = new MemoryCell(2);
  cell.badFix = true;
  const host = new MemoryHost(
    connectionSchema.parse({
      name: "dmgr",
      address: "127.0.0.1",
      user: "a",
      auth: { agent: true },
      stateDirectory: "/state",
    }),
  );
  const access: Access = { host: () => host, files: () => host.files };
  const kind = interimFixesOver(() => cell.estate("one process"));
  const provider = managedProvider(kind, { fresh: access, cached: access, say() {}, shown: plansOfThisProcess() });
  const { identity, settings, aspects } = declaration(cell);
  const inputs = { ...identity, ...settings, ...aspects, owner: "shop/prod/fixes", __provider: "pointer" };
  const failure = await provider.create(inputs).catch((error: unknown) => error as { id: string; properties: object });
  const { properties } = failure as { properties: Record<string, unknown> };
  await expect(provider.delete(kind.identify(identity), properties)).rejects.toThrow(/rollout .* is unfinished/);

  cell.badFix = false;
  const { outs } = await provider.update(kind.identify(identity), properties, inputs);
  expect([...cell.fixes]).toEqual(["LO66666"]);
  await provider.delete(kind.identify(identity), outs);
  expect([...cell.fixes]).toEqual(["LO66666"]);
});
