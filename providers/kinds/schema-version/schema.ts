import { z } from "zod";
import { durationSchema } from "../../common/duration.js";
import { levelSchema, mayRise } from "../../formats/schema-level.js";
import { COMPONENTS } from "../../formats/schema-tables.js";
import { readOnlyProblem } from "../../formats/sql-read-only.js";
import { connectionSchema } from "../../targets/connection.js";
import { databaseSchema } from "../../targets/db2/connection.js";

export const identitySchema = z.strictObject({
  database: z.string().min(1).describe("name of the database's connection"),
  component: z.enum(COMPONENTS).describe("component of Connections whose schema level it is"),
});

const reasonSchema = z.string().trim().min(1);

const DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?$/;

const DATE_MESSAGE =
  'must be a date in quotes, with a time where one day has several, by the database server\'s clock: "2026-05-01" or "2026-05-01T22:30"';

/** Days and hours that there are: `Date` makes March of the 30th of February. */
const isDate = (text: string): boolean => {
  const iso = text.replace(" ", "T");
  const time = Date.parse(`${iso.length > 10 ? iso : `${iso}T00:00`}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso);
};

const statementSchema = z.strictObject({
  by: z.string().trim().min(1).describe("who states it"),
  date: z
    .string()
    .regex(DATE, { message: DATE_MESSAGE })
    .refine((text) => !DATE.test(text) || isDate(text), { message: DATE_MESSAGE })
    .describe("when, by the database server's clock and not after it; a new one makes a new statement"),
  host: z.string().min(1).describe("host of the Db2 server that it is about, as in the database's connection"),
  port: z.number().int().min(1).max(65535).default(50000).describe("port of that server"),
  database: z.string().min(1).describe("the database that it is about, by its name at the server, such as HOMEPAGE"),
  component: z.enum(COMPONENTS).describe("component that it is about"),
  level: levelSchema.describe("the level whose tables, columns and data are there"),
  postLevel: levelSchema.optional().describe("the same for POSTSCHEMAVER"),
});

const catalogProbeSchema = z.strictObject({
  level: levelSchema.describe("the level that the probe proves"),
  postLevel: levelSchema.optional().describe("the same for POSTSCHEMAVER"),
  sql: z
    .string()
    .superRefine((sql, context) => {
      const problem = readOnlyProblem(sql);
      if (problem) context.addIssue({ code: "custom", message: problem });
    })
    .describe("one SELECT of one value, such as a count of something in SYSCAT that this level brought"),
  expect: z
    .union([z.string(), z.number().int()])
    .transform(String)
    .describe("the value that it gives where the level's content is there"),
});

const contentProofSchema = z.union(
  [
    z.strictObject({
      catalogProbe: catalogProbeSchema.describe(
        "level, sql (one SELECT of one value), expect (what it gives where that level's content is there); may heal again and again",
      ),
    }),
    z.strictObject({
      statement: statementSchema.describe(
        "by, date, host (and port), database (its name there), component, level: somebody says that the content is there; serves for one change",
      ),
    }),
  ],
  { error: "must be {catalogProbe: …} or {statement: …}" },
);

const backupSchema = z.union([
  z.strictObject({ maxAge: durationSchema.describe("the newest complete backup may have begun this long ago") }),
  z.strictObject({ waived: z.strictObject({ reason: reasonSchema.describe("why none is needed; previews name it") }) }),
]);

const applicationsSchema = z
  .array(
    z
      .strictObject({
        user: z.string().min(1).optional().describe("authorization ID of the data source, such as LCUSER"),
        program: z.string().min(1).optional().describe("name of the program, such as db2jcc_application"),
        client: z.string().min(1).optional().describe("name of the machine it runs on"),
      })
      .refine((application) => Object.keys(application).length > 0, { message: "names nothing" }),
  )
  .min(1)
  .optional();

const serversSchema = z.union([
  z.strictObject({
    applications: applicationsSchema.describe(
      "connections that are the component's servers, also where `others` would match them; default: every connection but this program's own and `others`",
    ),
    others: applicationsSchema.describe(
      "connections that are no servers, such as a monitor's: they may stay. A connection that is in neither list stands in the way",
    ),
    ports: z
      .array(
        z.strictObject({
          address: z.string().min(1).describe("host name or IP address, as this machine reaches it"),
          port: z
            .number()
            .int()
            .min(1)
            .max(65535)
            .describe("such as a member's WC_defaulthost or SOAP_CONNECTOR_ADDRESS"),
        }),
      )
      .min(1)
      .optional()
      .describe(
        "ports of the component's servers, which have to refuse connections: a server that runs without a connection to the database shows there alone",
      ),
  }),
  z.strictObject({
    whileRunning: z
      .literal(true)
      .describe("change the level though servers are connected, or though it cannot be told"),
  }),
]);

export const settingsSchema = z.strictObject({
  connection: databaseSchema.describe("how to reach the database; a change wants a `marker` in it"),
  home: connectionSchema.describe("a host whose state directory holds lock, record and backups"),
  rowKey: z
    .string()
    .min(1)
    .optional()
    .describe("what stands in the key column of the component's row, where the table has several rows"),
  contentProof: contentProofSchema
    .optional()
    .describe("what proves that the content of the level is there; without it a lower level is reported, not changed"),
  backup: backupSchema.default({ maxAge: "1d" }).describe("the backup that a change wants, by the database's history"),
  servers: serversSchema.default({}).describe("the servers that must be stopped for a change"),
  onDestroy: z
    .literal("retain", {
      error: "must be retain: a level is never lowered, also not to put back what was found at adoption",
    })
    .default("retain")
    .describe("destroy leaves the level as it is"),
});

const levels = z.array(levelSchema);

export const aspectsSchema = z
  .strictObject({
    version: levelSchema.describe('the schema level that has to be there; in quotes where it has a dot: "710.10"'),
    from: levels.min(1).describe("the levels that it may be moved from"),
    postVersion: levelSchema
      .optional()
      .describe("the level in POSTSCHEMAVER, where the table has that column (FILES and WIKIS from 6.5)"),
    postFrom: levels.min(1).optional().describe("the levels that POSTSCHEMAVER may be moved from"),
  })
  .superRefine(({ version, from, postVersion, postFrom }, context) => {
    const below = (path: string, list: readonly string[], target: string) => {
      for (const [index, level] of list.entries()) {
        if (mayRise(level, target)) continue;
        context.addIssue({
          code: "custom",
          path: [path, index],
          message: `is not below ${target}; no level is ever lowered`,
        });
      }
    };
    below("from", from, version);
    if (postVersion !== undefined) below("postFrom", postFrom ?? [], postVersion);
    if ((postVersion === undefined) !== (postFrom === undefined)) {
      context.addIssue({ code: "custom", path: ["postVersion"], message: "postVersion and postFrom belong together" });
    }
  });

export type Identity = z.infer<typeof identitySchema>;
export type Settings = z.infer<typeof settingsSchema>;
export type Aspects = z.infer<typeof aspectsSchema>;
export type Statement = z.infer<typeof statementSchema>;
