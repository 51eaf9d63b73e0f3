import type { ClusterRouting } from "../../formats/routing.js";
import type { Step } from "../../lifecycle/kind.js";
import type { ProofLevel } from "../../targets/plugin/verify.js";
import type { InPlace } from "./live.js";

/** A copy of the generated file with other primaries. */
export interface CopyRecipe {
  readonly path: string;
  /** What is there now. */
  readonly expected: string | "absent";
  readonly sourcePath: string;
  readonly sourceSha256: string;
  readonly wanted: Readonly<Record<string, ClusterRouting>>;
}

/** Other lists in the generated file itself. */
export interface EditRecipe {
  readonly path: string;
  /** What is there now. */
  readonly expected: string;
  /** Of the clusters that change. */
  readonly lists: Readonly<Record<string, ClusterRouting>>;
  /** To be remembered before the edit. */
  readonly inPlace: InPlace;
}

export type RoutingStep = Step &
  (
    | {
        readonly key: "check-first";
        readonly clusters: readonly string[];
        readonly level: ProofLevel;
        /** The file that the directive is to name. */
        readonly path: string;
        /** Paths that this plan replaces or creates, with what is there now. */
        readonly touches: Readonly<Record<string, string | "absent">>;
        readonly copy?: CopyRecipe;
        readonly edit?: EditRecipe;
        /** What is wrong with the file that the web server follows, and may itself be why probes are red. */
        readonly damage?: string;
        /** The plan reloads the web server. */
        readonly reloads: boolean;
      }
    | { readonly key: "write-copy"; readonly copy: CopyRecipe }
    | {
        readonly key: "edit-in-place";
        readonly edit: EditRecipe;
        /** The web server follows the file now, so users move as soon as it is written. */
        readonly followed: boolean;
      }
    | {
        readonly key: `restore ${string}`;
        readonly path: string;
        readonly expected: string;
        readonly sha256: string;
        readonly followed: boolean;
      }
    | {
        readonly key: "point-directive";
        /** As it is to stand in the file. */
        readonly value: string;
        /** The whole file as it was at adoption, if nothing else changed in it since. */
        readonly restoresFound?: true;
      }
    | { readonly key: "reload" }
    | { readonly key: "wait-for-refresh"; readonly intervalSeconds: number }
    | {
        readonly key: "prove";
        readonly path: string;
        readonly clusters: readonly string[];
        /** Of these it can only be proved that they answer. */
        readonly reachableOnly: readonly string[];
        /** What the file at `path` then says of the clusters; of one that is not in here, nobody can tell before. */
        readonly lists: Readonly<Record<string, ClusterRouting>>;
        /** Where the requests have to arrive, for people: "on node2". */
        readonly inWords: string;
        /** What may put wrong answers right for a while, for people. */
        readonly waitingFor: string;
        /** The generated file is as generated then: nothing of an edit in place is left to remember. */
        readonly asGenerated: boolean;
      }
    | { readonly key: "forget-edit" }
    | { readonly key: `remove ${string}`; readonly path: string; readonly expected: string }
  );
