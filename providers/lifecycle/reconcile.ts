import { canonicalJson } from "../common/json.js";
import { type Problem, ProblemError } from "../common/problem.js";
import { backUp } from "./backups.js";
import { execute, PartialFailure, type Reached } from "./execute.js";
import { deadlineProblem, outsideWindowReason, ownerProblem, windowProblem } from "./judge.js";
import type { Plan } from "./kind.js";
import { planLines } from "./report.js";
import { Session, type SessionRequest } from "./session.js";
import type { ShownPlan } from "./shown.js";

export interface ReconcileRequest extends SessionRequest {
  /** The plan that the preview before showed; undefined when none was shown (a create). */
  readonly shown?: ShownPlan;
  /** What the state knows was observed with other settings, so that previews go on to show what is not so. */
  readonly observedOtherwise?: boolean;
  /** What the state remembers of the record: it is put back where the target has lost its own. */
  readonly remembered?: { readonly kept: object };
  readonly now?: () => Date;
}

/** Both create and update: lock, observe, plan, print, apply, observe again. The plan must then be empty. */
export function reconcile(request: ReconcileRequest): Promise<Reached> {
  return Session.run(request, "reconcile", (session) => converge(session, request));
}

/** Puts the before-image back and forgets the thing. Nothing happens when another owner or a newer claim holds it. */
export function release(request: ReconcileRequest): Promise<void> {
  return Session.run(request, "destroy", (session) => letGo(session, request));
}

async function converge(session: Session, request: ReconcileRequest): Promise<Reached> {
  const { kind, inputs, claim, say, sayPlan } = request;
  throwIf("not-owner", ownerProblem(kind, inputs, session.record?.owner));
  const live = await session.observe();
  const known = session.record?.kept ?? request.remembered?.kept;
  const kept = known ?? kind.adopt(live);
  const plan = kind.plan(inputs.desired, live, kept);
  throwIfRefused(session.title, request, plan, { live, kept: known ?? {} });
  throwIf("refused", deadlineProblem(kind, inputs, plan));
  const outsideWindow = reasonToRun(session, request, plan);

  const lines = planLines(known ? session.title : `${session.title} (adopted as found)`, plan);
  for (const line of lines) sayPlan(line);
  if (!known && lines.length === 0) say(`${session.title}: adopted as found, nothing to do`);
  if (!session.record && known)
    say(`${session.title}: its record was gone from ${session.home.name} and is written anew`);

  if (!known) await backUpBeforeImages(session, live);
  const isMine = session.record?.owner === inputs.owner && session.record.claim === claim;
  if (!isMine || session.record?.run) await session.save({ kept, run: undefined });
  if (plan.steps.length === 0) return { live, kept };
  const replan = unnoticedStays(request, plan, (seen, remembered) => kind.plan(inputs.desired, seen, remembered));
  return execute(session, { plan, from: { live, kept }, replan, outsideWindow });
}

async function letGo(session: Session, request: ReconcileRequest): Promise<void> {
  const { kind, inputs, claim, say, sayPlan } = request;
  const { record, title } = session;
  if (record && (record.owner !== inputs.owner || record.claim !== claim)) {
    say(`${title}: left alone, it now belongs to ${record.owner}`);
    return;
  }
  const kept = record?.kept ?? request.remembered?.kept;
  throwIf("refused", kept && kind.keptFromDestroy?.(kept));
  if (inputs.run.onDestroy === "retain") {
    say(`${title}: retained as it is (onDestroy: retain)`);
    return session.forget();
  }
  if (!kept) {
    throw new ProblemError("missing", {
      where: title,
      found: "nothing is recorded about what was there before",
      why: "onDestroy says to put that back",
      next: "Set onDestroy: retain to let go of it as it is",
    });
  }
  const live = await session.observe();
  const plan = kind.release(inputs.desired, live, kept);
  if (plan.refusals.length > 0) throw new ProblemError("refused", plan.refusals);
  throwIf("refused", deadlineProblem(kind, inputs, plan));
  const outsideWindow = reasonToRun(session, request, plan);
  for (const line of planLines(`${title} (restoring what was found at adoption)`, plan)) sayPlan(line);
  if (plan.steps.length > 0) {
    const release = (seen: object, remembered: object) => kind.release(inputs.desired, seen, remembered);
    const replan = unnoticedStays(request, plan, release);
    await execute(session, { plan, from: { live, kept }, replan, outsideWindow });
  }
  await session.forget();
}

async function backUpBeforeImages(session: Session, live: object): Promise<void> {
  const { kind, inputs, access } = session.request;
  for (const image of kind.beforeImages?.(inputs.desired, live) ?? []) {
    const host = access.host(image.connection);
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

/**
 * Before the first write. What no preview could show, for it did not look as we do, would be refused again and again: the
 * state takes what was seen, and with it the settings it was seen by, so that the next preview is true.
 */
function throwIfRefused(title: string, request: ReconcileRequest, plan: Plan, seen: Reached): void {
  const unseen = plan.refusals.length > 0 ? undefined : unseenProblem(title, request, plan);
  if (unseen) throw new PartialFailure([unseen], "refused", seen);
  if (plan.refusals.length === 0) return;
  if (request.observedOtherwise) throw new PartialFailure(plan.refusals, "refused", seen);
  throw new ProblemError("refused", plan.refusals);
}

/** Steps with the same key may still do something else than what was shown, so their whole content counts. */
function unseenProblem(title: string, { inputs, shown }: ReconcileRequest, plan: Plan): Problem | undefined {
  if (!shown || inputs.run.onUnseenSteps === "go") return undefined;
  const seen = new Set(shown.steps.map(canonicalJson));
  const unseen = plan.steps.filter((step) => !seen.has(canonicalJson(step)));
  if (unseen.length === 0) return undefined;
  return {
    where: title,
    found: `${shown.unsure ?? "the live system changed since the preview"}; now due, and not shown: ${unseen.map((step) => step.title).join("; ")}`,
    allowed: "the steps that the preview showed",
    why: "You agreed to what you were shown",
    next: "Run up again to see the new plan, or set onUnseenSteps: go",
  };
}

/** The override's reason when the run goes on outside its window. */
function reasonToRun(session: Session, { kind, inputs, say, now }: ReconcileRequest, plan: Plan): string | undefined {
  const problem = windowProblem(kind, inputs, plan, now?.() ?? new Date());
  if (!problem) return undefined;
  const reason = outsideWindowReason();
  if (reason === undefined) throw new ProblemError("outside-window", problem);
  say(`[${session.home.name}] outside the maintenance window, allowed once: ${reason}`);
  return reason;
}

type Replan = (live: object, kept: object) => Plan;

/**
 * The window let a run begin, open or overruled, with all that users would notice; such a run goes on past its end, rather than stop
 * half-way. One that had nothing of the kind was never judged by it: what it finds due on a second look is.
 */
function unnoticedStays({ kind, inputs, now }: ReconcileRequest, first: Plan, replan: Replan): Replan {
  if (first.steps.some(({ impact }) => impact !== "none")) return replan;
  return (live, kept) => {
    const plan = replan(live, kept);
    const problem = outsideWindowReason() ? undefined : windowProblem(kind, inputs, plan, now?.() ?? new Date());
    return problem ? { ...plan, refusals: [...plan.refusals, problem] } : plan;
  };
}

function throwIf(cause: ProblemError["cause"], problem: Problem | undefined): void {
  if (problem) throw new ProblemError(cause, problem);
}
