import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import { readPluginConfig } from "../../formats/plugin-cfg.js";
import type { Host } from "../host.js";
import type { WebServerIdentity, WebServerSettings } from "./schema.js";
import { directiveIn, isRunning, pidFileOf } from "./web-server.js";

export const gracefulCommand = (identity: WebServerIdentity, settings: WebServerSettings): readonly string[] =>
  settings.control.graceful ?? apachectl(identity, settings, "graceful");
export const testCommand = (identity: WebServerIdentity, settings: WebServerSettings): readonly string[] =>
  settings.control.test ?? apachectl(identity, settings, "-t");
export const buildCommand = (identity: WebServerIdentity, settings: WebServerSettings): readonly string[] =>
  settings.control.build ?? apachectl(identity, settings, "-V");
export const startCommand = (identity: WebServerIdentity, settings: WebServerSettings): readonly string[] =>
  settings.control.start ?? apachectl(identity, settings, "start");

/** The web server's own control program, told of what differs from its defaults. */
function apachectl(identity: WebServerIdentity, settings: WebServerSettings, verb: string): readonly string[] {
  const usual = `${settings.serverRoot}/conf/httpd.conf`;
  return [
    `${settings.serverRoot}/bin/apachectl`,
    verb,
    ...(identity.httpdConf === usual ? [] : ["-f", identity.httpdConf]),
    ...(settings.defines ?? []).flatMap((name) => ["-D", name]),
  ];
}

/**
 * Reloads the web server gracefully (`begun` is called just before), but only into a configuration that was looked at: its own syntax test says "OK" to a
 * plug-in file that ends the parent process at the reload, so that file is read and validated here first.
 */
export async function reload(
  host: Host,
  identity: WebServerIdentity,
  settings: WebServerSettings,
  begun: () => void,
): Promise<void> {
  await requireSoundFiles(host, identity, settings);
  await requireAlive(host, identity, settings);
  begun();
  await control(
    host,
    identity,
    settings,
    "graceful",
    gracefulCommand(identity, settings),
    `reload ${identity.webServer} gracefully`,
  );
  await requireAlive(host, identity, settings);
}

/** The same after a failure: a parent process that our own reload ended is started again. */
export async function reloadOrStart(
  host: Host,
  identity: WebServerIdentity,
  settings: WebServerSettings,
): Promise<"reloaded" | "started"> {
  await requireSoundFiles(host, identity, settings);
  if ((await isRunning(host.files, pidFileOf(settings))) !== "no") {
    await control(
      host,
      identity,
      settings,
      "graceful",
      gracefulCommand(identity, settings),
      `reload ${identity.webServer} gracefully`,
    );
    if ((await isRunning(host.files, pidFileOf(settings))) !== "no") return "reloaded";
  }
  await control(host, identity, settings, "start", startCommand(identity, settings), `start ${identity.webServer}`);
  await requireAlive(host, identity, settings);
  return "started";
}

/** @throws ProblemError `command-failed` when the parent process of the pid file is gone. */
export async function requireAlive(
  host: Host,
  identity: WebServerIdentity,
  settings: WebServerSettings,
): Promise<void> {
  if ((await isRunning(host.files, pidFileOf(settings))) !== "no") return;
  throw new ProblemError("command-failed", {
    where: `${host.name}:${pidFileOf(settings)}`,
    found: `the parent process of ${identity.webServer} is gone`,
    why: "A web server that does not accept its configuration at a reload ends without a word to whoever asked for it",
    next: `Look at its error log; start it again with: ${startCommand(identity, settings).join(" ")}`,
  });
}

/** @throws ProblemError when the web server, as its files are now, would not come up or would not reach any application. */
async function requireSoundFiles(host: Host, identity: WebServerIdentity, settings: WebServerSettings): Promise<void> {
  const directive = await directiveIn(host.files, identity, settings);
  const where = `${host.name}:${directive.path}`;
  const content = await host.files.read(directive.path);
  if (!content) {
    throw new ProblemError("missing", {
      where,
      found: `no such file, though ${directive.file}:${directive.line} names it`,
      why: "The web server would not come up, or reach no application",
      next: "Generate and propagate the plug-in file, or let the directive name one that is there",
    });
  }
  const { problems } = readPluginConfig(content.bytes, where);
  if (problems.length > 0) throw new ProblemError("malformed", problems);
  await requireSyntax(host, identity, settings);
}

/** @throws ProblemError `command-failed` when the web server's own syntax test does not accept its configuration. */
export async function requireSyntax(
  host: Host,
  identity: WebServerIdentity,
  settings: WebServerSettings,
): Promise<void> {
  const command = testCommand(identity, settings);
  const what = `test the configuration of ${identity.webServer}`;
  const result = await host.run(command, { what, timeoutMs: milliseconds(settings.control.timeout) });
  if (result.exitCode !== 0) throw failed(host, command, result.exitCode, `${result.stdout}${result.stderr}`);
}

/** httpd's processing module decides what a graceful reload costs. */
export type Mpm = "prefork" | "worker" | "event" | "unknown";

/** By the line "Server MPM:" of `httpd -V`. One that cannot be told is "unknown", and no error. */
export async function mpmOf(host: Host, identity: WebServerIdentity, settings: WebServerSettings): Promise<Mpm> {
  const what = `ask ${identity.webServer} for its processing module`;
  const timeoutMs = milliseconds(settings.control.timeout);
  const { stdout } = await host.run(buildCommand(identity, settings), { what, timeoutMs });
  const named = /^Server MPM:\s*(\w+)/im.exec(stdout)?.[1]?.toLowerCase();
  return named === "prefork" || named === "worker" || named === "event" ? named : "unknown";
}

/** Runs detached: a line that is cut in the middle must not leave the web server half restarted. */
async function control(
  host: Host,
  identity: WebServerIdentity,
  settings: WebServerSettings,
  verb: "graceful" | "start",
  command: readonly string[],
  what: string,
): Promise<void> {
  const name = `plugin-routing-${identity.webServer}-${verb}`;
  const options = { what, timeoutMs: milliseconds(settings.control.timeout) };
  // One that an earlier run left behind may have read older files: it is waited for, and then done again.
  const earlier = await host.jobs.peek(name);
  if (earlier?.state === "running") await host.jobs.run(name, command, options);
  if (earlier) await host.jobs.collect(name);
  const result = await host.jobs.run(name, command, options);
  await host.jobs.collect(name);
  if (result.exitCode !== 0) throw failed(host, command, result.exitCode, result.output);
}

function failed(host: Host, command: readonly string[], exitCode: number, output: string): ProblemError {
  const tail = output.trim().split("\n").slice(-5).join(" | ");
  return new ProblemError("command-failed", {
    where: host.name,
    found: `${command.join(" ")} ended with exit code ${exitCode}: ${tail || "no output"}`,
    next: "Run it there by hand, as the same user; look at the web server's error log",
  });
}
