import { parseStackConfig } from "../../components/config/parse.js";
import { hasWebServers } from "../../components/config/schema.js";
import { fixesArgs } from "../../components/interim-fixes.js";
import type { Lab } from "../lab.js";
import { type Load, type LoadReport, startLoad } from "../load.js";
import { waitFor } from "../running.js";
import { type StackValues, stackValues } from "../workspace.js";
import type { LabCell } from "./cell.js";
import { type Rollout, rolloutOf } from "./one-rollout.js";

/** A fix of one application, on offer in every lab's cell. */
export const FIX = "LO66666";
/** Answers before and after what is measured. */
const ANSWERS = 100;
const ANSWERS_MS = 60_000;
/** A page of that application. */
const FIXED = { cluster: "AppsCluster", path: "/files/app" } as const;

/** A stack's configuration with the fix on every node of the lab's cell; `settings` say how it gets there. */
export function fixesValues(lab: Lab, settings: Readonly<Record<string, unknown>> = {}): StackValues {
  const cell = cellOf(lab);
  const { hosts: _, ...values } = stackValues(lab);
  const hosts = Object.values(lab.hosts).map(({ connection: { name, ...connection } }) => [name, connection] as const);
  const administrator = { user: cell.administrator.name, password: { file: cell.administrator.passwordFile } };
  return {
    ...values,
    hosts: Object.fromEntries(hosts),
    interimFixes: {
      cell: cell.name,
      installDir: cell.connectionsRoot,
      deploymentManager: {
        host: "dmgr",
        profile: cell.dmgr.profile,
        soapPort: cell.dmgr.soapPort,
        administrator,
      },
      nodes: cell.nodes.map(({ name, profile }) => ({ name, profile, host: name })),
      memberProbes: Object.fromEntries(
        lab.clusters.map(({ name, probePath }) => [name, { path: probePath, host: lab.web.publicName, warmUp: 1 }]),
      ),
      fixDir: cell.fixDirectory,
      backUp: [`${cell.connectionsRoot}/data/shared/customization`, `${cell.connectionsRoot}/data/shared/provision`],
      acceptUnsupported: true,
      drain: { time: "2s" },
      limits: { every: "500ms" },
      fixes: { [FIX]: { readme: "reviewed" } },
      ...settings,
    },
  };
}

/** What `rolloutOf` takes for the lab's cell; plain JSON. */
export function rolloutArgs(lab: Lab, settings: Readonly<Record<string, unknown>> = {}): object {
  const config = parseStackConfig(fixesValues(lab, settings), "lab");
  if (!config.interimFixes || !hasWebServers(config)) throw new RangeError("no fixes are declared");
  return { ...fixesArgs({ ...config, interimFixes: config.interimFixes }), owner: "lab/rollout/fixes" };
}

/** A rollout on the lab's cell, by the real provider in this process. */
export const openRollout = (
  lab: Lab,
  settings: Readonly<Record<string, unknown>> = {},
  say: (line: string) => void = () => {},
): Promise<Rollout> => rolloutOf(rolloutArgs(lab, settings), say);

/**
 * Does something while users of every cluster ask: they have been answered before it, and are again after it. `seconds` is
 * the work's own time.
 */
export async function underLoad(lab: Lab, work: () => Promise<void>): Promise<{ report: LoadReport; seconds: number }> {
  const load = startLoad(lab);
  let seconds = 0;
  try {
    await moreAnswers(load);
    const started = performance.now();
    await work();
    seconds = Math.round((performance.now() - started) / 1_000);
    await moreAnswers(load);
  } catch (error) {
    await load.stop();
    throw error;
  }
  return { report: await load.stop(), seconds };
}

function moreAnswers(load: Load): Promise<void> {
  const before = load.answered();
  return waitFor(() => load.answered() > before + ANSWERS, ANSWERS_MS, "answers to the load");
}

/** Node → the fixes in the application that its member serves, on the member's own port; "no answer" where nothing takes a connection. */
export async function levels(lab: Lab): Promise<Record<string, string>> {
  const members = lab.clusters.find(({ name }) => name === FIXED.cluster)?.members ?? [];
  const found = members.map(async ({ node, port }) => {
    const { address } = hostOf(lab, node).connection;
    const url = `http://${address}:${port}${FIXED.path}`;
    const answer = await fetch(url, { headers: { connection: "close" } }).catch(() => undefined);
    if (!answer) return [node, "no answer"] as const;
    const page = answer.ok ? ((await answer.json()) as { level?: string }).level : `status ${answer.status}`;
    return [node, String(page)] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

function cellOf({ cell }: Lab): LabCell {
  if (cell) return cell;
  throw new RangeError("the lab has no cell");
}

function hostOf({ hosts }: Lab, name: keyof Lab["hosts"]) {
  const host = hosts[name];
  if (host) return host;
  throw new RangeError(`the lab has no ${name}`);
}
