"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { findExecutable } = require("./paths.cjs");
const { capture, ending } = require("./processes.cjs");

const INSTALLER = "https://get.pulumi.com";
/** A network that is closed to the vendor must cost seconds, not minutes. */
const CONNECT_SECONDS = 5;
const SCRIPT_SECONDS = 30;
const INSTALL_SECONDS = 600;

/**
 * Fills `folder` with the official CLI by way of the vendor's own installation script.
 * @param {string} folder
 * @param {string} version
 * @param {string} [url] of the installation script
 * @returns {Promise<string | undefined>} why that is not possible here, or undefined when done
 */
async function installOfficial(folder, version, url = INSTALLER) {
  const script = path.join(folder, "install.sh");
  const failure = await download(url, script);
  if (failure) return failure;

  // Never run what came in only half: it must be a script that the shell can parse to its end.
  const parsed = await capture("sh", ["-n", script], { seconds: CONNECT_SECONDS });
  if (!fs.readFileSync(script, "utf8").startsWith("#!") || parsed.code !== 0) {
    return `what ${url} sent is not a complete installation script`;
  }
  // The script writes below HOME and edits shell profiles there: it gets a HOME of its own.
  const env = { ...process.env, HOME: folder };
  const args = [script, "--version", version, "--install-root", path.join(folder, "installed"), "--no-edit-path"];
  const installed = await capture("sh", args, {
    cwd: folder,
    env,
    seconds: INSTALL_SECONDS,
    waitingFor: "downloading the CLI",
  });
  if (installed.code !== 0) return `the official installer ${ending(installed, INSTALL_SECONDS)}`;

  const bin = path.join(folder, "installed", "bin");
  if (!fs.existsSync(bin)) return "the official installer put no program where it was told to";
  for (const name of fs.readdirSync(bin)) fs.renameSync(path.join(bin, name), path.join(folder, name));
  fs.rmSync(path.join(folder, "installed"), { recursive: true });
  fs.rmSync(script);
  return undefined;
}

/**
 * curl and wget rather than Node's own client: they know the machine's proxies and certificates.
 * @param {string} url
 * @param {string} file
 * @returns {Promise<string | undefined>} why it failed
 */
async function download(url, file) {
  const curl = findExecutable("curl");
  const wget = findExecutable("wget");
  if (!curl && !wget) return "there is neither curl nor wget to download the official one with";
  const [command, args] = curl
    ? [curl, ["-fsSL", "--connect-timeout", `${CONNECT_SECONDS}`, "--max-time", `${SCRIPT_SECONDS}`, "-o", file, url]]
    : [String(wget), ["-q", "--timeout", `${CONNECT_SECONDS}`, "--tries", "1", "-O", file, url]];
  const { code } = await capture(command, args, { seconds: SCRIPT_SECONDS + CONNECT_SECONDS });
  return code === 0 ? undefined : `${url} cannot be reached from here`;
}

module.exports = { installOfficial };
