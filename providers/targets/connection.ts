import { z } from "zod";
import { durationSchema } from "../common/duration.js";
import { secretReferenceSchema } from "../common/secret.js";

const hostKeySchema = z
  .union([
    z.strictObject({ knownHosts: z.string().min(1).describe("an OpenSSH known_hosts file") }),
    z.strictObject({
      pinned: z
        .array(z.string().regex(/^(SHA256:[A-Za-z0-9+/]{43}=?|(ssh|ecdsa|sk)-\S+ [A-Za-z0-9+/=]+.*)$/))
        .min(1)
        .describe('fingerprints ("SHA256:…") or public keys ("ssh-ed25519 AAAA…"); one must match'),
    }),
    z.strictObject({
      insecureAcceptAny: z.literal(true).describe("accept any key; every preview and log keeps naming this"),
    }),
  ])
  .default({ knownHosts: "~/.ssh/known_hosts" })
  .describe("who the host has to be");

const authSchema = z
  .strictObject({
    agent: z
      .union([z.literal(true), z.string().min(1)])
      .optional()
      .describe("true = the agent at SSH_AUTH_SOCK; or a socket path"),
    keyFile: z.string().min(1).optional().describe("private key, OpenSSH or PEM format; ~ is the home directory"),
    passphrase: secretReferenceSchema.optional().describe("of an encrypted keyFile"),
    password: secretReferenceSchema.optional().describe("of the user"),
  })
  .refine((auth) => auth.agent !== undefined || auth.keyFile !== undefined || auth.password !== undefined, {
    message: "needs at least one of agent, keyFile, password",
  });

const hopSchema = z.strictObject({
  address: z.string().min(1).describe("host name or IP address to connect to"),
  port: z.number().int().min(1).max(65535).default(22).describe("of its SSH server"),
  user: z.string().min(1).describe("who logs in"),
  auth: authSchema.describe("how to log in; what is given is tried in this order: keyFile, agent, password"),
  hostKey: hostKeySchema,
});

/** How to reach a host over SSH. */
export const connectionSchema = hopSchema.extend({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
    .describe("what messages call this host"),
  jump: z
    .union([hopSchema, z.array(hopSchema).min(1)])
    .optional()
    .describe("a host to go through, or several, from this machine's side on; each is verified like any other"),
  sudo: z
    .union([z.literal(true), z.strictObject({ password: secretReferenceSchema })])
    .optional()
    .describe("read, write and run as root: true = sudo without a password"),
  stateDirectory: z
    .string()
    .default("/var/lib/pulumi-connections")
    .describe("folder on the host for locks, records, backups and logs of long commands; the same for all operators"),
  connectTimeout: durationSchema.default("20s").describe("limit of connecting and logging in"),
  operationTimeout: durationSchema.default("60s").describe("limit of one file operation or short command"),
});

export type Connection = z.infer<typeof connectionSchema>;
export type Hop = z.infer<typeof hopSchema>;

/** Every machine on the way with what messages call it, from this machine's side on; the host itself is the last. */
export function hopsTo(connection: Connection): readonly { readonly hop: Hop; readonly where: string }[] {
  const jumps = [connection.jump ?? []].flat();
  const number = (index: number) => (jumps.length > 1 ? `${index + 1} ` : "");
  return [
    ...jumps.map((hop, index) => ({ hop, where: `jump host ${number(index)}of ${connection.name}` })),
    { hop: connection, where: connection.name },
  ];
}
