import type * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { ManagedResource, type RunArgs } from "../../lifecycle/resource.js";
import { type aspectsSchema, type identitySchema, settingsSchema } from "./schema.js";

type IdentityInput = z.input<typeof identitySchema>;
type SettingsInput = z.input<typeof settingsSchema>;
type AspectsInput = z.input<typeof aspectsSchema>;

/** A step for a person. The two of the identity are plain values; changing one makes it another step. */
export interface ManualStepArgs extends RunArgs {
  /** Name of the host: the same as `connection.name`. */
  host: IdentityInput["host"];
  /** What the step is called on that host. */
  step: IdentityInput["step"];

  /** How to reach the host over SSH: it remembers the step, and may hold the file that shows it. */
  connection: pulumi.Input<SettingsInput["connection"]>;
  /** A page or a file that shows that it was done. Default: nothing does, so `done` has to be said. */
  verify?: pulumi.Input<SettingsInput["verify"]>;

  /** What has to be done, in words that a person can follow. */
  instructions: pulumi.Input<AspectsInput["instructions"]>;
  /** Who did it, and when. */
  done?: pulumi.Input<AspectsInput["done"]>;
}

/**
 * What only a person can do, among what is done for them: until it is done, `up` stops here with the instructions, and nothing
 * that depends on it is begun (`dependsOn`). Done = the verification says so at every look, or, where nothing could show it,
 * somebody says so for these very instructions. What does not show any more is drift.
 */
export class ManualStep extends ManagedResource {
  constructor(name: string, args: ManualStepArgs, options?: pulumi.CustomResourceOptions) {
    super({ type: "manual:Step", settings: settingsSchema }, name, args, options);
  }
}
