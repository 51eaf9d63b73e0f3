import { setTimeout as delay } from "node:timers/promises";
import type { Kind } from "../../lifecycle/kind.js";
import { fileName, isCopyName } from "../../targets/plugin/copies.js";
import type { Pause } from "../../targets/plugin/refresh.js";
import { apply } from "./apply.js";
import { describe } from "./describe.js";
import type { RoutingDesired } from "./goal.js";
import { leavingHeldAlone } from "./held.js";
import { type Kept, type Live, observe } from "./live.js";
import { realPathOf } from "./neighbours.js";
import { plan } from "./plan.js";
import { UNREADABLE } from "./read-file.js";
import { release } from "./release.js";
import { type Aspects, aspectsSchema, type Identity, identitySchema, type Settings, settingsSchema } from "./schema.js";
import type { RoutingStep } from "./steps.js";
import { undo } from "./undo.js";

/** The kind with a clock of the caller's; a model's in tests. */
export const pluginRoutingOver = (pause: Pause): Kind<Identity, Settings, Aspects, Live, Kept, RoutingStep> =>
  leavingHeldAlone({
    type: "ihs:PluginRouting",
    schemaVersion: 1,
    identity: identitySchema,
    settings: settingsSchema,
    aspects: aspectsSchema,
    identify: ({ host, httpdConf }) => `${host}:${httpdConf}`,
    recordKey: ({ httpdConf }, files) => realPathOf(files, httpdConf),
    unshared: ({ verify: { connectTo } }) => ({
      property: "verify.connectTo",
      value: `${connectTo.address.toLowerCase()}:${connectTo.port}`,
      why: "one of the two would be proved by requests that the other answers; give each web server's own address",
    }),
    home: (_identity, settings) => settings.connection,
    observe,
    plan,
    apply: (step, context) => apply(step, context, pause),
    describe,
    adopt,
    beforeImages,
    release,
    undo: (context) => undo(context, pause),
  });

/**
 * Which node's members serve users: a copy of the generated plug-in file with other primaries, and the directive to it; or the
 * generated file itself, edited in place.
 */
export const pluginRouting = pluginRoutingOver((ms, signal) => delay(ms, undefined, { signal }));

/**
 * What runs when we come is taken for what the files say: nothing is reloaded to prove it. Unless the directive's file is
 * newer than the web server's last reload: then its time is left out, so that it counts as not loaded, and the next run
 * reloads and proves.
 */
function adopt(live: Live): Kept {
  const { directive, webServer } = live;
  const loaded = !webServer.editedAfterLoad && webServer.editedMs !== undefined;
  return {
    found: { ...(directive ? { directive } : {}), files: foundFiles(live) },
    proven: directive
      ? { path: directive.path, how: "as found", ...(loaded ? { editedMs: webServer.editedMs } : {}) }
      : null,
    written: {},
  };
}

/** The copies that were there, under names that we may write to. */
function foundFiles(live: Live): Record<string, string> {
  const copies = Object.values(live.files).filter(
    (file) => isCopyName(fileName(file.path)) && !["absent", UNREADABLE].includes(file.sha256),
  );
  return Object.fromEntries(copies.map((file) => [file.path, file.sha256]));
}

function beforeImages({ settings: { connection } }: RoutingDesired, live: Live) {
  const directive = live.directive
    ? [{ connection, path: live.directive.file, sha256: live.directive.fileSha256 }]
    : [];
  const copies = Object.entries(foundFiles(live)).map(([path, sha256]) => ({ connection, path, sha256 }));
  return [...directive, ...copies];
}
