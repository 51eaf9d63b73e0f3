/*
 * File synchronization of a lab node: its copy of the cell's configuration, and the applications expanded from it. As in the
 * product these are two things: the node counts as synchronized when its configuration is, expanding comes after that.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ask, digestOf, isOn, type Settings, sleep, whileOn } from "./settings.mts";

const repositoryFolder = ({ profile }: Settings) => `${profile}/config`;
const epochFile = (settings: Settings) => `${repositoryFolder(settings)}/.repository/epoch`;
const expandedFolder = ({ profile, cell }: Settings, application: string) =>
  `${profile}/installedApps/${cell}/${application}.ear`;

/** What the node holds is of this state of the master configuration. */
export function epochOf(settings: Settings): string {
  return existsSync(epochFile(settings)) ? readFileSync(epochFile(settings), "utf8") : "";
}

export async function masterEpoch(settings: Settings): Promise<string> {
  return (await repository(settings, `/epoch/${settings.node}`)).trim();
}

async function repository(settings: Settings, path: string): Promise<string> {
  const { address, repositoryPort } = settings.dmgr;
  const answer = await ask(settings, address, repositoryPort, "GET", path);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.text;
}

/**
 * Brings the node's configuration to that of the cell. Full: every file is compared; else only when the master has changed.
 * @throws when the deployment manager cannot be reached, or the fault sync-fails is on
 */
export async function synchronize(settings: Settings, full: boolean): Promise<void> {
  if (isOn(settings, "sync-fails")) throw new Error("ADMS0005E: synchronization failed (fault of the lab)");
  if (!full && (await masterEpoch(settings)) === epochOf(settings)) return;
  const [epoch = "", ...lines] = (await repository(settings, `/files/${settings.node}`)).trimEnd().split("\n");
  const wanted = new Map(lines.map((line) => line.split("\t") as [string, string]));
  const folder = repositoryFolder(settings);
  for (const [path, digest] of wanted) {
    const file = `${folder}/${path}`;
    if (existsSync(file) && digestOf(readFileSync(file)) === digest) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, await repository(settings, `/file/${path}`));
  }
  for (const path of filesBelow(`${folder}/cells/${settings.cell}/applications`)) {
    if (!wanted.has(`cells/${settings.cell}/applications/${path}`)) {
      rmSync(`${folder}/cells/${settings.cell}/applications/${path}`);
    }
  }
  mkdirSync(dirname(epochFile(settings)), { recursive: true });
  writeFileSync(epochFile(settings), epoch);
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1));
}

function masterCopy(settings: Settings, application: string): string {
  const { cell } = settings;
  return `${repositoryFolder(settings)}/cells/${cell}/applications/${application}.ear/${application}.ear`;
}

/** Digest of the EAR that lies expanded on the node; "" when none does. */
export function expandedDigest(settings: Settings, application: string): string {
  const file = `${expandedFolder(settings, application)}/META-INF/level.properties`;
  return existsSync(file) ? digestOf(readFileSync(file)) : "";
}

/** Applications whose EAR in the node's configuration is not the one that lies expanded. */
export function toExpand(settings: Settings): string[] {
  const folder = `${repositoryFolder(settings)}/cells/${settings.cell}/applications`;
  const names = existsSync(folder) ? readdirSync(folder).map((name) => name.replace(/\.ear$/, "")) : [];
  return names.filter((name) => {
    const copy = masterCopy(settings, name);
    return existsSync(copy) && digestOf(readFileSync(copy)) !== expandedDigest(settings, name);
  });
}

/** Expands one application; takes its time, and longer while the fault slow-expansion is on. */
export async function expand(settings: Settings, application: string): Promise<void> {
  await sleep(settings.times.expand);
  await whileOn(settings, "slow-expansion");
  const folder = expandedFolder(settings, application);
  mkdirSync(`${folder}/META-INF`, { recursive: true });
  mkdirSync(`${folder}/${application.toLowerCase()}.war/WEB-INF`, { recursive: true });
  const bytes = readFileSync(masterCopy(settings, application));
  writeFileSync(
    `${folder}/${application.toLowerCase()}.war/WEB-INF/web.xml`,
    `<web-app><!-- ${digestOf(bytes)} --></web-app>\n`,
  );
  writeFileSync(`${folder}/META-INF/level.properties`, bytes);
}
