import type { Problem } from "../../common/problem.js";
import type { Mpm } from "../../targets/plugin/control.js";
import { copyPath } from "../../targets/plugin/copies.js";
import { refreshProblem } from "../../targets/plugin/refresh.js";
import type { FixesDesired } from "./goal.js";
import type { Journal } from "./journal.js";
import type { Live, LiveWebServer } from "./live.js";
import type { Target } from "./steps.js";

/** How a web server's routing is switched, and why so. */
export interface Switching {
  by: "in-place" | "directive";
  why: string;
}

/** The file that a web server follows, and how its directive says so. */
export interface Followed {
  path: string;
  /** As written in the directive. */
  value: string;
}

/** How a web server is brought to follow other lists. */
export type Way =
  | { readonly by: "in-place" }
  /** `follow`: a copy of the file found, or that file itself. */
  | { readonly by: "directive"; readonly follow: string; readonly found: Followed };

/** As the rollout began with it; it stays so until its end. */
export const switchingOf = (desired: FixesDesired, live: Live, journal: Journal | null, name: string): Switching =>
  journal?.switching[name] ?? chooseSwitching(desired, live)[name] ?? { by: "in-place", why: "" };

/**
 * In place loses no request on any MPM, but only while nothing overwrites the file, and only where the plug-in reads it again.
 * A copy and a graceful reload do without both.
 */
export function chooseSwitching(desired: FixesDesired, live: Live): Record<string, Switching> {
  return Object.fromEntries(live.webServers.map((webServer) => [webServer.name, choose(desired, live, webServer)]));
}

function choose({ settings }: FixesDesired, live: Live, webServer: LiveWebServer): Switching {
  const { switchRouting } = settings;
  if (switchRouting === "directive") return { by: "directive", why: `declared; ${costOf(webServer.mpm)}` };
  if (switchRouting === "in-place") return { by: "in-place", why: "declared; nothing is reloaded" };
  const hidden = overwritten(live);
  if (hidden !== undefined) return { by: "directive", why: `${hidden}; ${costOf(webServer.mpm)}` };
  const slow = refreshProblem(webServer.path, webServer.refreshInterval, settings.limits.refresh);
  if (slow) return { by: "directive", why: `${slow.found}; ${costOf(webServer.mpm)}` };
  return { by: "in-place", why: `nothing is reloaded, so no connection is reset${mpmWords(webServer.mpm)}` };
}

/** Web servers whose file the deployment manager may overwrite without being kept from it. */
const overwritten = ({ webServers }: Live): string | undefined => {
  const unknown = webServers.filter(({ automatic }) => automatic === "unknown").map(({ name }) => name);
  return unknown.length > 0
    ? `whether plug-in files of ${unknown.join(", ")} are overwritten cannot be told, and not be turned off`
    : undefined;
};

const mpmWords = (mpm: Mpm): string => (mpm === "unknown" ? "" : `, under mpm_${mpm} as under any other MPM`);

/** Measured on Apache httpd under load; see docs/rolling-fixes-reference.md. */
function costOf(mpm: Mpm): string {
  if (mpm === "event") return "under mpm_event a graceful reload resets connections";
  if (mpm === "unknown") return "its MPM is not known, so a graceful reload may reset connections";
  return `under mpm_${mpm} a graceful reload resets hardly any connection`;
}

/** Why routing cannot be switched as it is declared. */
export function switchingRefusals({ settings }: FixesDesired, live: Live): Problem[] {
  if (settings.switchRouting !== "in-place") return [];
  const hidden = overwritten(live);
  return [
    ...live.webServers.flatMap(
      ({ name, path, refreshInterval }) =>
        refreshProblem(`${name}: ${path}`, refreshInterval, settings.limits.refresh) ?? [],
    ),
    ...(hidden === undefined
      ? []
      : [
          {
            where: "switchRouting",
            found: `in-place, but ${hidden}`,
            why: "A propagation in the middle of a rollout would send users to members that are stopped",
            next: "Set switchRouting: auto or directive",
          },
        ]),
  ];
}

/** The way of each web server to a target. */
export function waysTo(
  target: Target,
  desired: FixesDesired,
  live: Live,
  journal: Journal | null,
): Readonly<Record<string, Way>> {
  return Object.fromEntries(
    live.webServers.map(({ name, path, value }): [string, Way] => {
      if (switchingOf(desired, live, journal, name).by === "in-place") return [name, { by: "in-place" }];
      const found = journal?.found.followed[name] ?? { path, value };
      const settings = desired.settings.webServers.find((each) => each.name === name);
      const follow =
        "without" in target && settings
          ? copyPath({ pluginFile: settings.pluginFile, copyPrefix: rolloutPrefix(name) }, target.without)
          : found.path;
      return [name, { by: "directive", follow, found }];
    }),
  );
}

/** Whether files that have the lists are what runs: by directive it takes the right file and a reload after its last edit. */
export const isInForce = (live: Live, ways: Readonly<Record<string, Way>>): boolean =>
  live.webServers.every(({ name, path, loaded }) => {
    const way = ways[name];
    return way?.by !== "directive" || (loaded === true && [way.follow, way.found.path].includes(path));
  });

/** Copies of a rollout are told from all others by name; web servers of one host may share a folder. */
export const rolloutPrefix = (webServer: string): string => `plugin-cfg-rollout-${webServer}-without-`;

/** For a step's title: one sentence where all web servers are switched alike for the same reason, else one each. */
export function switchingWords(desired: FixesDesired, live: Live, journal: Journal | null): string {
  const each = live.webServers.map(({ name }) => ({ name, ...switchingOf(desired, live, journal, name) }));
  const words = ({ by, why }: Switching) =>
    `${by === "in-place" ? "in place" : "by directive and graceful reload"}: ${why}`;
  const distinct = [...new Set(each.map(words))];
  return distinct.length === 1
    ? (distinct[0] ?? "")
    : each.map((switching) => `${switching.name} ${words(switching)}`).join("; ");
}

/** A reload that is known to reset connections costs users more than a change of nodes does. */
export const switchingImpact = (desired: FixesDesired, live: Live, journal: Journal | null) =>
  live.webServers.some(
    ({ name, mpm }) => mpm === "event" && switchingOf(desired, live, journal, name).by === "directive",
  )
    ? "disconnects users"
    : "degraded capacity";

/** In place, a process takes what is new as it comes by; by directive, it takes a reload of its own. */
export const generatingImpact = (desired: FixesDesired, live: Live, journal: Journal | null) =>
  live.webServers.some(({ name }) => switchingOf(desired, live, journal, name).by === "directive")
    ? switchingImpact(desired, live, journal)
    : "none";
