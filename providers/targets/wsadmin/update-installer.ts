import type { LostJob } from "../host.js";
import type { Run } from "./node-commands.js";

/** An interim fix as the installer lists it. Ids are free-form: LO66666, LO100079, CFix.70.2110. */
export interface ListedFix {
  readonly id: string;
  readonly description?: string;
  readonly version?: string;
  readonly date?: string;
  /** Fixes that it needs, where the list says so. */
  readonly requires?: readonly string[];
}

export interface FixList {
  readonly fixes: readonly ListedFix[];
  /** What the installer printed, credentials blotted out: layouts differ between its versions. */
  readonly raw: string;
}

/** What an installation or uninstallation came to. */
export interface FixOutcome {
  /**
   * "done" only when the text says so and the new list agrees; "unproven" when the two differ or a text is missing: look at
   * `output` before anything else is done.
   */
  readonly result: "done" | "failed" | "unproven";
  readonly installed: readonly ListedFix[];
  readonly exitCode: number;
  readonly output: string;
  /** Fixes that the text names as needed, where nothing was done. */
  readonly requires: readonly string[];
}

/** A run that was lost with its host, judged by what it had said and by a new list. */
export interface LostFixRun extends Omit<FixOutcome, "exitCode" | "requires"> {
  readonly how: LostJob;
}

export interface FixRun extends Run {
  /** Only then `-featureCustomizationBackedUp yes` is passed, without which the installer refuses. */
  readonly customizationBackedUp: boolean;
}

/** What the installer does to fixes. */
export type FixAction = "install" | "uninstall";

/**
 * The update installer of one Connections installation, on the deployment manager's host, run from its own folder with that
 * profile's environment.
 *
 * @throws ProblemError `refused` when user or password hold a space (the product does not take them) or another run of the
 *   installer is under way, `missing` when there is no installer, `malformed` when a list makes no sense.
 */
export interface UpdateInstaller {
  /**
   * Whether it can be given its login, as that is now. Nothing is started.
   *
   * @throws ProblemError `refused` when user or password hold a blank; as the reference to the password does
   */
  checkLogin(): Promise<void>;
  /** `updateSilent -fix -installDir …`. */
  listInstalled(limit?: { readonly timeoutMs?: number }): Promise<FixList>;
  /** The same with `-fixDir`. */
  listOffered(fixDir: string, limit?: { readonly timeoutMs?: number }): Promise<FixList>;
  /**
   * Runs detached and is never killed: killed in the middle of an EAR it corrupts the master configuration. A `timeout` only
   * means that nobody waits any longer; the next call with the same job attaches. One that was lost with its host is never
   * begun again by itself: `unknown-outcome`. One that comes to "unproven" is kept under its name, with what it said, until it is
   * forgotten there; a next call attaches to it.
   */
  install(ids: readonly string[], fixDir: string, run: FixRun): Promise<FixOutcome>;
  uninstall(ids: readonly string[], run: FixRun): Promise<FixOutcome>;
  /** The run of that name, where it was lost with its host. Nothing is started, and nothing forgotten. */
  lost(action: FixAction, ids: readonly string[], job: string): Promise<LostFixRun | undefined>;
  /** Whether the run of that name is under way. */
  goesOn(job: string): Promise<boolean>;
  /**
   * Whether an update installer that may change something runs on the host, whoever started it. One that only lists does
   * not count: every preview of a colleague is one.
   */
  isRunning(): Promise<boolean>;
}
