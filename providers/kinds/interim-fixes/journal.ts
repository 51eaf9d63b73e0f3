import type { Problem } from "../../common/problem.js";
import type { Foundations } from "./foundations.js";
import type { PutAside, SeenFiles } from "./generated-file.js";
import type { Lists } from "./live.js";
import type { OwnFiles } from "./plugin-files.js";
import type { WantedLists, Ways } from "./steps.js";
import type { Followed, Switching } from "./switching.js";
import type { FilesSeen } from "./touched.js";

/**
 * How far a node is, in this direction of the rollout. Each includes what stands before it: "fresh" = it has the deployment
 * manager's configuration, every changed application fully distributed; "cleared" = its members were stopped after that
 * and their temporary files removed; "proven" = they run again and answer on their own ports.
 */
const PROGRESS = ["behind", "fresh", "cleared", "proven"] as const;
export type Progress = (typeof PROGRESS)[number];

export const isBefore = (progress: Progress, other: Progress): boolean =>
  PROGRESS.indexOf(progress) < PROGRESS.indexOf(other);

/**
 * Of the journal's shape: raised when it gets a field that forbids something, for a program that does not know the field would do that.
 * Those since 2 (`halfWay`, `altered`, `foundations.alone`) are optional, so a rollout of version 1 is read; from where it is taken
 * up it is of today's, and the version that began it refuses it.
 */
export const JOURNAL_VERSION = 2;
export const READABLE_VERSIONS = [1, JOURNAL_VERSION] as const;

/** What an update installer left that was lost with its host, or whose text and list differ, as it was told. */
export interface HalfWay {
  job: string;
  problem: Problem;
}

/** What cannot be observed about a rollout under way. Plain JSON; in the record on the deployment manager's host. */
export interface Journal {
  version: (typeof READABLE_VERSIONS)[number];
  /** Names the rollout in holds, jobs and backups, e.g. "20261123T011234Z". */
  rollout: string;
  startedAt: string;
  /** When the last process took it up; absent where the one that began it goes on. */
  takenUpAt?: string;
  /** The declaration that it carries out, as `wantedKey` says it. */
  wanted: string;
  /** The settings that must not change until its end. */
  foundations: Foundations;
  /** It installs nothing: members that were found behind get what the deployment manager has. It has no way back. */
  catchingUp: boolean;
  direction: "forward" | "roll back";
  /** Why it goes back. */
  reason: string;
  /** A step of it failed and said why: that it stands still is no interruption. */
  frozen?: boolean;
  /** Nobody goes on from there, or back, before a person says so. Absent or null where there is nothing of the kind. */
  halfWay?: HalfWay | null;
  /** The order in which nodes are treated; the first is the one whose agent stays up. */
  order: string[];
  /** Node or web server → why it was given up. Absent where nothing was. */
  lost?: Record<string, string>;
  /** What is put right again at the end, or by going back. */
  found: {
    installed: string[];
    /** Nodes whose agent was down already. */
    agentsStopped: string[];
    /** Node → service that its agent is started by again; null = its script. */
    agentServices: Record<string, string | null>;
    /** Web servers whose file the deployment manager generates or propagates by itself, with the settings as found, where they could be read. */
    automatic: Record<string, { generation?: "automatic" | "manual"; propagation?: "automatic" | "manual" }>;
    /** Web server → its lists when its routing was taken. */
    routing: Record<string, Lists>;
    /** Web server → nothing but lists was other in its file then than in what the deployment manager generates. */
    asGenerated: Record<string, boolean>;
    /** Web server → its plug-in's files then. Absent in what older versions remembered. */
    files?: Record<string, PutAside>;
    /** Web server → the file that it followed then. */
    followed: Record<string, Followed>;
    /** Application → what its archive in the master configuration looked like. */
    applications: Record<string, string>;
    /** Folder → digest of the files in it, which do not travel with a synchronization. */
    shared: Record<string, string>;
    /** Files that were touched, or may have been, after members started that are left as they are. Absent where there are none. */
    touched?: FilesSeen;
  };
  /** Web server → how its routing is switched, from the begin to the end. */
  switching: Record<string, Switching>;
  /** Web server → its plug-in's files as they were last seen. Absent in what older versions remembered. */
  files?: Record<string, SeenFiles>;
  /** As a person was told that somebody changed them: what holds once that is said to be meant. */
  altered?: OwnFiles | null;
  /** Web server → what users reach and a newly generated file lacks, as a person was told; whether he said that it is meant. */
  lacking?: { told: Record<string, string[]>; isMeant: boolean } | null;
  /** Every probe was green before anything was changed. */
  checked: boolean;
  backedUp: boolean;
  /** Set before the update installer may have changed anything, in whichever direction. */
  touched: boolean;
  /** In this direction: the installer's work was looked at and found to touch drained clusters only. */
  accepted: boolean;
  /** Applications that the installer changed. */
  changed: string[];
  /** Node that was stopped though no other one is left to serve, as the plan said. Absent or null where none is. */
  outage?: string | null;
  /** Node whose users were given time to leave. */
  drained: string | null;
  /** The route that was last proved by requests, as `routeKey` says it. */
  routed: string | null;
  /** Files that seemed to say so already did not: they are written, whatever they seem to say. Absent where that was never so. */
  toRoute?: boolean;
  /** Where users were last proved to be, on every web server; null = as found. Never forgotten, unlike `routed`. */
  proved: { lists: WantedLists; ways: Ways } | null;
  nodes: Record<string, Progress>;
  /** The plug-in files are as the deployment manager generates them now. */
  regenerated: boolean;
  /** Nothing is left to stamp: on the way back, also where no stamp was renewed on the way there. */
  stamped: boolean;
  finallyChecked: boolean;
  /** Files with which members were proved by that check. */
  seen?: FilesSeen;
}

/** What this kind remembers on the target. */
export interface Kept {
  journal: Journal | null;
  /** Fixes that were there at adoption. */
  found: string[];
  /** The last rollout went back: it is not tried again by itself. */
  wentBack: { at: string; reason: string; wanted: string } | null;
  /** What the last rollout that had to gave up, with the reasons given. */
  gaveUp?: { at: string; by: string; rollout: string; lost: Record<string, string> };
  /** Milliseconds that each step of the last rollout took, by key. */
  durations: Record<string, number>;
  /** Files with which members were last proved. Absent in what older versions remembered: nothing is known of them. */
  seen?: FilesSeen;
}
