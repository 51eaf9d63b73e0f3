import { z } from "zod";
import { levelSchema, mayRise } from "../../formats/schema-level.js";
import { COMPONENTS } from "../../formats/schema-tables.js";
import { connectionSchema } from "../../targets/connection.js";

export const identitySchema = z.strictObject({
  host: z.string().min(1).describe("name of the host's connection"),
  path: z
    .string()
    .regex(/^(\/|[A-Za-z]:[\\/])[^\0\r\n]*$/, { message: "must be an absolute path" })
    .describe("the script, such as …/connections.sql/homepage/db2/createDb.sql"),
  component: z.enum(COMPONENTS).describe("component of Connections whose row the script inserts"),
});

export const settingsSchema = z.strictObject({
  connection: connectionSchema.describe("how to reach the host"),
});

export const aspectsSchema = z
  .strictObject({
    version: levelSchema.describe(
      'the schema level that the script has to insert; in quotes where it has a dot: "710.10"',
    ),
    from: z.array(levelSchema).min(1).describe("the levels that it may insert now"),
  })
  .superRefine(({ version, from }, context) => {
    for (const [index, level] of from.entries()) {
      if (mayRise(level, version)) continue;
      const message = `is not below ${version}; no level is ever lowered`;
      context.addIssue({ code: "custom", path: ["from", index], message });
    }
  });

export type Identity = z.infer<typeof identitySchema>;
export type Settings = z.infer<typeof settingsSchema>;
export type Aspects = z.infer<typeof aspectsSchema>;
