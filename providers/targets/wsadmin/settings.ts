import { z } from "zod";
import { durationSchema } from "../../common/duration.js";
import { secretReferenceSchema } from "../../common/secret.js";

/**
 * Without characters that a command interpreter or a Java property would take for its own. (No \p{Cc} and no flags: editors read this
 * pattern too.)
 */
export const wasPathSchema = z
  .string()
  .regex(
    /^(\/|[A-Za-z]:[\\/])[ !#%&(-:<-_a-~\u00a0-\uffff]+$/,
    'must be an absolute path without quotes, ";", "$" or control characters',
  )
  .transform((path) => path.replace(/(?<=.)[\\/]+$/, ""));

/** What WebSphere itself takes for names of cells, nodes and servers. */
export const wasNameSchema = z
  .string()
  .regex(
    /^(?![. ])[^\\/,:;"*?<>|=+&%'()[\]{}#$^!~@`\p{Cc}]+(?<! )$/u,
    "must be a name as WebSphere takes it: no blank or full stop in front, none of \\ / , : ; \" * ? < > | = + & % ' ( ) [ ] { } # $ ^ ! ~ @ `",
  );

/** Who logs in as a WebSphere administrator. Left out: as the profile's own soap.client.props and ipc.client.props say. */
export const administratorSchema = z.strictObject({
  user: z.string().min(1).describe("a WebSphere administrator"),
  password: secretReferenceSchema.describe("where the password is"),
});

/** How to reach a cell: the deployment manager as its own machine sees it. */
export const cellSchema = z.strictObject({
  profile: wasPathSchema.describe("root folder of the deployment manager's profile"),
  soapHost: z
    .string()
    .regex(/^[A-Za-z0-9:][A-Za-z0-9.:_-]*$/)
    .default("localhost")
    .describe("where the deployment manager listens, as seen from its own machine"),
  soapPort: z.number().int().min(1).max(65535).default(8879).describe("the deployment manager's SOAP port"),
  administrator: administratorSchema.optional(),
  cell: wasNameSchema.optional().describe("the cell's name; another one found there is refused"),
  timeout: durationSchema.default("5m").describe("limit of one wsadmin call, the start of its JVM included"),
});

/** How to reach a node's own scripts. */
export const nodeSchema = z.strictObject({
  node: wasNameSchema,
  profile: wasPathSchema.describe("root folder of the node's profile"),
  administrator: administratorSchema.optional(),
  timeout: durationSchema.default("3m").describe("limit of one short command, the start of its JVM included"),
});

/** Where the update installer of one Connections installation is. */
export const updateInstallerSchema = z.strictObject({
  installDir: wasPathSchema.describe("the Connections installation; its updateInstaller folder is used"),
  profile: wasPathSchema.describe("root folder of the deployment manager's profile"),
  administrator: administratorSchema.describe(
    "needed by the installer, which takes it as arguments only: no blanks in it",
  ),
  timeout: durationSchema.default("5m").describe("limit of one listing"),
});

export type Administrator = z.infer<typeof administratorSchema>;
export type CellConnection = z.infer<typeof cellSchema>;
export type NodeConnection = z.infer<typeof nodeSchema>;
export type UpdateInstallerSettings = z.infer<typeof updateInstallerSchema>;
