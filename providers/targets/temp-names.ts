import { randomBytes } from "node:crypto";
import { sha256 } from "../common/json.js";

/**
 * Names of the temporary files beside a file that is being replaced. They begin with a dot, so that no `Include *.conf` of a
 * web server picks one up; they end in .tmp; they are of one length, so that a long name stays possible; and all of one
 * file share a prefix, by which what a crashed run left is known and removed at the next write.
 */
export function tempPrefix(base: string, purpose: TempPurpose): string {
  return `.pulumi-connections-${sha256(base).slice(0, 16)}-${purpose}-`;
}

export function tempName(base: string, purpose: TempPurpose): string {
  return `${tempPrefix(base, purpose)}${randomBytes(8).toString("hex")}.tmp`;
}

export function isTempOf(base: string, purpose: TempPurpose, name: string): boolean {
  return name.startsWith(tempPrefix(base, purpose)) && name.endsWith(".tmp");
}

/**
 * Files are replaced by one writer at a time, who may clear up at once. Files are created exclusively by several at a time:
 * what one of them left is cleared up only when it is too old to be in use.
 */
export type TempPurpose = "replace" | "create";

export const ABANDONED_AFTER_MS = 15 * 60_000;
