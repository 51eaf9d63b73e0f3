import type { Lab } from "../../../lab/lab.js";
import { pluginRouting } from "../../../providers/kinds/plugin-routing/kind.js";
import { freshAccess } from "../../../providers/lifecycle/access.js";
import { routingArgs } from "../../support/engine-args.js";
import { providerBench, type Stored } from "../../support/provider-bench.js";

/** The provider of plug-in routing for the lab's web server; `up` is that of a resource that declares `more` besides. */
export function labBench(lab: Lab) {
  const inputs = (more: Stored = {}): Stored => ({
    ...routingArgs(lab, "node2"),
    owner: "lab/test/routing",
    __provider: "pointer",
    ...more,
  });
  const { said, provider, create, up } = providerBench(
    pluginRouting,
    { fresh: freshAccess, cached: freshAccess },
    inputs,
  );
  return {
    said,
    provider,
    inputs,
    up: (olds: Stored | undefined, more: Stored = {}) => (olds ? up(olds, inputs(more)) : create(inputs(more))),
  };
}
