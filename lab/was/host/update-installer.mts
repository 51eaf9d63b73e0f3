/*
 * The lab's update installer: lists, installs and uninstalls interim fixes. A fix changes applications in the master
 * configuration, one EAR after the other; killed in the middle of one it leaves that EAR damaged, as the real one does.
 *
 * usage: node update-installer.mts FOLDER -fix -installDir D [-fixDir F] [-install|-uninstall|-uninstallAll] [-fixes A B …]
 *   [-fixDetails] [-wasUserId U -wasPassword P] [-featureCustomizationBackedUp yes|no]
 */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { ask, isAdministrator, isOn, readSettings, sleep, whileOn } from "./settings.mts";

interface Fix {
  id: string;
  description: string;
  version: string;
  date: string;
  /** Of the master configuration, by the names of their EARs. */
  applications: string[];
  requires: string[];
  /** Below data/shared/provision. */
  sharedFiles: string[];
}

const settings = readSettings();
const [folder = "", ...args] = process.argv.slice(2);
const options = new Map<string, string[]>();
let current: string[] = [];
for (const arg of args) {
  if (arg.startsWith("-")) {
    current = [];
    options.set(arg.slice(1), current);
  } else current.push(arg);
}
const optionOf = (name: string): string => options.get(name)?.[0] ?? "";
const installRoot = optionOf("installDir");
const fixes = options.get("fixes") ?? [];
const say = (text: string) => console.log(text);

function fail(text: string): never {
  say(text);
  say("Fix installation failed");
  process.exit(1);
}

/** A fix's own file, as our stand-in writes it: lines of key=value. */
function readFix(file: string): Fix {
  const text = readFileSync(file, "utf8");
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1] ?? "";
  const list = (key: string) => value(key).split(",").filter(Boolean);
  return {
    ...{ id: value("id"), description: value("description"), version: value("version"), date: value("date") },
    ...{ applications: list("applications"), requires: list("requires"), sharedFiles: list("sharedFiles") },
  };
}

function fixesIn(directory: string, suffix: string): Fix[] {
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(suffix)) : [];
  return names.sort().map((name) => readFix(`${directory}/${name}`));
}

const installedFile = (id: string) => `${installRoot}/version/${id}.efix`;
const installed = () => fixesIn(`${installRoot}/version`, ".efix");

function list(): void {
  const offered = options.has("fixDir");
  if (offered) {
    say(`Fixes available in ${optionOf("fixDir")}:`);
    fixesIn(optionOf("fixDir"), ".jar").forEach((fix, i) => {
      say(`[${i}] ${fix.id}, ${fix.description}`);
    });
    return;
  }
  say(`Fixes installed in ${installRoot}:`);
  for (const fix of installed()) {
    say(`Fix name: ${fix.id}`);
    say(`\tDescription: ${fix.description}`);
    say(`\tVersion: ${fix.version}`);
    say(`\tDate: ${fix.date}`);
  }
}

function earFile(application: string): string {
  return `${settings.profile}/config/cells/${settings.cell}/applications/${application}.ear/${application}.ear`;
}

async function manager(method: string, path: string): Promise<void> {
  const { address, repositoryPort } = settings.dmgr;
  await ask(settings, address, repositoryPort, method, path).catch(() =>
    fail('WASX7023E: Error creating "SOAP" connection to the deployment manager: it is not running'),
  );
}

/** A saved update appears as a whole; when this process is killed in the middle of it, a damaged EAR is left. */
async function update(application: string, change: (ids: string[]) => string[]): Promise<void> {
  const file = earFile(application);
  const before = readFileSync(file, "utf8");
  const damage = `read done || printf 'application=%s\\nfixes=damaged\\n' "$1" > "$2"`;
  const guard = spawn("/bin/sh", ["-c", damage, "guard", application, file], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ids = (/^fixes=(.*)$/m.exec(before)?.[1] ?? "").split(",").filter(Boolean);
  say(`Updating application ${application} ...`);
  await sleep(settings.times.installApplication);
  await whileOn(settings, "install-hang");
  writeFileSync(file, `application=${application}\nfixes=${change(ids).join(",")}\n`);
  guard.stdin.end("done\n");
  say(`ADMA5013I: Application ${application} updated successfully.`);
}

function log(fix: Fix, verb: string, text: string): void {
  const stamp = new Date().toISOString().replace(/[-:]/g, "").replace("T", "_").slice(0, 15);
  mkdirSync(`${installRoot}/version/log`, { recursive: true });
  appendFileSync(`${installRoot}/version/log/${stamp}_${fix.id}_common_${verb}.log`, `${text}\n`);
}

async function work(todo: readonly Fix[], verb: "install" | "uninstall"): Promise<void> {
  await manager("GET", "/epoch/dmgr");
  for (const fix of todo) {
    say(`${verb === "install" ? "Installing" : "Uninstalling"} fix ${fix.id} ...`);
    if (!isOn(settings, "install-lies")) {
      for (const application of fix.applications) {
        await update(application, (ids) => {
          const others = ids.filter((id) => id !== fix.id && id !== "damaged");
          return verb === "install" ? [...others, fix.id] : others;
        });
      }
      for (const name of fix.sharedFiles) {
        appendFileSync(`${installRoot}/data/shared/provision/${name}`, `${verb} ${fix.id}\n`);
      }
      await manager("POST", "/updated");
      if (verb === "install") writeFileSync(installedFile(fix.id), textOf(fix));
      else rmSync(installedFile(fix.id), { force: true });
      log(fix, verb, "Build Successful");
    }
  }
  say(`Fix ${verb}ation completed successfully`);
}

function textOf(fix: Fix): string {
  return Object.entries(fix)
    .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join(",") : value}\n`)
    .join("");
}

function refuseBadCall(): void {
  if (process.cwd() !== folder) fail("WAS_HOME is not set: run the command from the updateInstaller folder");
  const login = { user: optionOf("wasUserId"), password: optionOf("wasPassword") };
  if ((options.get("wasUserId")?.length ?? 0) > 1 || (options.get("wasPassword")?.length ?? 0) > 1) {
    fail("Invalid option: user and password must not contain spaces");
  }
  if (!isAdministrator(settings, login)) {
    fail('WASX7246E: Cannot establish "SOAP" connection to host "dmgr" because of an authentication failure.');
  }
}

function toInstall(): Fix[] {
  if (optionOf("featureCustomizationBackedUp") !== "yes")
    fail("Back up feature customizations first (-featureCustomizationBackedUp yes)");
  const offered = fixesIn(optionOf("fixDir"), ".jar");
  const present = new Set(installed().map((fix) => fix.id));
  return fixes.map((id) => {
    const fix = offered.find((one) => one.id === id);
    if (!fix) fail(`Fix ${id} is not found in ${optionOf("fixDir")}`);
    if (present.has(id)) fail(`Fix ${id} is already installed`);
    const missing = fix.requires.filter((one) => !present.has(one) && !fixes.includes(one));
    if (missing.length > 0) fail(`Fix ${id} requires ${missing.join(", ")}`);
    return fix;
  });
}

function toUninstall(): Fix[] {
  const present = installed();
  if (options.has("uninstallAll")) return present;
  const chosen = fixes.map((id) => present.find((fix) => fix.id === id) ?? fail(`Fix ${id} is not installed`));
  const needy = present.find((fix) => !fixes.includes(fix.id) && fix.requires.some((id) => fixes.includes(id)));
  if (needy) fail(`Fix ${needy.id} requires ${needy.requires.join(", ")}`);
  return chosen;
}

if (!options.has("fix") || !existsSync(installRoot)) fail("usage: updateSilent -fix -installDir <Connections root> …");
if (options.has("install")) {
  refuseBadCall();
  await work(toInstall(), "install");
} else if (options.has("uninstall") || options.has("uninstallAll")) {
  refuseBadCall();
  await work(toUninstall(), "uninstall");
} else list();
