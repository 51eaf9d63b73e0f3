import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BREAKS } from "../lab/breaks.js";
import { type Lab, startLab } from "../lab/lab.js";
import { type LoadReport, startLoad } from "../lab/load.js";
import { openWorkspace, type Workspace } from "../lab/workspace.js";
import { formatProblem, problemsOf } from "../providers/common/problem.js";
import { probeOnce } from "./tour/probe.js";
import { heading, planOf, type Tourist, tourist } from "./tour/text.js";

/** New users that are asked for their cookie, per cluster, each time the tour looks. */
const NEW_USERS = 12;
/** Answers that the load must have seen before and after the switch, so that it proves something. */
const ANSWERS_AROUND_SWITCH = 50;

async function main(): Promise<number> {
  const started = performance.now();
  const directory = await mkdtemp(join(tmpdir(), "pulumi-connections-tour-"));
  const say = tourist();
  let lab: Lab | undefined;
  const leave = () => void lab?.stop().finally(() => process.exit(130));
  process.once("SIGINT", leave).once("SIGTERM", leave);
  try {
    say.part("The lab: three hosts (real OpenSSH), a web server (real Apache httpd), three clusters on two nodes.");
    lab = await startLab({ directory: join(directory, "lab") });
    say.line(`web server at ${lab.web.url}; the plug-in and the application servers are stand-ins (lab/README.md)`);
    const workspace = await openWorkspace(lab, join(directory, "stack"));
    await walk(lab, workspace, say);
    say.part(`Done in ${Math.round((performance.now() - started) / 1_000)} s. Everything did what it says.`);
    console.log(EPILOGUE);
    return 0;
  } catch (error) {
    for (const problem of problemsOf(error, "tour")) console.error(`\nThe tour stopped. ${formatProblem(problem)}`);
    return 1;
  } finally {
    await lab?.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function walk(lab: Lab, workspace: Workspace, say: Tourist): Promise<void> {
  say.part("As found: where do new users land?");
  await whereUsersLand(lab, say, { AppsCluster: "node1", InfraCluster: "node1" });

  say.part("pulumi up takes the web server into management as it is. Nothing is written to it.");
  await pulumi(workspace, say, ["up", "--yes", "--skip-preview"], { shows: /1 created|4 created/ });

  say.part("Declared now: primaryNode: node2, in the stack's file. pulumi preview says what that means.");
  await workspace.configure((values) => ({ ...values, routing: { primaryNode: "node2" } }));
  await pulumi(workspace, say, ["preview"], { shows: /users move to node2/ });

  say.part("pulumi up, while users keep clicking.");
  const report = await underLoad(lab, async () => {
    await pulumi(workspace, say, ["up", "--yes", "--skip-preview"], { shows: /10\/10 on node2/ });
  });
  sayLoad(say, report);
  await whereUsersLand(lab, say, { AppsCluster: "node2", InfraCluster: "node2", PushCluster: "node2" });

  say.part("Somebody edits the live plug-in file by hand: one cluster goes back to node1.");
  say.line(await (BREAKS.routing?.break(lab, ["AppsCluster"]) ?? Promise.reject(new Error("no such break"))));
  await whereUsersLand(lab, say, { AppsCluster: "node1", InfraCluster: "node2", PushCluster: "node2" });

  say.part("pulumi preview sees it.");
  await pulumi(workspace, say, ["preview"], { shows: /found: .*AppsCluster/ });
  say.part("pulumi up puts it right.");
  await pulumi(workspace, say, ["up", "--yes", "--skip-preview"], { shows: /10\/10 on node2/ });
  await whereUsersLand(lab, say, { AppsCluster: "node2", InfraCluster: "node2", PushCluster: "node2" });

  say.part("pulumi preview has nothing left to say.");
  await pulumi(workspace, say, ["preview", "--expect-no-changes"], { shows: /4 unchanged/ });
}

interface Expected {
  /** What the output must hold: otherwise the tour has failed. */
  readonly shows: RegExp;
}

/** Runs pulumi and shows what a person would read; stops the tour when it does not do what the tour says. */
async function pulumi(workspace: Workspace, say: Tourist, args: readonly string[], expected: Expected): Promise<void> {
  say.command(`pulumi ${args.join(" ")}`);
  const { code, output } = await workspace.pulumi([...args, "--suppress-progress", "--color", "never"]);
  for (const line of planOf(output)) say.line(line);
  if (code === 0 && expected.shows.test(output)) return;
  throw new Error(`pulumi ${args.join(" ")} ended with exit code ${code} and this output:\n${output}`);
}

/** Asks for the page of each cluster as new users do, and compares the node that the cookies name. */
async function whereUsersLand(lab: Lab, say: Tourist, expected: Readonly<Record<string, string>>): Promise<void> {
  for (const cluster of lab.clusters) {
    const counts: Record<string, number> = {};
    for (let user = 0; user < NEW_USERS; user++) {
      const node = await probeOnce(lab, cluster);
      counts[node] = (counts[node] ?? 0) + 1;
    }
    const shown = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
    say.line(
      `${cluster.name.padEnd(13)} ${shown.map(([node, count]) => `${count} of ${NEW_USERS} on ${node}`).join(", ")}`,
    );
    const node = expected[cluster.name];
    if (node !== undefined && counts[node] !== NEW_USERS) {
      throw new Error(
        `${cluster.name}: all ${NEW_USERS} new users should be on ${node}, found ${JSON.stringify(counts)}`,
      );
    }
  }
}

async function underLoad(lab: Lab, work: () => Promise<void>): Promise<LoadReport> {
  const load = startLoad(lab);
  try {
    await until(() => load.answered() >= ANSWERS_AROUND_SWITCH);
    await work();
    const after = load.answered() + ANSWERS_AROUND_SWITCH;
    await until(() => load.answered() >= after);
  } catch (error) {
    await load.stop();
    throw error;
  }
  const report = await load.stop();
  if (report.failed > 0) {
    throw new Error(
      `${report.failed} of ${report.requests} requests failed during the switch: ${report.examples.join("; ")}`,
    );
  }
  return report;
}

const LOAD_WAIT_MS = 20_000;

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + LOAD_WAIT_MS; !condition(); await new Promise((next) => setTimeout(next, 50))) {
    if (Date.now() > end) throw new Error("the load got no answers");
  }
}

function sayLoad(say: Tourist, { requests, failed, lostSessions, longestGapMs }: LoadReport): void {
  say.line(
    `load: ${requests} requests, ${failed} failed; longest pause ${Math.round(longestGapMs)} ms; ${lostSessions} sessions moved to the other node`,
  );
}

const EPILOGUE = `
${heading("Go on from here")}
  npm run lab -- start                            the same lab, to stay; "npm run lab -- break" lists what can be broken in it
  npm run try -- routing FILE --primary NODE      what routing would change in a copy of your own plugin-cfg.xml
  README.md, "A real environment"                 from Pulumi.example.yaml to the first preview of your own servers
`;

main().then((code) => {
  process.exitCode = code;
});
