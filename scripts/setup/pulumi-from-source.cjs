"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { ROOT, findExecutable } = require("./paths.cjs");
const { capture, mustRun } = require("./processes.cjs");
const { SetupError } = require("./report.cjs");
const { isAtLeast } = require("./versions.cjs");

const MODULE = path.join(ROOT, "tools", "pulumi");
const LANGUAGE_HOST = path.join(ROOT, "tools", "node-langhost", "main.cjs");
/** The SDK brings the program that runs dynamic providers; the engine only looks for it beside the CLI. */
const PROVIDER_HOST = path.join(ROOT, "node_modules", "@pulumi", "pulumi", "pulumi-resource-pulumi-nodejs");
/** From this release on, the go command fetches the release that a go.mod asks for by itself. */
const SELF_UPDATING_GO = "1.21";
const BUILD_SECONDS = 30 * 60;

/**
 * Fills `folder` with a CLI built from the Go modules that tools/pulumi pins, and the language host of this repository.
 * For networks that reach package registries but not the vendor.
 * @param {string} folder
 * @param {string} version
 * @returns {Promise<undefined>}
 */
async function buildFromSource(folder, version) {
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off", ...(await goToolchain()) };
  // Unoptimised (-N -l): half the build time, and the engine is never what takes the time here.
  const args = [
    ...["build", "-trimpath", "-buildvcs=false", "-tags", "osusergo,grpcnotrace", "-gcflags=all=-N -l"],
    ...["-ldflags", `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`],
    ...["-o", path.join(folder, "pulumi"), "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
  ];
  await mustRun("go", args, {
    cwd: MODULE,
    env,
    seconds: BUILD_SECONDS,
    waitingFor: "compiling the Pulumi CLI",
    next: "if modules could not be fetched, set GOPROXY to a Go module proxy that this machine reaches, then this again",
  });
  const inRoot = (/** @type {string} */ file) => path.join("..", "..", path.relative(ROOT, file));
  // Leads to the sources, so that a change there needs no set-up. $0 is this very file: the engine starts it by its path.
  const launcher = `#!/bin/sh\nexec node "$(dirname "$0")/${inRoot(LANGUAGE_HOST)}" "$@"\n`;
  fs.writeFileSync(path.join(folder, "pulumi-language-nodejs"), launcher, { mode: 0o755 });
  fs.symlinkSync(inRoot(PROVIDER_HOST), path.join(folder, path.basename(PROVIDER_HOST)));
  return undefined;
}

/**
 * The environment in which `go` is new enough for our go.mod.
 * @returns {Promise<{ GOTOOLCHAIN?: string }>}
 */
async function goToolchain() {
  const wanted = /^go (\S+)$/m.exec(fs.readFileSync(path.join(MODULE, "go.mod"), "utf8"))?.[1] ?? "";
  if (!findExecutable("go")) throw noGo("there is no go command on PATH", wanted);
  // GOTOOLCHAIN=local: the release that is installed, without fetching another one.
  const { stdout } = await capture("go", ["version"], { env: { ...process.env, GOTOOLCHAIN: "local" }, seconds: 30 });
  const choice = toolchainFor(stdout, wanted);
  if (!choice) throw noGo(`the go command on PATH is too old (${stdout.trim()})`, wanted);
  return choice;
}

/**
 * @param {string} installed what `go version` says
 * @param {string} wanted the release in go.mod
 * @returns {{ GOTOOLCHAIN?: string } | undefined} undefined when that go can neither build it nor fetch one that can
 */
function toolchainFor(installed, wanted) {
  if (isAtLeast(installed, wanted)) return {};
  return isAtLeast(installed, SELF_UPDATING_GO) ? { GOTOOLCHAIN: "auto" } : undefined;
}

/**
 * @param {string} found
 * @param {string} wanted
 */
function noGo(found, wanted) {
  return new SetupError(
    `the Pulumi CLI can neither be downloaded nor built here: ${found}`,
    `install Go ${wanted} or later (${SELF_UPDATING_GO} is enough where it can fetch newer releases itself), or put an ` +
      "official Pulumi CLI on PATH, then this again",
  );
}

module.exports = { buildFromSource, toolchainFor };
