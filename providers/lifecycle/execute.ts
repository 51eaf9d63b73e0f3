import { milliseconds } from "../common/duration.js";
import {
  type Cause,
  formatProblem,
  isUnknownOutcome,
  type Problem,
  ProblemError,
  problemsOf,
} from "../common/problem.js";
import { backUp, fromBackup } from "./backups.js";
import type { AnyDesired } from "./inputs.js";
import type { ApplyContext, Plan, Step } from "./kind.js";
import { operator } from "./lock.js";
import { seconds } from "./report.js";
import { SeenOtherwise } from "./seen-otherwise.js";
import type { Session } from "./session.js";

/** A step whose outcome is unknown (lost answer, cut line) is tried this many times, after observing that it is still due. */
const TRIES_PER_STEP = 2;

export interface Reached {
  readonly live: object;
  readonly kept: object;
}

/**
 * A failure that the state must know of: what is there now, after the first write or where the preview could not be true,
 * so that the next preview shows it and the next `up` goes on from it.
 */
export class PartialFailure extends ProblemError {
  constructor(
    problems: readonly Problem[],
    cause: ProblemError["cause"],
    readonly reached: Reached,
  ) {
    super(cause, problems);
  }
}

export interface ExecuteRequest {
  readonly plan: Plan;
  readonly from: Reached;
  /** The plan from another observation: decides what is still due, and may refuse it. */
  replan(live: object, kept: object): Plan;
  /** The reason given for running outside the maintenance window. */
  readonly outsideWindow?: string;
}

/** Runs a plan's steps and observes again. The plan from there must be empty. */
export async function execute(session: Session, request: ExecuteRequest): Promise<Reached> {
  return new Execution(session, request).run();
}

class Execution {
  private live: object;
  private kept: object;
  private todo: readonly Step[];
  private readonly done: Step[] = [];
  private readonly startedAt = new Date().toISOString();
  private readonly tries = new Map<string, number>();

  constructor(
    private readonly session: Session,
    private readonly request: ExecuteRequest,
  ) {
    this.live = request.from.live;
    this.kept = request.from.kept;
    this.todo = request.plan.steps;
  }

  async run(): Promise<Reached> {
    await this.saveProgress();
    for (let step = this.todo[0]; step; step = this.todo[0]) await this.take(step);
    return this.verify();
  }

  /** One step; after an unknown outcome a second look, and the plan from there. */
  private async take(step: Step): Promise<void> {
    const started = performance.now();
    try {
      this.refuseToGoOn();
      await this.session.assertHeld();
      this.progress(step.title);
      const { kind } = this.session.request;
      const signal = AbortSignal.any([this.session.interrupted, this.session.deadline]);
      const patch = await kind.apply(step, this.context(signal));
      this.kept = { ...this.kept, ...(patch ?? {}) };
      this.done.push(step);
      this.todo = this.todo.slice(1);
      await this.saveProgress();
      this.progress(`done in ${seconds(performance.now() - started)}`, this.done.length);
    } catch (error) {
      if (error instanceof SeenOtherwise) this.kept = { ...this.kept, ...error.kept };
      const tried = (this.tries.get(step.key) ?? 0) + 1;
      this.tries.set(step.key, tried);
      if (!isUnknownOutcome(error) || tried >= TRIES_PER_STEP || this.isStopping())
        throw await this.failed(step, error);
      await this.lookAgain(step, error);
    }
  }

  private async lookAgain(step: Step, error: unknown): Promise<void> {
    const { say } = this.session.request;
    const [problem] = problemsOf(error, this.session.title);
    say(`[${this.session.home.name}] outcome unknown, looking again: ${problem ? formatProblem(problem) : ""}`);
    try {
      this.live = await this.session.observe();
      const plan = this.request.replan(this.live, this.kept);
      if (plan.refusals.length > 0) throw new ProblemError("refused", plan.refusals);
      this.todo = plan.steps;
      await this.saveProgress();
    } catch (again) {
      throw await this.failed(step, again);
    }
  }

  /** Success is the re-observed state, nothing else. */
  private async verify(): Promise<Reached> {
    const { title } = this.session;
    const live = await this.session.observe().catch((error) => {
      throw new PartialFailure(problemsOf(error, title), "unknown-outcome", { live: this.live, kept: this.kept });
    });
    const reached = { live, kept: this.kept };
    const left = this.request.replan(live, this.kept);
    // Nothing is left to do, and why is said: an end that the kind decided upon, as a rollout that went back.
    if (left.steps.length === 0 && left.refusals.length > 0)
      throw new PartialFailure(left.refusals, "not-converged", reached);
    const due = [...left.steps.map((step) => step.title), ...left.refusals.map(formatProblem)];
    if (due.length > 0) {
      const problem = {
        where: title,
        found: `every step was done, yet the live system still differs: ${due.join("; ")}`,
        why: "Something else is changing the same settings, or a step had no effect",
        next: "Run pulumi preview to see what differs now",
      };
      throw new PartialFailure([problem], "not-converged", reached);
    }
    const { outsideWindow } = this.request;
    const lastRun = { endedAt: new Date().toISOString(), by: operator(), ...(outsideWindow ? { outsideWindow } : {}) };
    await this.session.save({ kept: this.kept, run: undefined, lastRun }).catch((error) => {
      throw new PartialFailure(problemsOf(error, title), causeOf(error), reached);
    });
    return reached;
  }

  private async failed(step: Step, error: unknown): Promise<PartialFailure> {
    const problems = [...this.causes(step, error)];
    const takenOver = error instanceof ProblemError && error.cause === "locked";
    // Interrupted between steps, the next up goes on. Everything else is put back, unless another run is at work there.
    const isAsked = !this.session.interrupted.aborted || this.session.request.kind.undoWhenInterrupted;
    if (!takenOver && isAsked) problems.push(...(await this.undo(step, error)));
    const live = await this.session.observe().catch(() => this.live);
    const cause = causeOf(error, this.isStopping() ? "interrupted" : "command-failed");
    return new PartialFailure(problems, cause, { live, kept: this.kept });
  }

  private causes(step: Step, error: unknown): readonly Problem[] {
    const where = `${this.session.title}, step "${step.title}"`;
    if (this.session.interrupted.aborted) {
      return [{ where, found: "stopped here: the run was interrupted", next: "Run pulumi up to go on" }];
    }
    if (this.session.deadline.aborted && !(error instanceof ProblemError)) {
      const { deadline } = this.session.request.inputs.run;
      return [
        { where, found: `not done within the deadline of ${deadline}`, next: "Raise deadline if it needs longer" },
      ];
    }
    return problemsOf(error, where);
  }

  /** What was done so far goes back as far as the kind can; the story is told also when that fails half-way. */
  private async undo(failed: Step, error: unknown): Promise<readonly Problem[]> {
    const { kind, inputs } = this.session.request;
    if (!kind.undo) return [];
    const where = this.session.title;
    const story: Problem[] = [];
    try {
      await this.session.assertHeld();
      const bound = AbortSignal.timeout(milliseconds(inputs.run.deadline));
      const context = this.context(AbortSignal.any([this.session.interrupted, bound]));
      const tell = (sentence: string) => story.push({ where, found: sentence });
      const patch = await kind.undo({ ...context, failed, done: this.done, error, tell });
      if (patch) {
        this.kept = { ...this.kept, ...patch };
        await this.session.save({ kept: this.kept });
      }
    } catch (undoError) {
      const again = problemsOf(undoError, where);
      story.push(
        ...again.map((problem) => ({ ...problem, found: `putting things back failed too: ${problem.found}` })),
      );
    }
    return story;
  }

  private context(signal: AbortSignal): ApplyContext<AnyDesired, object, object> {
    const { access, inputs } = this.session.request;
    return {
      host: (connection) => access.host(connection),
      files: (connection) => access.files(connection),
      desired: inputs.desired,
      owner: inputs.owner,
      live: this.live,
      kept: this.kept,
      signal,
      progress: (line) => this.progress(line),
      assertHeld: () => this.session.assertHeld(),
      underLockOf: (host, work) => this.session.underLockOf(host, work),
      backUp,
      fromBackup,
    };
  }

  private isStopping(): boolean {
    return this.session.interrupted.aborted || this.session.deadline.aborted;
  }

  private refuseToGoOn(): void {
    this.session.interrupted.throwIfAborted();
    this.session.deadline.throwIfAborted();
  }

  private progress(line: string, index = this.done.length + 1): void {
    this.session.request.say(`[${this.session.home.name} ${index}/${this.done.length + this.todo.length}] ${line}`);
  }

  private saveProgress(): Promise<void> {
    const { outsideWindow } = this.request;
    return this.session.save({
      kept: this.kept,
      run: {
        startedAt: this.startedAt,
        by: operator(),
        steps: [...this.done, ...this.todo].map((step) => step.key),
        done: this.done.map((step) => step.key),
        ...(outsideWindow ? { outsideWindow } : {}),
      },
    });
  }
}

const causeOf = (error: unknown, otherwise: Cause = "command-failed"): Cause =>
  error instanceof ProblemError ? error.cause : otherwise;
