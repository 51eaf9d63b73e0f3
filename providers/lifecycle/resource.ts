import * as pulumi from "@pulumi/pulumi";
import { canonicalJson } from "../common/json.js";
import { OWNER_KEY, PROVIDER_KEY } from "./inputs.js";
import { pointerText, typeToken } from "./pointer.js";
import type { RunSettings } from "./run-settings.js";
import { parted, SETTINGS_KEY, type WithSettings } from "./settings-text.js";
import { KEPT_KEY, LIVE_KEY } from "./state.js";

/** Inputs that every resource takes besides its own; see `RunSettings` for their meaning and defaults. */
export type RunArgs = { [Key in keyof RunSettings]?: pulumi.Input<RunSettings[Key]> };

/** Base of every resource class: sets type, provider text and owner, and declares what `read` and `up` answer. */
export abstract class ManagedResource extends pulumi.CustomResource {
  /** What was observed when the state was last written, as JSON text. */
  declare readonly live: pulumi.Output<string>;
  /** What the target remembers, the before-image above all, as JSON text. */
  declare readonly kept: pulumi.Output<string>;

  /** How it is reached, proved and run, with every default, as JSON text; a secret as a whole where any part of it is one. */
  declare readonly settings: pulumi.Output<string>;

  /** @param args as documented, settings among them; they leave here as one text */
  protected constructor(
    kind: WithSettings & { readonly type: string },
    name: string,
    args: object,
    options?: pulumi.CustomResourceOptions,
  ) {
    const { type } = kind;
    const { settings, others } = parted(kind, { ...args });
    super(
      typeToken(type),
      name,
      {
        // Declared, so that they become properties of the resource.
        [LIVE_KEY]: undefined,
        [KEPT_KEY]: undefined,
        ...others,
        [SETTINGS_KEY]: pulumi.output(settings).apply(canonicalJson),
        [OWNER_KEY]: `${pulumi.getProject()}/${pulumi.getStack()}/${name}`,
        [PROVIDER_KEY]: pointerText(type),
      },
      // The whole of what was observed, for one changed line in it: `deviations` says in words what differs.
      pulumi.mergeOptions({ hideDiffs: [LIVE_KEY, KEPT_KEY] }, options),
    );
  }
}
