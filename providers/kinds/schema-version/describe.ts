import { compareLevels } from "../../formats/schema-level.js";
import type { Description } from "../../lifecycle/kind.js";
import type { Live } from "./live.js";
import { isNewer, type SchemaDesired } from "./plan.js";
import type { Cell } from "./row.js";
import type { Aspects } from "./schema.js";

/**
 * The levels as they are, where they are lower than declared. Where one is above the declared one, both read as declared, since
 * nothing is to be done about it and a difference that stays for ever hides others: the plan's note says what they are.
 */
export function describe(desired: SchemaDesired, live: Live): Description<Aspects> {
  const { aspects } = desired;
  const deviations: Record<string, string> = {};
  live.problems.forEach((problem, index) => {
    deviations[index === 0 ? "row" : `row ${index + 1}`] = `${problem.where}: ${problem.found}`;
  });
  const { row } = live;
  if (!row || isNewer(desired, row)) return { aspects, deviations };
  const post = aspects.postVersion;
  if (post !== undefined && row.post?.value === null) deviations.postVersion = `${row.post.column} is empty`;
  return {
    aspects: {
      ...aspects,
      version: lower(row.version, aspects.version),
      ...(post === undefined ? {} : { postVersion: lower(row.post, post) }),
    },
    deviations,
  };
}

const lower = (cell: Cell | undefined, declared: string): string =>
  cell?.value !== undefined && cell.value !== null && compareLevels(cell.value, declared) < 0 ? cell.value : declared;
