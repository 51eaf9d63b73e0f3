import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import { resolveSecret } from "../../common/secret-resolver.js";
import type { Connection } from "../connection.js";
import { propertiesText } from "./properties.js";
import type { Administrator } from "./settings.js";

/** Who logs in, for the length of one call. Never stored, never in an argument. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

export async function resolveLogin(administrator: Administrator, host: string): Promise<Login> {
  const password = await resolveSecret(administrator.password, `password of ${administrator.user} on ${host}`);
  if (/[\0\r\n]/.test(`${administrator.user}${password}`)) {
    throw new ProblemError("invalid-input", {
      where: `${host}: administrator`,
      found: "a line end or NUL in user or password",
      allowed: "one line each",
    });
  }
  return { user: administrator.user, password };
}

/**
 * What soap.client.props and ipc.client.props get: wsadmin logs in by SOAP, stopServer, stopNode and serverStatus by IPC.
 * loginSource none: a program that asked for a password would hang for ever. Without a login the profile's own stands.
 */
export function clientProperties(
  login: Login | undefined,
  requestTimeoutSeconds: number,
): Record<"soap" | "ipc", string> {
  const common = (connector: string) => ({
    [`com.ibm.${connector}.loginSource`]: "none",
    ...(login && {
      [`com.ibm.${connector}.securityEnabled`]: "true",
      [`com.ibm.${connector}.loginUserid`]: login.user,
      [`com.ibm.${connector}.loginPassword`]: login.password,
    }),
  });
  const requestTimeout = { "com.ibm.SOAP.requestTimeout": String(requestTimeoutSeconds) };
  return { soap: propertiesText({ ...common("SOAP"), ...requestTimeout }), ipc: propertiesText(common("IPC")) };
}

/** Files for a script of ours: names and sizes as arguments, the bytes on standard input. */
export function packFiles(files: Readonly<Record<string, string>>): { args: string[]; stdin: Buffer } {
  const packed = Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text, "utf8") }));
  return {
    args: [...packed.flatMap(({ name, bytes }) => [name, String(bytes.length)]), "--"],
    stdin: Buffer.concat(packed.map(({ bytes }) => bytes)),
  };
}

/** What the private folders of this connection are called, so that leftovers are told from those of others. */
export function folderTag(connection: Connection): string {
  const { address, port, user, stateDirectory } = connection;
  return sha256(JSON.stringify([address, port, user, stateDirectory])).slice(0, 12);
}
