import type { Step } from "../../lifecycle/kind.js";
import type { Progress } from "./journal.js";
import type { Lists } from "./live.js";
import type { Way } from "./switching.js";

/** Where users are sent: past one node, or as it was found. */
export type Target = { readonly without: string } | { readonly asFound: true };

/** Web server → cluster → servers. */
export type WantedLists = Readonly<Record<string, Lists>>;

/**
 * Where users are while a node's members stop. "elsewhere": every web server was seen to send them to other nodes; "everywhere":
 * on this node too, as in the classic order; either way the other nodes have to serve. "nowhere": nobody serves any more.
 */
export type Users = "elsewhere" | "everywhere" | "nowhere";

/** Web server → how it is brought to its lists. */
export type Ways = Readonly<Record<string, Way>>;

/** What is to become of the installed fixes. */
export interface Change {
  readonly install: readonly string[];
  readonly uninstall: readonly string[];
}

/** How far nodes were seen to be, and what a synchronization has to bring to those that are "behind". */
export interface Standing {
  readonly nodes: Readonly<Record<string, Progress>>;
  readonly applications: readonly string[];
}

/** One action of a rollout. `do` says which; what it needs stands beside it. */
export type RolloutStep = Step & {
  /** It brings back a node that too few serve without: nothing that was asked for since, and no other host, keeps it from that. */
  readonly bringsBack?: true;
} & (
    | { readonly do: "begin"; readonly order: readonly string[]; readonly catchUp?: Standing }
    | { readonly do: "take up" }
    | { readonly do: "give up"; readonly name: string; readonly because: string }
    | { readonly do: "turn back"; readonly order: readonly string[]; readonly reason: string }
    | { readonly do: "hold"; readonly webServer: string }
    | { readonly do: "release"; readonly webServer: string }
    | { readonly do: "check first" }
    | { readonly do: "back up" }
    | { readonly do: "automatic off" }
    | { readonly do: "automatic on" }
    | { readonly do: "compare files" }
    | { readonly do: "stop agent"; readonly node: string }
    | { readonly do: "start agent"; readonly node: string }
    | { readonly do: "note rerouted" }
    | { readonly do: "note back"; readonly node: string }
    | { readonly do: "note behind"; readonly standing: Standing }
    | {
        readonly do: "route";
        readonly target: Target;
        readonly lists: WantedLists;
        readonly ways: Ways;
        /** Every web server does so already, and nothing is written. */
        readonly onlyProves: boolean;
      }
    | { readonly do: "prove route"; readonly target: Target; readonly lists: WantedLists; readonly ways: Ways }
    | { readonly do: "drain"; readonly node: string }
    | { readonly do: "note installer" }
    | { readonly do: "await installer" }
    | { readonly do: "installer"; readonly action: "install" | "uninstall"; readonly ids: readonly string[] }
    | { readonly do: "accept changes" }
    | { readonly do: "synchronize"; readonly node: string }
    | { readonly do: "stop members"; readonly node: string; readonly users: Users }
    | { readonly do: "clear temp"; readonly node: string }
    | { readonly do: "start members"; readonly node: string }
    | { readonly do: "probe members"; readonly node: string }
    | { readonly do: "look again"; readonly node: string }
    | { readonly do: "end run"; readonly node: string }
    | { readonly do: "regenerate" }
    | { readonly do: "stamp" }
    | { readonly do: "final check" }
    | { readonly do: "end" }
  );
