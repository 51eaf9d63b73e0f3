import type { MemoryCell } from "./memory-cell.js";

/** A machine of the cell is restarted: nothing that ran on it does, and nobody learns how its commands would have ended. */
export function reboot(cell: MemoryCell, name: string): void {
  const host = cell.host(name);
  for (const command of cell.commands) if (command.host === host) cell.commands.delete(command);
  host.lose({ restartedAt: new Date(cell.now).toISOString(), left: [] });
  for (const node of cell.nodes.filter((each) => each.name === name)) {
    node.agent = "stopped";
    for (const member of node.members) member.state = "stopped";
  }
}

/** The deployment manager's configuration as `backupConfig` saved it, restored: other files again, with the old content. */
export function restoreConfiguration(cell: MemoryCell): void {
  cell.versions.clear();
  cell.level++;
  cell.changedAt = cell.now;
}
