import { z } from "zod";
import { durationSchema } from "../../common/duration.js";
import { connectionSchema } from "../../targets/connection.js";

export const identitySchema = z.strictObject({
  host: z.string().min(1).describe("name of the host's connection"),
  step: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/, {
      message: "must be a name of letters, digits, blanks, dots, underscores and hyphens",
    })
    .describe("what the step is called on that host"),
});

const httpSchema = z.strictObject({
  address: z.string().min(1).describe("where to connect to, from this machine"),
  port: z.number().int().min(1).max(65535).describe("where it listens"),
  tls: z
    .strictObject({
      ca: z
        .string()
        .regex(/^(\/|[A-Za-z]:[\\/])/, { message: "must be an absolute path" })
        .optional()
        .describe("PEM file on this machine with the issuing CA; default: the usual ones"),
    })
    .optional()
    .describe("present = HTTPS, always verified"),
  publicHost: z.string().min(1).optional().describe("sent as Host and as TLS server name; default: the address"),
  path: z
    .string()
    .regex(/^\/[^\s#]*$/, { message: 'must begin with "/" and hold no blanks' })
    .describe("page that shows that the step was done"),
  expectStatus: z.array(z.number().int().min(100).max(599)).min(1).default([200]).describe("accepted status codes"),
  expectText: z.string().min(1).optional().describe("text that the page has to hold"),
  timeout: durationSchema.default("10s").describe("limit of the request"),
});

const fileSchema = z.strictObject({
  path: z
    .string()
    .regex(/^(\/|[A-Za-z]:[\\/])[^\0\r\n]*$/, { message: "must be an absolute path" })
    .describe("file or folder on the host that has to be there"),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { message: "must be 64 hexadecimal digits in lower case" })
    .optional()
    .describe("of the file's content; default: any"),
});

export const settingsSchema = z.strictObject({
  connection: connectionSchema.describe("how to reach the host"),
  verify: z
    .strictObject({
      http: httpSchema.optional().describe("a page that shows it"),
      file: fileSchema.optional().describe("a file on the host that shows it"),
    })
    .refine(({ http, file }) => http !== undefined || file !== undefined, { message: "needs http, file or both" })
    .optional()
    .describe("how to see that the step was done, at every look; all of it has to be so"),
});

/** A day's grace: it is tomorrow somewhere already. */
const isNotAhead = (date: string): boolean => Date.parse(date) <= Date.now() + 24 * 3_600_000;

export const aspectsSchema = z.strictObject({
  instructions: z.string().min(1).describe("what a person has to do, in words that they can follow"),
  done: z
    .strictObject({
      by: z.string().min(1).describe("who did it"),
      on: z.iso.date().refine(isNotAhead, { message: "is in the future" }).describe("when, as 2026-11-23"),
    })
    .optional()
    .describe("says that it was done, as the instructions read then; a verification, if there is one, has to agree"),
});

export type Identity = z.infer<typeof identitySchema>;
export type Settings = z.infer<typeof settingsSchema>;
export type Aspects = z.infer<typeof aspectsSchema>;
