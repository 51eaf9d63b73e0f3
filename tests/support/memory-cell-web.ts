import { ProblemError } from "../../providers/common/problem.js";
import type { Proof, RoutedWebServer } from "../../providers/kinds/interim-fixes/estate.js";
import { sameLists } from "../../providers/kinds/interim-fixes/routes.js";
import type { MemoryCell } from "./memory-cell.js";
import { REFRESH_S, SETTLE_MS, TICK_MS, type WebServer } from "./memory-cell-parts.js";

/** A web server that is nothing but its lists, its hold, and when its processes look at their file. */
export function modelledWebServer(cell: MemoryCell, webServer: WebServer): RoutedWebServer {
  const { name } = webServer;
  return {
    name,
    look: async () => {
      cell.faults.alive();
      return {
        name,
        running: "yes",
        path: "/plugin-cfg.xml",
        sha256: "",
        lists: structuredClone(webServer.file),
        refreshInterval: REFRESH_S,
        hold: webServer.hold,
        problems: [],
      };
    },
    route: async (lists) => {
      if (sameLists(lists, webServer.file)) return;
      await cell.change(`route ${name}`, () => {
        webServer.file = structuredClone(lists);
        webServer.changedAt = cell.now;
      });
    },
    prove: async (proof, { settle }) => {
      cell.faults.alive();
      if (settle) while (webServer.followed !== webServer.file) cell.advance(TICK_MS);
      for (const until = cell.now + (settle ? SETTLE_MS : 0); ; cell.advance(TICK_MS)) {
        try {
          return requireProved(cell, webServer, proof);
        } catch (error) {
          if (cell.now >= until) throw error;
        }
      }
    },
    replace: async () => false,
    hold: (hold) =>
      cell.change(`hold ${name}`, () => {
        webServer.hold = { ...hold };
      }),
    // Nobody decides by it, so it is no place for a fault of its own.
    note: async (rollout, step) => {
      cell.faults.alive();
      if (webServer.hold?.rollout === rollout) webServer.hold.step = step;
    },
    release: (rollout) =>
      cell.change(`release ${name}`, () => {
        if (webServer.hold?.rollout === rollout) webServer.hold = null;
      }),
  };
}

function requireProved(cell: MemoryCell, { name, followed }: WebServer, proof: Proof): void {
  if (proof.level === "routed" && !sameLists(followed, proof.lists)) {
    throw new ProblemError("not-converged", { where: name, found: "answered by others" });
  }
  for (const { primary } of Object.values(followed)) for (const server of primary) cell.requireAnswer(server);
}
