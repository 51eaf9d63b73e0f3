import { ProblemError } from "../../common/problem.js";
import type { CellTopology } from "../../targets/wsadmin/cell.js";
import { foldersToClear } from "../../targets/wsadmin/clear-temp.js";
import { resolveVariable } from "../../targets/wsadmin/variables.js";

const TEMP = "WAS_TEMP_DIR";
const PROFILE = "USER_INSTALL_ROOT";

interface At {
  readonly node: string;
  readonly profile: string;
}

/**
 * Temp folder → members that have theirs in it, by WAS_TEMP_DIR as each of them sees it; by default the profile's own. The
 * profile counts as it is declared, since the cell may spell it by another link.
 *
 * @throws ProblemError `refused` where it cannot be resolved, or lies where nothing may be deleted
 */
export function tempFolders(
  { node, profile }: At,
  { variables }: Pick<CellTopology, "variables">,
  members: readonly { readonly server: string; readonly cluster: string }[],
): ReadonlyMap<string, readonly string[]> {
  const seen = [
    ...variables.filter(({ name }) => name !== PROFILE),
    ...members.map(({ server }) => ({ name: PROFILE, value: profile, scope: { node, server } })),
  ];
  const roots = new Map<string, string[]>();
  for (const { server, cluster } of members) {
    const scope = { node, server, cluster };
    // Without references it is there as soon as any definition is seen.
    const isDefined = resolveVariable(
      seen.map((each) => (each.name === TEMP ? { ...each, value: "/" } : each)),
      TEMP,
      scope,
    );
    const root = isDefined === undefined ? `${profile}/temp` : resolveVariable(seen, TEMP, scope);
    if (root === undefined) {
      throw new ProblemError("refused", {
        where: `${server} of ${node}: ${TEMP}`,
        found: "it refers to a variable that is not defined",
        why: "Which folder holds the member's temporary files is not known",
        next: "Correct it under Environment > WebSphere variables",
      });
    }
    foldersToClear({ host: node, profile, node }, [server], { tempRoot: root });
    roots.set(root, [...(roots.get(root) ?? []), server]);
  }
  return roots;
}
