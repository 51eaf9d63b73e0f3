import type { Problem } from "../../common/problem.js";
import type { CellObservation } from "../../targets/wsadmin/cell.js";
import type { Ownership } from "../../targets/wsadmin/ownership.js";

/** So many files are named; how many there are is not counted. */
const NAMED_FILES = 5;

/** What somebody left behind who ran a command as root, or a server that was started as another user. */
export function ownershipProblems(where: string, owned: Ownership | undefined): Problem[] {
  if (!owned) return [];
  const { owner, files, processes, complete } = owned;
  const problems: Problem[] = [];
  if (files.length > 0) {
    const named = files.slice(0, NAMED_FILES).map(({ path, user }) => `${path} (${user})`);
    problems.push({
      where: `${where}: profile`,
      found: `files that are not its owner's: ${named.join(", ")}${files.length > NAMED_FILES ? " and more" : ""}`,
      allowed: `everything in config, logs and temp belongs to ${owner}`,
      why: `Servers that run as ${owner} cannot change them: a start or a synchronization would fail half-way`,
      next: `Find out who ran a command as another user, then give the files back, in the profile's folder and for these alone: chown -Rh ${owner} config logs temp`,
    });
  }
  if (processes.length > 0) {
    problems.push({
      where: `${where}: profile`,
      found: `not run by its owner: ${processes.map(({ server, user }) => `${server} (${user})`).join(", ")}`,
      allowed: `every server of the profile runs as ${owner}`,
      why: `What they write, servers that run as ${owner} cannot change; the rollout starts them as ${owner}`,
      next: `Stop them, give their files back to ${owner}, and start them as ${owner}`,
    });
  }
  if (!complete && files.length === 0) {
    problems.push({
      where: `${where}: profile`,
      found: "there was no time to look at the owner of every file",
      next: "Raise limits.ownership",
    });
  }
  return problems;
}

/**
 * What a starting agent does to members that were stopped meanwhile. PREVIOUS is the state when the agent was stopped, and a
 * rollout stops agents first: the members ran then.
 */
export function startedByAgent(
  cell: CellObservation | undefined,
  node: string,
  members: readonly { readonly server: string }[],
): Problem[] {
  return (cell?.settings.monitoring ?? [])
    .filter((policy) => policy.node === node && members.some(({ server }) => server === policy.server))
    .filter(({ nodeRestartState }) => nodeRestartState !== "STOPPED")
    .map(({ server, nodeRestartState }) => ({
      where: `${server} of ${node}`,
      found: `its monitoring policy has nodeRestartState ${nodeRestartState}`,
      allowed: "STOPPED",
      why: "Its node agent would start it, before its applications are complete and its temporary files removed",
      next: "Change the policy: Servers, Java and process management, Monitoring policy",
    }));
}
