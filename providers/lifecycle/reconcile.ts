import { milliseconds } from "../common/duration.js";
import { formatProblem, type Problem, ProblemError, problemsOf } from "../common/problem.js";
import type { Host } from "../targets/host.js";
import { hostKeyWarnings } from "../targets/host-keys.js";
import { backUp, fromBackup } from "./backups.js";
import type { AnyDesired, AnyKind, ParsedInputs } from "./inputs.js";
import { interruption } from "./interrupt.js";
import type { Access, ApplyContext, Plan, Step } from "./kind.js";
import { acquireLock, type Lock, operator } from "./lock.js";
import { loadRecord, removeRecord, type StoredRecord, saveRecord, stackOf, type TargetRecord } from "./record.js";
import { planLines, type Say, seconds } from "./report.js";
import { OUTSIDE_WINDOW_VARIABLE, type RunSettings } from "./run-settings.js";
import { describeWindow, isOpen } from "./window.js";

/** A step whose outcome is unknown (lost answer, cut line) is tried this many times, after observing that it is still due. */
const TRIES_PER_STEP = 2;

export interface Reconciled {
  readonly live: object;
  readonly kept: object;
  readonly claim: string;
}

/** Thrown after the first write: what is there now, so that the state can say so and the next `up` goes on from it. */
export class PartialFailure extends ProblemError {
  constructor(
    problems: readonly Problem[],
    cause: ProblemError["cause"],
    readonly reached: Reconciled | undefined,
  ) {
    super(cause, problems);
  }
}

export interface ReconcileRequest {
  readonly kind: AnyKind;
  readonly inputs: ParsedInputs;
  /** A new claim for `create`; the stored one for `update`. */
  readonly claim: string;
  /** The plan that the last preview showed; undefined when none was shown (a create). */
  readonly shown?: Plan;
  readonly access: Access;
  readonly say: Say;
  /** Where the plan goes: the same lines as the preview before, so a caller may leave out what was said already. */
  readonly sayPlan: Say;
  readonly now?: () => Date;
}

/** Both create and update: lock, observe, plan, print, apply, observe again. The plan must then be empty. */
export async function reconcile(request: ReconcileRequest): Promise<Reconciled> {
  const run = new Run(request);
  return run.locked("reconcile", () => run.converge());
}

/** Puts the before-image back and forgets the thing. Nothing happens when another owner or a newer claim holds it. */
export async function release(request: ReconcileRequest): Promise<void> {
  const run = new Run(request);
  await run.locked("destroy", () => run.letGo());
}

/** One create, update or delete of one resource. */
class Run {
  private readonly kind: AnyKind;
  private readonly desired: AnyDesired;
  private readonly settings: RunSettings;
  private readonly owner: string;
  private readonly id: string;
  private readonly home: Host;
  private readonly warnings: readonly string[];
  private readonly access: Access;
  private readonly say: Say;
  private readonly signal: AbortSignal;
  private lock: Lock | undefined;
  private stored: StoredRecord | undefined;

  constructor(private readonly request: ReconcileRequest) {
    this.kind = request.kind;
    this.desired = request.inputs.desired;
    this.settings = request.inputs.run;
    this.owner = request.inputs.owner;
    this.id = this.kind.identify(this.desired.identity);
    this.access = request.access;
    const connection = this.kind.home(this.desired.identity, this.desired.settings);
    this.home = this.access.host(connection);
    this.warnings = hostKeyWarnings(connection);
    this.say = request.say;
    this.signal = AbortSignal.any([interruption(), AbortSignal.timeout(milliseconds(this.settings.deadline))]);
  }

  private get title(): string {
    return `${this.kind.type} ${this.id}`;
  }

  async locked<T>(why: string, work: () => Promise<T>): Promise<T> {
    for (const warning of this.warnings) this.request.sayPlan(warning);
    return exclusively(this.home, async () => {
      this.lock = await acquireLock(this.home, {
        owner: this.owner,
        why: `${why} ${this.title}`,
        waitMs: milliseconds(this.settings.lockWait),
        leaseMs: milliseconds(this.settings.lockLease),
        onWait: this.say,
      });
      try {
        this.stored = await loadRecord(this.home.files, this.home, this.kind.type, this.id);
        return await work();
      } finally {
        // The work's own outcome matters more than a lock that could not be removed: its lease ends by itself.
        await this.lock.release().catch((error) => this.say(`[${this.home.name}] the lock stays behind: ${error}`));
      }
    });
  }

  async converge(): Promise<Reconciled> {
    this.refuseForeignOwner();
    const live = await this.observe();
    const adopting = this.stored === undefined;
    const kept = this.stored?.record.kept ?? this.kind.adopt(live);
    const plan = this.kind.plan(this.desired, live, kept);
    this.refuse(plan);
    this.refuseUnseen(plan);
    const outsideWindow = this.refuseOutsideWindow(plan);
    const lines = planLines(adopting ? `${this.title} (adopted as found)` : this.title, plan);
    for (const line of lines) this.request.sayPlan(line);
    if (adopting && lines.length === 0) this.say(`${this.title}: adopted as found, nothing to do`);

    if (adopting) await this.backUpBeforeImages(live);
    const previous = this.stored?.record;
    const owned = previous?.owner === this.owner && previous.claim === this.request.claim;
    if (!owned || previous.run) await this.save({ kept, run: undefined });
    if (plan.steps.length === 0) return { live, kept, claim: this.request.claim };
    return this.execute(plan, live, kept, outsideWindow);
  }

  async letGo(): Promise<void> {
    const record = this.stored?.record;
    if (!record || record.owner !== this.owner || record.claim !== this.request.claim) {
      this.say(
        `${this.title}: left alone, ${record ? `it now belongs to ${record.owner}` : "nothing is recorded about it"}`,
      );
      return;
    }
    if (this.settings.onDestroy === "restore") {
      const live = await this.observe();
      const plan = this.kind.release(this.desired, live, record.kept);
      this.refuse(plan);
      const outsideWindow = this.refuseOutsideWindow(plan);
      for (const line of planLines(`${this.title} (restoring what was found at adoption)`, plan))
        this.request.sayPlan(line);
      if (plan.steps.length > 0) await this.execute(plan, live, record.kept, outsideWindow, "release");
    } else {
      this.say(`${this.title}: retained as it is (onDestroy: retain)`);
    }
    if (this.stored) await removeRecord(this.home, this.stored);
  }

  private observe(): Promise<object> {
    return this.kind.observe(this.desired.identity, this.desired.settings, this.access);
  }

  /** Runs a plan's steps; a step with an unknown outcome is observed and, when still due, tried once more. */
  private async execute(
    first: Plan,
    before: object,
    keptBefore: object,
    outsideWindow: string | undefined,
    mode: "plan" | "release" = "plan",
  ): Promise<Reconciled> {
    let live = before;
    let kept = keptBefore;
    let todo = [...first.steps];
    const all = first.steps.map((step) => step.key);
    const done: Step[] = [];
    const tries = new Map<string, number>();
    const replan = (seen: object) =>
      mode === "plan" ? this.kind.plan(this.desired, seen, kept) : this.kind.release(this.desired, seen, kept);
    const saveRun = (): Promise<void> =>
      this.save({
        kept,
        run: {
          startedAt: new Date().toISOString(),
          by: operator(),
          steps: all,
          done: done.map((step) => step.key),
          ...(outsideWindow ? { outsideWindow } : {}),
        },
      });

    await saveRun();
    while (todo.length > 0) {
      const step = todo[0] as Step;
      const started = performance.now();
      try {
        this.signal.throwIfAborted();
        await this.lock?.assertHeld();
        this.progress(done.length + 1, done.length + todo.length, step.title);
        const patch = await this.kind.apply(step, this.context(live, kept, done.length + 1, done.length + todo.length));
        kept = { ...kept, ...(patch ?? {}) };
        done.push(step);
        todo = todo.slice(1);
        await saveRun();
        this.progress(done.length, done.length + todo.length, `done in ${seconds(performance.now() - started)}`);
      } catch (error) {
        const tried = (tries.get(step.key) ?? 0) + 1;
        tries.set(step.key, tried);
        if (!isUnknownOutcome(error) || tried >= TRIES_PER_STEP || this.signal.aborted) {
          throw await this.failed(step, done, error, live, kept);
        }
        this.say(
          `[${this.home.name}] outcome unknown, looking again: ${formatProblem(problemsOf(error, this.title)[0] as Problem)}`,
        );
        live = await this.observe().catch(async (again) => {
          throw await this.failed(step, done, again, live, kept);
        });
        todo = [...replan(live).steps];
      }
    }
    return this.verify(replan, kept);
  }

  /** Success is the re-observed state, nothing else. */
  private async verify(replan: (live: object) => Plan, kept: object): Promise<Reconciled> {
    const live = await this.observe();
    const reached = { live, kept, claim: this.request.claim };
    const left = replan(live);
    if (left.steps.length > 0 || left.refusals.length > 0) {
      throw new PartialFailure(
        [
          {
            where: this.title,
            found: `every step was done, yet the live system still differs: ${[...left.steps.map((step) => step.title), ...left.refusals.map(formatProblem)].join("; ")}`,
            why: "Something else is changing the same settings, or a step had no effect",
            next: "Run pulumi preview to see what differs now",
          },
        ],
        "not-converged",
        reached,
      );
    }
    await this.save({ kept, run: undefined });
    return reached;
  }

  private async failed(
    step: Step,
    done: readonly Step[],
    error: unknown,
    live: object,
    keptBefore: object,
  ): Promise<PartialFailure> {
    const where = `${this.title}, step "${step.title}"`;
    const problems: Problem[] = [...problemsOf(error, where)];
    const cause = error instanceof ProblemError ? error.cause : this.signal.aborted ? "interrupted" : "command-failed";
    if (this.kind.undo && !this.signal.aborted) {
      try {
        const context = this.context(live, keptBefore, done.length + 1, done.length + 1);
        const story = await this.kind.undo({ ...context, failed: step, done, error });
        problems.push(...story.map((line) => ({ where: this.title, found: line })));
      } catch (undoError) {
        problems.push(
          ...problemsOf(undoError, this.title).map((problem) => ({
            ...problem,
            found: `putting things back failed too: ${problem.found}`,
          })),
        );
      }
    }
    const reached = await this.observe().then(
      (now) => ({ live: now, kept: keptBefore, claim: this.request.claim }),
      () => undefined,
    );
    if (this.signal.aborted) {
      problems.push({
        where: this.title,
        found: "stopped between two steps",
        next: "Run pulumi up to go on from here",
      });
    }
    return new PartialFailure(problems, cause, reached ?? { live, kept: keptBefore, claim: this.request.claim });
  }

  private context(live: object, kept: object, index: number, of: number): ApplyContext<AnyDesired, object, object> {
    return {
      host: (connection) => this.access.host(connection),
      files: (connection) => this.access.files(connection),
      desired: this.desired,
      live,
      kept,
      signal: this.signal,
      progress: (line) => this.progress(index, of, line),
      backUp,
      fromBackup,
    };
  }

  private progress(index: number, of: number, line: string): void {
    this.say(`[${this.home.name} ${index}/${of}] ${line}`);
  }

  private async save(changes: { readonly kept: object; readonly run: TargetRecord["run"] }): Promise<void> {
    const record: TargetRecord = {
      version: 1,
      type: this.kind.type,
      id: this.id,
      owner: this.owner,
      claim: this.request.claim,
      adoptedAt: this.stored?.record.adoptedAt ?? new Date().toISOString(),
      kept: changes.kept,
      ...(changes.run ? { run: changes.run } : {}),
    };
    this.stored = await saveRecord(this.home, record, this.stored);
  }

  private async backUpBeforeImages(live: object): Promise<void> {
    for (const image of this.kind.beforeImages?.(this.desired, live) ?? []) {
      const host = this.access.host(image.connection);
      const content = await host.files.read(image.path);
      if (content?.sha256 !== image.sha256) {
        throw new ProblemError("changed-meanwhile", {
          where: `${host.name}:${image.path}`,
          found: "the file changed while it was being adopted",
          why: "What was there before must be backed up exactly",
          next: "Run up again",
        });
      }
      await backUp(host, content.bytes);
    }
  }

  private refuseForeignOwner(): void {
    const owner = this.stored?.record.owner;
    if (!owner || stackOf(owner) === stackOf(this.owner) || stackOf(owner) === this.settings.takeOverFrom) return;
    throw new ProblemError("not-owner", {
      where: this.title,
      found: `managed by ${owner}`,
      allowed: `a resource of ${stackOf(this.owner)}`,
      why: "Two stacks that manage one thing would undo each other's changes",
      next: `If this stack is to manage it from now on, set takeOverFrom: ${stackOf(owner)}`,
    });
  }

  private refuse(plan: Plan): void {
    if (plan.refusals.length > 0) throw new ProblemError("refused", plan.refusals);
  }

  private refuseUnseen(plan: Plan): void {
    const shown = this.request.shown;
    if (!shown || this.settings.onUnseenSteps === "go") return;
    const seen = new Set(shown.steps.map((step) => step.key));
    const unseen = plan.steps.filter((step) => !seen.has(step.key));
    if (unseen.length === 0) return;
    throw new ProblemError("refused", {
      where: this.title,
      found: `the live system changed since the preview; now also due: ${unseen.map((step) => step.title).join("; ")}`,
      allowed: "the steps that the preview showed",
      why: "You agreed to what you were shown",
      next: "Run up again to see the new plan, or set onUnseenSteps: go",
    });
  }

  /** The override's reason when the run goes on outside its window. */
  private refuseOutsideWindow(plan: Plan): string | undefined {
    const window = this.settings.maintenanceWindow;
    const noticed = plan.steps.filter((step) => step.impact !== "none");
    if (!window || noticed.length === 0 || isOpen(window, this.request.now?.() ?? new Date())) return undefined;
    const reason = process.env[OUTSIDE_WINDOW_VARIABLE];
    if (reason) {
      this.say(`[${this.home.name}] outside the maintenance window ${describeWindow(window)}, allowed once: ${reason}`);
      return reason;
    }
    throw new ProblemError("outside-window", {
      where: this.title,
      found: `steps that users notice are due: ${noticed.map((step) => `${step.title} [${step.impact}]`).join("; ")}`,
      allowed: `inside the maintenance window ${describeWindow(window)}`,
      next: `Wait for the window, or allow this one run with ${OUTSIDE_WINDOW_VARIABLE}="<reason>"`,
    });
  }
}

const isUnknownOutcome = (error: unknown): boolean =>
  error instanceof ProblemError && ["unknown-outcome", "unreachable", "timeout"].includes(error.cause);

/** Runs of this process on one host, one after the other: they share one connection and one lock file. */
const queues = new WeakMap<Host, Promise<unknown>>();

function exclusively<T>(host: Host, work: () => Promise<T>): Promise<T> {
  const before = queues.get(host) ?? Promise.resolve();
  const mine = before.then(work, work);
  queues.set(
    host,
    mine.catch(() => undefined),
  );
  return mine;
}
