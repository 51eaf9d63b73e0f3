import { canonicalJson } from "../common/json.js";
import type { Connection } from "./connection.js";
import type { Host } from "./host.js";
import { forgetLogins } from "./logins.js";
import { posixShell } from "./shell-posix.js";
import { SshHost } from "./ssh-host.js";

const open = new Map<string, Host>();

/**
 * The host of a connection: the same one for equal connections in this process, so that all resources share its one SSH
 * connection and its snapshot. Nothing is connected before it is first asked for something.
 */
export function openHost(connection: Connection): Host {
  const key = canonicalJson(connection);
  const known = open.get(key);
  if (known) return known;
  const host = new SshHost(connection, posixShell, () => {
    if (open.get(key) === host) open.delete(key);
  });
  open.set(key, host);
  return host;
}

/** Ends every connection of this process, and forgets which logins were refused; afterwards nothing of them keeps it alive. */
export async function closeAllHosts(): Promise<void> {
  await Promise.all([...open.values()].map((host) => host.close()));
  forgetLogins();
}
