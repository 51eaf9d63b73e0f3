import type { Problem } from "../../common/problem.js";
import type { Impact } from "../../lifecycle/kind.js";
import { changeOf, changeText, type FixesDesired, isNothing } from "./goal.js";
import { isBefore, type Journal, type Kept, type Progress } from "./journal.js";
import { allStarted, allStopped, type Live, type LiveNode } from "./live.js";
import { isRouted, listsFor, routedNodes, routeKey } from "./routes.js";
import type { Change, RolloutStep, Target } from "./steps.js";

/** `Step` without what `push` fills in. */
type Action = RolloutStep extends infer S
  ? S extends RolloutStep
    ? Omit<S, "key" | "title" | "impact">
    : never
  : never;

interface NodeState {
  agent: LiveNode["agent"];
  members: "started" | "stopped" | "mixed" | "unknown";
  progress: Progress;
}

/**
 * All that is left to do, found by walking through the whole workflow on a copy of the facts: a step whose effect is there
 * already is left out, any other is put on the list and its effect is then taken for granted by those after it. So a plan
 * made after a crash is the tail of the plan made at the start, or a little more where something went backwards.
 */
export function workflow(desired: FixesDesired, live: Live, kept: Kept): { steps: RolloutStep[]; refusals: Problem[] } {
  return new Walk(desired, live, kept).all();
}

class Walk {
  private readonly steps: RolloutStep[] = [];
  private readonly refusals: Problem[] = [];
  private readonly nodes = new Map<string, NodeState>();
  private readonly strategy: FixesDesired["settings"]["strategy"];
  private readonly classic: boolean;
  private readonly journal: Journal | null;
  private readonly goingBack: boolean;
  private readonly turning: string | undefined;
  private readonly order: readonly string[];
  private readonly change: Change;
  private readonly startingOver: boolean;
  private readonly regenerated: boolean;
  private touched: boolean;
  private accepted: boolean;
  private drained: string | null;
  /** What was last proved; null = nothing may be taken for granted. */
  private routed: string | null;
  /** What the web servers' files will say by then. */
  private target: Target | "other";

  constructor(
    private readonly desired: FixesDesired,
    private readonly live: Live,
    kept: Kept,
  ) {
    const { settings } = desired;
    this.journal = kept.journal;
    this.strategy = settings.strategy;
    this.classic = settings.order === "classic";
    this.turning = turningBack(desired, live, kept.journal);
    this.goingBack = this.turning !== undefined || this.journal?.direction === "roll back";
    const turned = this.journal && this.goingBack ? { ...this.journal, direction: "roll back" as const } : this.journal;
    this.change = changeOf(desired, live, turned);
    this.touched = this.journal?.touched ?? false;
    // Somebody undid the installer's work behind our back: what was done after it counts no more.
    this.startingOver =
      this.turning === undefined &&
      this.journal?.accepted === true &&
      live.installer.running === "no" &&
      !isNothing(this.change);
    const anew = this.turning !== undefined || this.startingOver;
    this.regenerated = !anew && (this.journal?.regenerated ?? false);
    this.accepted = !anew && (this.journal?.accepted ?? false);
    this.drained = this.journal?.drained ?? null;
    this.routed = this.journal?.routed ?? null;
    this.target = "other";
    for (const node of live.nodes) {
      const progress = anew ? "behind" : (this.journal?.nodes[node.name] ?? "behind");
      this.nodes.set(node.name, { agent: node.agent, members: membersState(node), progress });
    }
    this.order =
      this.turning !== undefined || !this.journal ? orderOf(desired, live, this.journal) : this.journal.order;
  }

  all(): { steps: RolloutStep[]; refusals: Problem[] } {
    this.prepare();
    const treat = this.goingBack ? this.touched : true;
    if (treat && this.strategy === "offline") this.offline();
    else if (treat) this.rolling();
    if (this.refusals.length === 0) this.putRight();
    return { steps: this.steps, refusals: this.refusals };
  }

  private prepare(): void {
    const { journal } = this;
    const text = changeText(this.change);
    if (!journal)
      this.push("begin", `begin the rollout (${text}) and remember how everything was found`, {
        do: "begin",
        order: this.order,
      });
    else if (!this.live.control.here && this.turning === undefined)
      this.push("take-up", `take up the rollout ${journal.rollout} where it stopped`, { do: "take up" });
    if (this.turning !== undefined) {
      this.push("turn-back", `go back to how it was found: ${this.turning}`, {
        do: "turn back",
        order: this.order,
        reason: this.turning,
      });
    }
    for (const { name, hold } of this.live.webServers) {
      if (!journal?.finallyChecked && (!journal || hold?.rollout !== journal.rollout)) {
        this.push(`hold ${name}`, `hold the routing of ${name}: nothing else changes it until the rollout has ended`, {
          do: "hold",
          webServer: name,
        });
      }
    }
    if (!journal?.checked && !this.goingBack) {
      this.push(
        "check-first",
        "check, before anything is changed, that users get answers from every cluster and node",
        { do: "check first" },
      );
    }
    if (!journal?.backedUp && !this.goingBack) {
      this.push(
        "back-up",
        "back up the deployment manager's configuration, and the fixes', customization and provision folders",
        { do: "back up" },
      );
    }
    const routingAhead = !this.regenerated && (!this.goingBack || this.touched);
    if (this.strategy === "rolling" && this.automatic() && routingAhead) {
      this.push(
        "automatic-off",
        "turn off the automatic generation and propagation of plug-in files: they would overwrite the routing",
        { do: "automatic off" },
      );
    }
  }

  private automatic(): boolean {
    return this.live.webServers.some((webServer) => webServer.automatic !== "no");
  }

  private rolling(): void {
    const [lead, ...others] = this.order;
    if (lead === undefined) return;
    const installerDue = !isNothing(this.change) || this.live.installer.running === "yes" || !this.accepted;
    const leadDue = installerDue || this.state(lead).progress !== "proven";
    for (const node of others) {
      const { progress, members } = this.state(node);
      const inItsTurn = !leadDue && node === this.firstDue() && (this.classic || members === "stopped");
      if (progress === "behind" && !inItsTurn) this.stopAgent(node);
    }
    if (leadDue) {
      this.takeOut(lead);
      // A running agent brings the installer's work to its node while the installer is still at it, and restarts applications.
      // Where sessions stick to a backup, some users are still there: a stopped member passes them on, a restarting one fails.
      if (!this.classic) this.stopMembers(lead);
      this.startAgent(lead);
      this.runInstaller();
      if (this.routed === null) this.route({ without: lead }, "prove again, after the installer, that");
      this.synchronize(lead);
      this.renew(lead);
    }
    for (const node of others) {
      if (this.refusals.length > 0) return;
      if (this.state(node).progress === "proven") continue;
      if (this.classic) this.treatClassic(node);
      else this.treatSafe(node);
    }
  }

  private firstDue(): string | undefined {
    return this.order.find((node) => this.state(node).progress !== "proven");
  }

  /** Its users are elsewhere and its members stopped before its agent can restart anything under their feet. */
  private treatSafe(node: string): void {
    this.takeOut(node);
    this.stopMembers(node);
    this.startAgent(node);
    this.synchronize(node);
    this.renew(node);
  }

  /** As done by hand: the agent's first synchronization restarts applications that users are working in. */
  private treatClassic(node: string): void {
    if (this.requireServing(node)) return;
    if (this.state(node).progress === "behind") this.route({ asFound: true });
    this.startAgent(node, "degraded capacity");
    this.synchronize(node);
    this.renew(node, "any");
  }

  /** No new users for this node, then time for those it has. */
  private takeOut(node: string): void {
    if (this.requireServing(node)) return;
    this.route({ without: node });
    if (
      this.drained !== node &&
      this.state(node).members !== "stopped" &&
      isBefore(this.state(node).progress, "cleared")
    ) {
      this.push(
        `drain ${node}`,
        `let the users of ${node} finish: wait until its sessions or requests are few, ${this.desired.settings.drain.time} at most`,
        { do: "drain", node },
      );
      this.drained = node;
    }
  }

  /** Only one node may be out. */
  private requireServing(node: string): boolean {
    const out = [...this.nodes].filter(([name, state]) => name !== node && state.members !== "started");
    for (const [name, state] of out) {
      this.refusals.push({
        where: name,
        found: `its members are ${state.members === "mixed" ? "partly stopped" : state.members}, while ${node} is to be taken out of service`,
        allowed: "every member of every other node running",
        why: "All but one node have to serve users at every moment",
        next: `Start the members of ${name} and see that they answer, then run up again`,
      });
    }
    return out.length > 0;
  }

  private runInstaller(): void {
    const running = this.live.installer.running === "yes";
    if (isNothing(this.change) && !running && this.accepted) return;
    if (!this.touched || this.startingOver) {
      this.push("note-installer", "remember that the update installer is about to change the configuration", {
        do: "note installer",
      });
      this.touched = true;
    }
    const { install, uninstall } = this.change;
    if (running && (this.goingBack || isNothing(this.change))) {
      this.push("await-installer", "wait for the end of the update installer that is running (it is never killed)", {
        do: "await installer",
      });
      this.routed = null;
    }
    if (uninstall.length > 0) this.installer("uninstall", uninstall);
    if (install.length > 0) this.installer("install", install);
    if (!this.accepted) {
      this.push("accept-changes", "see which applications the installer changed, and that no other cluster runs them", {
        do: "accept changes",
      });
      this.accepted = true;
    }
  }

  private installer(action: "install" | "uninstall", ids: readonly string[]): void {
    const where =
      this.strategy === "offline" ? "" : "; its result stays on the deployment manager until a node is synchronized";
    this.push(action, `${action} ${ids.join(", ")} with the update installer (it is never killed)${where}`, {
      do: "installer",
      action,
      ids,
    });
    this.routed = null;
  }

  private synchronize(node: string): void {
    const state = this.state(node);
    if (state.progress !== "behind") return;
    this.push(
      `synchronize ${node}`,
      `synchronize ${node} in full and see every changed application distributed there`,
      { do: "synchronize", node },
      this.classic && this.desired.settings.strategy === "rolling" && node !== this.order[0]
        ? "degraded capacity"
        : "none",
    );
    state.progress = "fresh";
  }

  private stopMembers(
    node: string,
    routing: "without" | "any" = "without",
    impact: Impact = "degraded capacity",
  ): void {
    const state = this.state(node);
    if (state.members === "stopped" || !isBefore(state.progress, "cleared")) return;
    this.push(
      `stop-members ${node}`,
      `stop the members of ${node}${routing === "without" ? ", once every web server is seen to send users elsewhere" : ""}`,
      { do: "stop members", node, routing },
      impact,
    );
    state.members = "stopped";
  }

  /** Stopped, cleared, started, warm and proved. */
  private renew(node: string, routing: "without" | "any" = "without"): void {
    const state = this.state(node);
    this.stopMembers(node, routing);
    if (isBefore(state.progress, "cleared")) {
      this.push(`clear-temp ${node}`, `remove temporary files of the members of ${node} (never tranlog)`, {
        do: "clear temp",
        node,
      });
      state.progress = "cleared";
    }
    this.startMembers(node);
    this.probeMembers(node);
  }

  private startMembers(node: string): void {
    const state = this.state(node);
    if (state.members === "started") return;
    this.push(`start-members ${node}`, `start the members of ${node}`, { do: "start members", node });
    state.members = "started";
  }

  private probeMembers(node: string): void {
    const state = this.state(node);
    if (state.progress === "proven") return;
    this.push(`probe-members ${node}`, `warm up and probe each member of ${node} on its own port`, {
      do: "probe members",
      node,
    });
    state.progress = "proven";
  }

  /** HCL's documented order: everything stopped, agents running. */
  private offline(): void {
    const due = this.order.filter((node) => this.state(node).progress !== "proven");
    const installerDue = !isNothing(this.change) || this.live.installer.running === "yes" || !this.accepted;
    if (due.length === 0 && !installerDue) return;
    for (const node of this.order) this.startAgent(node);
    for (const node of installerDue ? this.order : due) this.stopMembers(node, "any", "outage");
    this.runInstaller();
    for (const node of due) this.synchronize(node);
    for (const node of due) this.renew(node, "any");
  }

  /** Everything that is not a fix, as it was found. */
  private putRight(): void {
    const { journal } = this;
    if (this.goingBack && !this.touched) for (const node of this.order) this.restoreUntouched(node);
    if (this.strategy === "rolling") {
      if (this.requireAllServing()) this.route({ asFound: true });
      if (this.touched && !this.regenerated) {
        this.push(
          "regenerate",
          "generate the plug-in files again under control, and put them in place where they differ",
          { do: "regenerate" },
        );
      }
      if (this.automaticWasOn()) {
        this.push("automatic-on", "turn the automatic generation and propagation of plug-in files on again", {
          do: "automatic on",
        });
      }
    }
    if (this.touched && !this.goingBack && this.desired.settings.versionStamp && !journal?.stamped) {
      this.push("stamp", "renew the version stamp, so that browsers fetch what is new", { do: "stamp" });
    }
    if (!journal?.finallyChecked) {
      this.push("final-check", "check once more that every web server, cluster and node answers", {
        do: "final check",
      });
    }
    for (const { name, hold } of this.live.webServers) {
      if (journal?.finallyChecked && hold?.rollout !== journal.rollout) continue;
      this.push(`release ${name}`, `give the routing of ${name} free again`, { do: "release", webServer: name });
    }
    this.push("end", this.goingBack ? "close the rollout, which went back" : "close the rollout", { do: "end" });
  }

  /** A node that is down must not be given users. */
  private requireAllServing(): boolean {
    for (const [name, { members }] of this.nodes) {
      if (members === "started") continue;
      this.refusals.push({
        where: name,
        found: `its members are ${members === "mixed" ? "partly stopped" : members}, while users are to be sent to it again`,
        next: `Start the members of ${name} and see that they answer, then run up again`,
      });
    }
    return this.refusals.length === 0;
  }

  private automaticWasOn(): boolean {
    const isOn = (name: string) => this.live.webServers.some((each) => each.name === name && each.automatic === "yes");
    if (this.steps.some((step) => step.do === "automatic off")) return true;
    return Object.keys(this.journal?.found.automatic ?? {}).some((name) => !isOn(name));
  }

  /** Nothing was installed, so its agent brings nothing new and its members are as good as they were. */
  private restoreUntouched(node: string): void {
    if (this.state(node).members !== "started") {
      this.startMembers(node);
      this.probeMembers(node);
    }
    if (!this.journal?.found.agentsStopped.includes(node)) this.startAgent(node);
  }

  private stopAgent(node: string): void {
    const state = this.state(node);
    if (state.agent === "stopped") return;
    this.push(
      `stop-agent ${node}`,
      `stop the node agent of ${node}, so that nothing reaches its members before their turn`,
      { do: "stop agent", node },
    );
    state.agent = "stopped";
  }

  private startAgent(node: string, impact: Impact = "none"): void {
    const state = this.state(node);
    if (state.agent === "running") return;
    this.push(
      `start-agent ${node}`,
      `start the node agent of ${node}; its first synchronization is a full one`,
      { do: "start agent", node },
      impact,
    );
    state.agent = "running";
  }

  private route(target: Target, words?: string): void {
    const { live, desired, journal } = this;
    const lists = listsFor(desired, live, journal, target);
    const key = routeKey(target, lists);
    const inFile =
      this.target === "other" ? isRouted(live, lists) : JSON.stringify(this.target) === JSON.stringify(target);
    if (inFile && this.routed === key) return;
    const name = "without" in target ? `without ${target.without}` : "as found";
    const what =
      "without" in target ? `users reach every node but ${target.without}` : "users are routed as they were found";
    const again = words !== undefined;
    this.push(
      `route ${name}${again ? " again" : this.routeCount(name)}`,
      again ? `${words} ${what}` : `route and prove by CloneIDs on every web server that ${what}`,
      { do: "route", target, lists },
      again ? "none" : "degraded capacity",
    );
    this.routed = key;
    this.target = target;
  }

  /** The classic order comes by the same route more than once. */
  private routeCount(name: string): string {
    const before = this.steps.filter((step) => step.key.startsWith(`route ${name}`)).length;
    return before === 0 ? "" : ` (${before + 1})`;
  }

  private state(node: string): NodeState {
    const state = this.nodes.get(node);
    if (!state) throw new RangeError(`no node ${node}`);
    return state;
  }

  private push(key: string, title: string, action: Action, impact: Impact = "none"): void {
    this.steps.push({ key, title, impact, ...action } as RolloutStep);
  }
}

function membersState(node: LiveNode): NodeState["members"] {
  if (node.members.some((member) => member.state === "unknown")) return "unknown";
  if (allStarted(node)) return "started";
  return allStopped(node) ? "stopped" : "mixed";
}

/** Why the rollout has to turn round now; undefined when it goes on in the direction it has. */
function turningBack(desired: FixesDesired, live: Live, journal: Journal | null): string | undefined {
  if (!journal || journal.direction === "roll back" || journal.finallyChecked) return undefined;
  if (live.control.request === "roll back") return live.control.reason;
  if (!live.control.here && desired.settings.onInterrupted === "roll back") return "it was interrupted (onInterrupted)";
  return undefined;
}

/** The declared order; going back, a node that is out already comes first, since only one may be out. */
function orderOf(desired: FixesDesired, live: Live, journal: Journal | null): readonly string[] {
  const declared = live.nodes.map((node) => node.name);
  if (!journal) return declared;
  const served = routedNodes(desired, live);
  const out =
    live.nodes.find((node) => !allStarted(node))?.name ??
    declared.find((node) => !served.has(node)) ??
    journal.order[0];
  return [...declared].sort((a, b) => Number(b === out) - Number(a === out));
}
