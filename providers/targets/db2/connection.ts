import { z } from "zod";
import { durationSchema } from "../../common/duration.js";
import { secretReferenceSchema } from "../../common/secret.js";
import { connectionSchema } from "../connection.js";
import { wholeSeconds } from "./connection-string.js";

/**
 * A value of the driver's connection string. The driver knows no quoting: it cuts every value at a `;` (measured with 4.0.1),
 * so what follows would be read as a keyword of its own. (No \p{Cc} and no flags: editors read these patterns too.)
 */
const keywordValue = z.string().regex(/^[ -:<-~\u00a0-\uffff]+$/, "must not be empty nor hold ; or control characters");

/** How to reach one Db2 database. */
export const databaseSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
      .describe("what messages call this database"),
    host: keywordValue.describe("host name or IP address of the Db2 server, as `through` sees it when that is given"),
    port: z.number().int().min(1).max(65535).default(50000).describe("of the Db2 server"),
    database: z
      .string()
      .regex(/^[A-Za-z@#$][A-Za-z0-9@#$_]{0,17}$/)
      .describe("the database's name or alias at the server, such as HOMEPAGE"),
    user: keywordValue.describe("who logs in"),
    password: secretReferenceSchema.describe("of the user"),
    authentication: z
      .enum(["server", "server-encrypt"])
      .optional()
      .describe(
        "how the password is sent; default: what driver and server agree on. `server` sends it readable: only with tls, through SSH, or on this machine",
      ),
    tls: z
      .strictObject({
        certificateFile: keywordValue
          .optional()
          .describe("PEM file on this machine with the server's certificate or its authority's; default: the driver's"),
        hostNameValidation: z
          .boolean()
          .default(true)
          .describe("the certificate must be of this host; the driver alone would not look (11.5.9)"),
      })
      .optional()
      .describe("present = TLS, always verified"),
    through: connectionSchema
      .optional()
      .describe("a host to go through by SSH, when the database is not reachable directly"),
    connectTimeout: durationSchema.default("15s").describe("limit of connecting and logging in"),
    statementTimeout: durationSchema.default("60s").describe("limit of one statement, its waits for locks included"),
    lockTimeout: durationSchema
      .default("10s")
      .describe("limit of one wait for a lock, in whole seconds; shorter than statementTimeout"),
    queueTimeout: durationSchema.default("60s").describe("limit of the wait for a free connection of this process"),
    marker: z
      .strictObject({
        table: z
          .string()
          .regex(/^[ --/-~\u00a0-\uffff]+\.[ --/-~\u00a0-\uffff]+$/, 'must be "SCHEMA.TABLE", as the catalog has them')
          .optional()
          .describe("a table that only the right database has, such as HOMEPAGE.HOMEPAGE_SCHEMA"),
        database: z.string().min(1).optional().describe("the name the server itself must report (CURRENT SERVER)"),
      })
      .optional()
      .describe("what proves that it is the right database; checked on every new connection before anything else"),
  })
  .refine((database) => !(database.through && database.tls?.hostNameValidation), {
    path: ["tls", "hostNameValidation"],
    message: "must be false with `through`: the driver connects to this end of the forward, 127.0.0.1",
  })
  .refine(({ authentication, tls, through, host }) => authentication !== "server" || tls || through || isHere(host), {
    path: ["authentication"],
    message:
      "`server` sends the password readable over the network: set tls or through, or leave it to driver and server",
  })
  // Otherwise every wait for a lock would end as a timeout, and who holds the row would never be told.
  .refine((database) => wholeSeconds(database.lockTimeout) < wholeSeconds(database.statementTimeout), {
    path: ["lockTimeout"],
    message: "must be shorter than statementTimeout, in whole seconds: else nobody is told that a lock was waited for",
  });

const isHere = (host: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);

export type DatabaseConnection = z.infer<typeof databaseSchema>;
