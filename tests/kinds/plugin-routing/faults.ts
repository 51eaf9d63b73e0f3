import { everywhere, type Fault } from "../../support/fault.js";
import { routingInputs, WebServerModel } from "./bench.js";

/** Old locks of a dead process are taken over as soon as their lease has ended. */
export function inputsFor(web: WebServerModel, more: Record<string, unknown> = {}) {
  const { verify } = routingInputs(web) as { verify: object };
  return routingInputs(web, { verify: { ...verify, samples: 2 }, ...more });
}

/** A web server of its own for each index. */
export const everywhereOn = (
  side: "before" | "after",
  lasting: boolean,
  attempt: (web: WebServerModel, fault: Fault) => Promise<void>,
): Promise<number> =>
  everywhere(side, lasting, async (fault) => {
    const web = await new WebServerModel(fault.host).start();
    try {
      await attempt(web, fault);
    } finally {
      await web.stop();
    }
  });
