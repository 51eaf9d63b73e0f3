import { z } from "zod";
import { durationSchema, milliseconds } from "../common/duration.js";
import { windowSchema } from "./window.js";

/** A lease must outlast a sign of life over a slow line, or live runs look dead. */
const SHORTEST_LEASE_MS = 5_000;

/** Settings that every kind has: how a run behaves, whatever it manages. */
export const runSettingsSchema = z.object({
  onDestroy: z
    .enum(["retain", "restore"])
    .default("retain")
    .describe("destroy leaves everything as it is, or puts back what was found at adoption, byte for byte"),
  takeOverFrom: z
    .string()
    .regex(/^[^/]+\/[^/]+$/, { message: 'must be "project/stack"' })
    .optional()
    .describe("the other stack whose things this one may take over"),
  maintenanceWindow: windowSchema.optional().describe("steps that users notice run only inside it"),
  onUnseenSteps: z
    .enum(["stop", "go"])
    .default("stop")
    .describe("when up would do more than the preview before it showed: stop before the first write, or go on"),
  lockWait: durationSchema
    .default("60s")
    .describe("how long to wait for another run on the same host; for one of the same pulumi command until deadline"),
  lockLease: durationSchema
    .refine((lease) => milliseconds(lease) >= SHORTEST_LEASE_MS, { message: "must be at least 5s" })
    .default("30s")
    .describe("a lock without a sign of life for this long is dead; its own stack takes it over"),
  deadline: durationSchema.default("30m").describe("limit of one whole create, update or delete"),
});

export type RunSettings = z.infer<typeof runSettingsSchema>;

/**
 * Lets one run go on outside the maintenance window; its value, the reason, is logged and stored with the run.
 * An environment variable, so that it cannot stay behind in the configuration.
 */
export const OUTSIDE_WINDOW_VARIABLE = "PULUMI_CONNECTIONS_OUTSIDE_WINDOW";
