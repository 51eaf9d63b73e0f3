import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { DatabaseConnection } from "./connection.js";

/** LOBs of columns that are declared up to this size come with their row; others the driver fetches by locator (measured). */
export const LOB_LIMIT_BYTES = 33_554_432;

/** Where the driver really connects to: the database, or this end of a forward. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * What the driver is opened with: only keywords it is known to honour. It ignores others without a word ("sslConnection=true"
 * connects in plain text), and quotes nothing.
 *
 * @throws ProblemError `invalid-input` for a password that cannot be sent
 */
export function connectionString(connection: DatabaseConnection, password: string, endpoint: Endpoint): string {
  if (/[;\p{Cc}]/u.test(password)) {
    throw new ProblemError("invalid-input", {
      where: `password of ${connection.name}`,
      found: "it holds a ; or a control character",
      why: "The Db2 driver has no way to take such a password: it would cut it there",
      next: "Give the database user another password",
    });
  }
  const { tls } = connection;
  const keywords: Record<string, string | number> = {
    DATABASE: connection.database,
    HOSTNAME: endpoint.host,
    PORT: endpoint.port,
    PROTOCOL: "TCPIP",
    UID: connection.user,
    PWD: password,
    ...(connection.authentication && {
      Authentication: connection.authentication === "server" ? "SERVER" : "SERVER_ENCRYPT",
    }),
    ...(tls && {
      Security: "SSL",
      ...(tls.certificateFile && { SSLServerCertificate: tls.certificateFile }),
      SSLClientHostnameValidation: tls.hostNameValidation ? "Basic" : "OFF",
    }),
    ConnectTimeout: wholeSeconds(connection.connectTimeout),
    QueryTimeout: wholeSeconds(connection.statementTimeout),
    // With 0 QueryTimeout has no effect (measured). 1, the default, asks the server to interrupt, over a line that may be the very
    // trouble; 2 ends the connection. [IBM documentation, "Interrupt CLI/ODBC configuration keyword"]
    Interrupt: 2,
    LOBCacheSize: LOB_LIMIT_BYTES,
  };
  return Object.entries(keywords)
    .map(([keyword, value]) => `${keyword}=${value};`)
    .join("");
}

/** At least one second: 0 means "for ever" to the driver and to Db2. */
export function wholeSeconds(duration: string): number {
  return Math.max(1, Math.ceil(milliseconds(duration) / 1000));
}
