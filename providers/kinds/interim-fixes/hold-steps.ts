import { ProblemError } from "../../common/problem.js";
import { sameRouting } from "../../formats/routing.js";
import { operator } from "../../lifecycle/lock.js";
import type { Work } from "./apply.js";
import type { Journal } from "./journal.js";

/**
 * Takes a web server's routing and remembers how it was found: no run of anybody's is changing it at that moment, nor will
 * one until it is given free. Routing that changed since the plan was made is looked at again, for the plan says where
 * users go.
 */
export async function takeHold(name: string, title: string, work: Work): Promise<Partial<Journal>> {
  const { estate, context, journal } = work;
  const webServer = estate.webServer(name);
  return context.underLockOf(hostOf(name, work), async () => {
    await webServer.hold({
      owner: context.owner,
      by: operator(),
      rollout: journal.rollout,
      step: title,
      since: new Date(estate.now()).toISOString(),
    });
    if (journal.found.routing[name]) return {};
    const { lists, path, value } = await webServer.look();
    const planned = context.live.webServers.find((each) => each.name === name);
    if (!sameRouting(lists, planned?.lists ?? {}) || path !== planned?.path) {
      throw new ProblemError("unknown-outcome", { where: name, found: "its routing changed since the plan was made" });
    }
    const { found } = journal;
    return {
      found: {
        ...found,
        routing: { ...found.routing, [name]: lists },
        files: { ...found.files, [name]: await webServer.putAside() },
        followed: { ...found.followed, [name]: { path, value } },
      },
    };
  });
}

export async function giveFree(name: string, work: Work): Promise<Partial<Journal>> {
  await work.context.underLockOf(hostOf(name, work), () => work.estate.webServer(name).release(work.journal.rollout));
  return {};
}

/** For those who meet the hold. No decision rests on it, so no rollout fails by it. */
export async function noteStep(title: string, { estate, context, journal, desired }: Work): Promise<void> {
  for (const { name } of desired.settings.webServers) {
    try {
      await estate.webServer(name).note({ rollout: journal.rollout, step: title, owner: context.owner });
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      context.progress(`the hold on ${name} does not say where the rollout is: ${error.message}`);
    }
  }
}

function hostOf(name: string, { context, desired }: Work) {
  const found = desired.settings.webServers.find((webServer) => webServer.name === name);
  if (!found) throw new RangeError(`no web server ${name}`);
  return context.host(found.connection);
}
