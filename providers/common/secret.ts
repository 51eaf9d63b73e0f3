import { z } from "zod";

/**
 * Where a credential is, never the credential itself: it is resolved in the provider process at every use, so that it is
 * neither stored in state nor stale after a rotation.
 */
export const secretReferenceSchema = z.union([
  z.strictObject({ env: z.string().min(1).describe("name of an environment variable of the pulumi command") }),
  z.strictObject({ file: z.string().min(1).describe("file on this machine; one trailing line end is removed") }),
  z.strictObject({
    command: z.array(z.string()).min(1).describe("program and arguments; its first output line is the secret"),
  }),
]);

export type SecretReference = z.infer<typeof secretReferenceSchema>;
