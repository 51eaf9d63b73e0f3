import * as pulumi from "@pulumi/pulumi";
import { OWNER_KEY, PROVIDER_KEY } from "./inputs.js";
import { pointerText, typeToken } from "./pointer.js";
import type { RunSettings } from "./run-settings.js";
import { KEPT_KEY, LIVE_KEY } from "./state.js";

/** Inputs that every resource takes besides its own; see `RunSettings` for their meaning and defaults. */
export type RunArgs = { [Key in keyof RunSettings]?: pulumi.Input<RunSettings[Key]> };

/** Base of every resource class: sets type, provider text and owner, and declares what `read` and `up` answer. */
export abstract class ManagedResource extends pulumi.CustomResource {
  /** What was observed when the state was last written, as JSON text. */
  declare readonly live: pulumi.Output<string>;
  /** What the target remembers, the before-image above all, as JSON text. */
  declare readonly kept: pulumi.Output<string>;

  protected constructor(type: string, name: string, args: object, options?: pulumi.CustomResourceOptions) {
    super(
      typeToken(type),
      name,
      {
        // Declared, so that they become properties of the resource.
        [LIVE_KEY]: undefined,
        [KEPT_KEY]: undefined,
        ...args,
        [OWNER_KEY]: `${pulumi.getProject()}/${pulumi.getStack()}/${name}`,
        [PROVIDER_KEY]: pointerText(type),
      },
      // The whole of what was observed, for one changed line in it: `deviations` says in words what differs.
      pulumi.mergeOptions({ hideDiffs: [LIVE_KEY, KEPT_KEY] }, options),
    );
  }
}
