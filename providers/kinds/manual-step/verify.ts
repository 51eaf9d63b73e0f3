import { readFile } from "node:fs/promises";
import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { FileReader } from "../../targets/host.js";
import { type ProbeTarget, probe } from "../../targets/http-probe.js";
import type { Settings } from "./schema.js";

type Verify = NonNullable<Settings["verify"]>;

/** What speaks against the step having been done; nothing = it shows. */
export async function findingsOf({ http, file }: Verify, files: FileReader, host: string): Promise<string[]> {
  const found = await Promise.all([
    ...(http ? [httpFinding(http)] : []),
    ...(file ? [fileFinding(file, files, host)] : []),
  ]);
  return found.filter((finding) => finding !== undefined);
}

/** A page that cannot be reached shows nothing, whatever the reason. */
async function httpFinding(http: NonNullable<Verify["http"]>): Promise<string | undefined> {
  const { address, port, tls, publicHost = address, path, expectStatus, expectText, timeout } = http;
  const url = `${tls ? "https" : "http"}://${publicHost}${path} (${address}:${port})`;
  const target: ProbeTarget = { address, port, publicHost, ...(tls ? { tls: await certificates(tls.ca) } : {}) };
  const outcome = await probe(target, { path, timeoutMs: milliseconds(timeout) });
  if (outcome.kind !== "answered") return `${url}: ${outcome.detail}`;
  if (!expectStatus.includes(outcome.status)) {
    return `${url} answered ${outcome.status}, expected ${expectStatus.join(" or ")}`;
  }
  if (expectText === undefined || outcome.body.includes(expectText)) return undefined;
  return `${url} does not hold ${JSON.stringify(expectText)}`;
}

async function certificates(ca: string | undefined): Promise<{ ca?: string }> {
  if (ca === undefined) return {};
  try {
    return { ca: await readFile(ca, "utf8") };
  } catch (error) {
    throw new ProblemError("missing", {
      where: "verify.http.tls.ca",
      found: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      allowed: "a PEM file on this machine",
      next: "Correct the path or its permissions; without ca the usual authorities are trusted",
    });
  }
}

async function fileFinding(
  { path, sha256 }: NonNullable<Verify["file"]>,
  files: FileReader,
  host: string,
): Promise<string | undefined> {
  const where = `${host}:${path}`;
  const stat = await files.stat(path);
  if (!stat) return `${where} is not there`;
  if (sha256 === undefined) return undefined;
  if (stat.kind !== "file") return `${where} is not a file`;
  const content = await files.read(path);
  return content?.sha256 === sha256 ? undefined : `${where} has SHA-256 ${content?.sha256}, expected ${sha256}`;
}
