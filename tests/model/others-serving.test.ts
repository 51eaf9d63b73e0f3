import type { MemoryCell } from "../support/memory-cell.js";
import { type Member, TICK_MS } from "../support/memory-cell-parts.js";
import { Driver, declaration } from "./driver.js";
import { watched } from "./watched.js";

/** Generous, since the machine may be busy: every instant is a whole rollout. */
jest.setTimeout(300_000);

const DURATION_MS = (nodes: number) => 1_000_000 * nodes;

/** What users notice of nodes, by name; that the classic order restarts applications under their feet is known. */
const unserved = ({ violations }: MemoryCell) => [...violations].filter((text) => /^only |does not serve$/.test(text));

describe("promise 10: all nodes but one serve, in either order", () => {
  test.each([2, 3, 4])("%i nodes, classic: nothing else fails than restarting applications", async (nodes) => {
    const cell = watched(nodes);
    expect(await new Driver(cell, declaration(cell, { order: "classic" })).up()).toMatchObject({ ended: "converged" });
    expect(unserved(cell)).toEqual([]);
  });

  const ENDS: Readonly<Record<string, (member: Member) => void>> = {
    "whose process ends": (member) => {
      member.state = "stopped";
    },
    "whose application answers no more": (member) => {
      member.restartingUntil = Number.POSITIVE_INFINITY;
    },
  };

  test.each([
    ["classic", 2, "whose process ends"],
    ["classic", 2, "whose application answers no more"],
    ["classic", 3, "whose process ends"],
    ["safe", 3, "whose process ends"],
  ])("%s, %i nodes: at any instant, a member %s is followed by no other", async (order, nodes, how) => {
    let frozen = 0;
    for (let instant = 0; instant < DURATION_MS(nodes); instant += TICK_MS) {
      const cell = watched(nodes);
      const driver = new Driver(cell, declaration(cell, { order }));
      const ends = cell.now + instant;
      let isDead = false;
      cell.at(ends, () => {
        // Of a node that is done already; its last member alone, so that its others still answer.
        const done = cell.nodes.find(({ name }) => driver.kept?.journal?.nodes[name] === "proven");
        const member = done?.members.at(-1);
        if (!member || !cell.serves(member)) return;
        ENDS[how]?.(member);
        isDead = true;
      });
      const { ended } = await driver.up();
      if (cell.now < ends) break;
      expect([...cell.violations].filter((text) => text.endsWith("does not serve"))).toEqual([]);
      if (isDead && ended === "failed") frozen++;
    }
    expect(frozen).toBeGreaterThan(10);
  });
});
