import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatProblem, ProblemError, problemsOf } from "../providers/common/problem.js";
import { findDriver } from "../providers/targets/db2/driver.js";
import { BREAKS, breakNamed } from "./breaks.js";
import { db2LabProblem } from "./db2/build.js";
import type { Db2Server } from "./db2/server.js";
import { readDescription } from "./description.js";
import { lockStart } from "./directory.js";
import { quote } from "./host-tree.js";
import { attachLab, type Lab, startLab } from "./lab.js";
import { projectRoot } from "./toolchain.js";
import type { LabCell } from "./was/cell.js";
import { openWorkspace } from "./workspace.js";

const USAGE = `npm run lab -- VERB [--directory DIR]

  start [OPTION...]            start the lab in the background, or say where it runs
          --mpm worker|event   httpd's processing model; default worker
          --nodes 2|3          default 2
          --cell 2.1|2.7       with a deployment manager and node agents; the Jython of its wsadmin. Default: none
          --liberty            cluster members are real Open Liberty servers, wanted by npm run setup -- --liberty;
                               --no-liberty: modelled ones. Default: as this directory had it; in a new one no
          --db2 yes|no         with a Db2 server, HOMEPAGE at 704. Default: as this directory had it; in a
                               new one yes, where npm run setup could set the Db2 driver and Derby up
  stop                         end it; its files stay, and the next start takes them up again
  status                       what runs, and how to reach it
  break [THING]                break something behind the tool's back; without a thing: list them
  mend THING                   undo a break

  --directory DIR              default: .lab/run in the checkout
`;

const OPTIONS = {
  directory: { type: "string" },
  mpm: { type: "string" },
  nodes: { type: "string" },
  cell: { type: "string" },
  db2: { type: "string" },
  liberty: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args);
  const [verb, ...words] = positionals;
  const directory = values.directory ?? join(projectRoot(), ".lab", "run");
  if (values.help || verb === undefined) print(USAGE);
  else if (verb === "start") await start(directory, values, words);
  else if (verb === "stop") await stop(directory, words);
  else if (verb === "status") await status(directory, words);
  else if (verb === "break" && words.length === 0) print(listOfBreaks());
  else if (verb === "break") await breakOrMend(directory, words, "break");
  else if (verb === "mend") await breakOrMend(directory, words, "mend");
  else throw usageError(`unknown verb "${verb}"`, "start, stop, status, break, mend");
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, allowNegative: true });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error), "--directory DIR, --mpm worker|event");
  }
}

function usageError(found: string, allowed: string): ProblemError {
  return new ProblemError("invalid-input", { where: "npm run lab", found, allowed });
}

function noMore(words: readonly string[], verb: string): void {
  if (words.length > 0) throw usageError(`"${words.join(" ")}" after ${verb}`, `nothing more after ${verb}`);
}

interface StartValues {
  readonly mpm?: string;
  readonly nodes?: string;
  readonly cell?: string;
  readonly db2?: string;
  readonly liberty?: boolean;
}

async function start(directory: string, values: StartValues, words: readonly string[]): Promise<void> {
  noMore(words, "start");
  const options = {
    mpm: oneOf("--mpm", values.mpm, { worker: "worker", event: "event" }),
    nodes: oneOf("--nodes", values.nodes, { "2": 2, "3": 3 }),
    cell: oneOf("--cell", values.cell, { none: "none", "2.1": "2.1", "2.7": "2.7" }),
    db2: oneOf("--db2", values.db2, { yes: true, no: false }) ?? (await usualDb2(directory)),
    liberty: values.liberty,
  } as const;
  const before = await attachLab(directory);
  const lab = await startLab({ directory, ...options, detached: true });
  print(`${before ? "The lab runs already." : "The lab is up."}\n\n${await describe(lab)}`);
}

/** undefined: as the directory had it. */
async function usualDb2(directory: string): Promise<boolean | undefined> {
  if (await readDescription(directory)) return undefined;
  return findDriver() !== undefined && db2LabProblem() === undefined;
}

function oneOf<const T>(
  option: string,
  given: string | undefined,
  allowed: Readonly<Record<string, T>>,
): T | undefined {
  if (given === undefined) return undefined;
  const value = Object.entries(allowed).find(([word]) => word === given)?.[1];
  if (value === undefined) throw usageError(`${option} ${given}`, Object.keys(allowed).join(", "));
  return value;
}

async function stop(directory: string, words: readonly string[]): Promise<void> {
  noMore(words, "stop");
  const lab = await attachLab(directory);
  await lab?.stop();
  print(lab ? `The lab has ended. Its files stay in ${lab.directory}\n` : `No lab runs in ${directory}\n`);
}

async function status(directory: string, words: readonly string[]): Promise<void> {
  noMore(words, "status");
  const lab = await attachLab(directory);
  print(lab ? await describe(lab) : `No lab runs in ${directory}. Start it: npm run lab -- start\n`);
}

async function breakOrMend(directory: string, words: readonly string[], verb: "break" | "mend"): Promise<void> {
  const { thing, args } = breakNamed(words);
  const lab = await attachLab(directory);
  if (!lab) {
    throw new ProblemError("missing", {
      where: directory,
      found: "no lab runs here",
      next: "npm run lab -- start",
    });
  }
  print(`${await thing[verb](lab, args)}\n`);
}

function listOfBreaks(): string {
  const things = Object.values(BREAKS);
  const width = Math.max(...things.map((thing) => thing.usage.length));
  const lines = things.map((thing) => `  ${thing.usage.padEnd(width)}  ${thing.effect}`);
  const names = new Map(things.flatMap((t) => t.choices.map((c, i) => [t.usage.split(" ")[i + 1] ?? "", c] as const)));
  const choices = [...names].map(([name, choice]) => `  ${name}: ${choice.join(", ")}`);
  return `npm run lab -- break THING\n\n${lines.join("\n")}\n\n${choices.join("\n")}\n`;
}

async function describe(lab: Lab): Promise<string> {
  const { web } = lab;
  const hosts = Object.values(lab.hosts).map(({ name, connection: c, root }) => {
    const login = c.auth.keyFile ? `ssh -i ${c.auth.keyFile} -p ${c.port} ${c.user}@${c.address}` : "";
    return `  ${name.padEnd(6)} ${login}${root ? `\n         its files: ${root}/opt` : ""}`;
  });
  const clusters = lab.clusters.map(
    (cluster) =>
      `  ${cluster.name.padEnd(13)} ${cluster.roles.padEnd(15)} ${web.url}${cluster.probePath}\n${cluster.members
        .map((member) => `      ${member.name.padEnd(28)} CloneID ${member.cloneId}`)
        .join("\n")}`,
  );
  return `${[
    `Directory   ${lab.directory}`,
    `Web server  ${web.url}   (${web.publicName})`,
    `            ${web.httpdConf}`,
    `            ${web.pluginFile}`,
    `Hosts       ${lab.namespaces === "none" ? "share this machine's processes and paths" : "with their own processes and /opt"}`,
    ...hosts,
    "Clusters",
    ...clusters,
    ...(lab.cell ? describeCell(lab.cell) : []),
    ...(lab.db2 ? await describeDb2(lab.db2) : []),
    ...(await describeStack(lab)),
  ].join("\n")}\n`;
}

function describeCell({ name, jython, dmgr, nodes, administrator, updateInstaller, fixDirectory }: LabCell): string[] {
  return [
    `Cell        ${name}, administrator ${administrator.name} (password in ${administrator.passwordFile})`,
    `  dmgr      ${dmgr.profile}/bin/wsadmin.sh (Jython ${jython}), SOAP port ${dmgr.soapPort}`,
    ...nodes.map((node) => `  ${node.name}     ${node.profile}/bin, node agent's SOAP port ${node.agentPort}`),
    `  Fixes     ${updateInstaller}/updateSilent.sh; on offer in ${fixDirectory}`,
  ];
}

async function describeDb2(db2: Db2Server): Promise<string[]> {
  const { host, port, user } = db2.connection();
  const level = await db2.sql("SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA").then(
    ([row]) => `HOMEPAGE is at ${row?.DBSCHEMAVER}`,
    (error: unknown) =>
      `it does not answer (${error instanceof Error ? error.message : String(error)}): see db2.log there`,
  );
  return [
    `Db2 server  ${host}:${port}, user ${user} (password in ${db2.passwordFile})`,
    `            its databases and log: ${db2.directory}; ${level}`,
  ];
}

/** The lab's own stack, made at the first start; with it a person does by hand what npm start shows. */
async function describeStack(lab: Lab): Promise<string[]> {
  const release = await lockStart(lab.directory);
  const workspace = await openWorkspace(lab, join(lab.directory, "stack"))
    .catch((error: unknown) => {
      if (error instanceof ProblemError) return error;
      throw error;
    })
    .finally(release);
  if (workspace instanceof ProblemError) return [`Stack       none: ${workspace.message}`];
  const place = `--stack ${workspace.stack} --config-file ${quote(workspace.configFile)}`;
  return [
    `Stack       ${workspace.configFile}`,
    "  In a shell in this checkout, first:",
    `    . ${quote(workspace.shellFile)}`,
    "  Then, as often as you like:",
    `    npm run plan -- ${place}`,
    ...["preview", "up"].map((verb) => `    pulumi ${verb} ${place}`),
  ];
}

function print(text: string): void {
  process.stdout.write(text);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const problems = problemsOf(error, "npm run lab");
  process.stderr.write(`${problems.map(formatProblem).join("\n")}\n`);
  process.exitCode = error instanceof ProblemError && error.cause === "invalid-input" ? 2 : 1;
});
