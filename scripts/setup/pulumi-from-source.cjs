"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { ROOT, findExecutable } = require("./paths.cjs");
const { capture, mustRun } = require("./processes.cjs");
const { SetupError } = require("./report.cjs");
const { candidateVersion, installPackages } = require("./system-packages.cjs");
const { isAtLeast } = require("./versions.cjs");

const MODULE = path.join(ROOT, "tools", "pulumi");
const LANGUAGE_HOST = path.join(ROOT, "tools", "node-langhost", "main.cjs");
/** The SDK brings the program that runs dynamic providers; the engine only looks for it beside the CLI. */
const PROVIDER_HOST = path.join(ROOT, "node_modules", "@pulumi", "pulumi", "pulumi-resource-pulumi-nodejs");
/** From this release on, the go command fetches the release that a go.mod asks for by itself. */
const SELF_UPDATING_GO = "1.21";
const GO_PACKAGE = "golang-go";
const GO_VERSION_SECONDS = 30;
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
 * The environment in which `go` is new enough for our go.mod; installs the system's Go where that helps.
 * @returns {Promise<{ GOTOOLCHAIN?: string }>}
 */
async function goToolchain() {
  const wanted = /^go (\S+)$/m.exec(fs.readFileSync(path.join(MODULE, "go.mod"), "utf8"))?.[1] ?? "";
  const choice = toolchainFor(await installedGo(), wanted);
  if (choice) return choice;

  const candidate = await candidateVersion(GO_PACKAGE);
  if (toolchainFor(candidate, wanted)) {
    await installPackages("Pulumi CLI", [{ package: GO_PACKAGE, purpose: "to build the CLI" }]);
    const installed = toolchainFor(await installedGo(), wanted);
    if (installed) return installed;
  }
  const found = (await installedGo()) || "there is no go command on PATH";
  throw new SetupError(
    `the Pulumi CLI can neither be downloaded nor built here: ${found}, and the system ` +
      (candidate ? `only offers ${GO_PACKAGE} ${candidate}` : `offers no ${GO_PACKAGE}`),
    `install Go ${wanted} or later (${SELF_UPDATING_GO} is enough where it can fetch newer releases itself), or put an ` +
      "official Pulumi CLI on PATH, then this again",
  );
}

/**
 * What the installed go command says of itself, not of a release that it would fetch; empty when there is none.
 * @returns {Promise<string>}
 */
async function installedGo() {
  if (!findExecutable("go")) return "";
  const env = { ...process.env, GOTOOLCHAIN: "local" };
  return (await capture("go", ["version"], { env, seconds: GO_VERSION_SECONDS })).stdout.trim();
}

/**
 * @param {string} installed what `go version` says, or a package's version
 * @param {string} wanted the release in go.mod
 * @returns {{ GOTOOLCHAIN?: string } | undefined} undefined when that go can neither build it nor fetch one that can
 */
function toolchainFor(installed, wanted) {
  if (isAtLeast(installed, wanted)) return {};
  return isAtLeast(installed, SELF_UPDATING_GO) ? { GOTOOLCHAIN: "auto" } : undefined;
}

module.exports = { buildFromSource, toolchainFor };
