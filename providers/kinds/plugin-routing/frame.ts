import type { ClusterRouting } from "../../formats/routing.js";
import { fileName } from "../../targets/plugin/copies.js";
import { refreshWaitMs } from "../../targets/plugin/refresh.js";
import { AS_GENERATED } from "../../targets/plugin/schema.js";
import type { RoutingDesired } from "./goal.js";
import type { CopyRecipe, EditRecipe, RoutingStep } from "./steps.js";

export interface Frame {
  /** Probed after the switch. */
  readonly clusters: readonly string[];
  /** Probed before: not those that the file in place does not know yet. */
  readonly before: readonly string[];
  readonly reachableOnly: readonly string[];
  /** The node, or `AS_GENERATED` where the lists of the file itself decide. */
  readonly to: string;
  readonly path: string;
  /** What the file at `path` is to say by the proof, as far as that is known now. */
  readonly lists: Readonly<Record<string, ClusterRouting>>;
  /** The generated file is as generated at the proof. */
  readonly asGenerated: boolean;
  /** What is wrong with the file in force, in words. */
  readonly damage: string | undefined;
  /** How what is on disk comes into force: by a reload, or by itself within so many seconds. */
  readonly by: "reload" | { readonly intervalSeconds: number };
}

/** Changes on disk stand between a check that all is well before and a switch with its proof after. */
export function framed({ settings }: RoutingDesired, changes: readonly RoutingStep[], frame: Frame): RoutingStep[] {
  const back = frame.to === AS_GENERATED;
  const routed = frame.clusters.filter((name) => !frame.reachableOnly.includes(name));
  const served = back ? `as ${fileName(frame.path)} says` : `by ${frame.to}`;
  const proofs = [
    ...(routed.length > 0 ? [`${routed.join(", ")} are served ${served}`] : []),
    ...(frame.reachableOnly.length > 0 ? [`${frame.reachableOnly.join(", ")} answer`] : []),
  ];
  const before =
    frame.before.length > 0
      ? `that users get answers: ${frame.before.join(", ")}`
      : "the web server's configuration; no probed cluster is in force yet";
  return [
    {
      key: "check-first",
      title: `check, before anything is changed, ${before}`,
      impact: "none",
      clusters: frame.before,
      level: back ? "reachable" : "answering",
      path: frame.path,
      reloads: frame.by === "reload",
      ...(frame.damage === undefined ? {} : { damage: frame.damage }),
      ...recorded(changes),
    },
    ...changes,
    switching(settings.webServer, frame, back),
    {
      key: "prove",
      title: `prove with ${settings.verify.samples} requests each that ${proofs.join(" and ")}`,
      impact: "none",
      path: frame.path,
      clusters: frame.clusters,
      reachableOnly: frame.reachableOnly,
      lists: Object.fromEntries(Object.entries(frame.lists).filter(([name]) => frame.clusters.includes(name))),
      inWords: back ? `on primaries of ${fileName(frame.path)}` : `on ${frame.to}`,
      waitingFor: frame.by === "reload" ? "old processes to end" : "every process to have read the file again",
      asGenerated: frame.asGenerated,
    },
  ];
}

function switching(webServer: string, { by, to }: Frame, back: boolean): RoutingStep {
  if (by !== "reload") {
    return {
      key: "wait-for-refresh",
      title: `wait until every process of ${webServer} has read the file again (RefreshInterval ${by.intervalSeconds} s)`,
      impact: "none",
      atLeastMs: refreshWaitMs(by.intervalSeconds),
      ...by,
    };
  }
  return {
    key: "reload",
    title: `reload ${webServer} gracefully${back ? "" : `: users move to ${to}`}; a few connections may be reset`,
    // Measured on Apache httpd under load: mpm_worker resets almost no connection at a graceful reload, mpm_event about
    // one per client; which one a given IBM HTTP Server runs cannot be told from here. Users stay logged in (LTPA), but
    // sessions that were kept in memory alone start anew on the other node. Hence more than "none" and no outage.
    impact: "degraded capacity",
  };
}

/** What has to be known of the changes before the first of them is made. */
function recorded(changes: readonly RoutingStep[]): {
  readonly touches: Readonly<Record<string, string>>;
  readonly copy?: CopyRecipe;
  readonly edit?: EditRecipe;
} {
  const copy = changes.find((step) => step.key === "write-copy")?.copy;
  const edit = changes.find((step) => step.key === "edit-in-place")?.edit;
  const restored = changes.flatMap((step) => ("sha256" in step ? [[step.path, step.expected] as const] : []));
  const touches = Object.fromEntries([
    ...(copy ? [[copy.path, copy.expected] as const] : []),
    ...(edit ? [[edit.path, edit.expected] as const] : []),
    ...restored,
  ]);
  return { touches, ...(copy ? { copy } : {}), ...(edit ? { edit } : {}) };
}
