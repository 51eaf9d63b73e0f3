import { readFile } from "node:fs/promises";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { expandHome } from "../common/paths.js";
import { ProblemError } from "../common/problem.js";
import { type Connection, type Hop, hopsTo } from "./connection.js";
import {
  fingerprintOf,
  judgeHostKey,
  knownHostsName,
  parseKnownHosts,
  recordedKeyTypes,
  typeOfKey,
} from "./known-hosts.js";

/** How one hop's host key is judged during a handshake. */
export interface HostKeyCheck {
  /** In the order of preference: types with a recorded key come first. */
  readonly algorithms: readonly ServerHostKeyAlgorithm[];
  /** undefined = the key is the right one; else why it is not accepted. */
  judge(key: Buffer): ProblemError | undefined;
}

/** ssh2's own order, without the SHA-1 signatures that OpenSSH gave up too. */
const ALGORITHMS: readonly ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/**
 * Reads what is trusted for a hop. `where` names the hop in messages ("web1", "jump host of web1").
 *
 * @throws ProblemError `host-key` when the known_hosts file cannot be read: nothing is accepted then.
 */
export async function hostKeyCheck(hop: Hop, where: string): Promise<HostKeyCheck> {
  const { hostKey } = hop;
  if ("insecureAcceptAny" in hostKey) return { algorithms: ALGORITHMS, judge: () => undefined };
  if ("pinned" in hostKey) return pinnedCheck(hostKey.pinned, where);
  return knownHostsCheck(expandHome(hostKey.knownHosts), hop, where);
}

/** One sentence per hop whose key is not verified: for every preview and log. */
export function hostKeyWarnings(connection: Connection): readonly string[] {
  return hopsTo(connection).flatMap(({ hop, where }) =>
    "insecureAcceptAny" in hop.hostKey
      ? [
          `${where}: host key not verified (hostKey.insecureAcceptAny): anyone on the network path can pose as ${hop.address}`,
        ]
      : [],
  );
}

function pinnedCheck(pinned: readonly string[], where: string): HostKeyCheck {
  const keys = pinned
    .filter((pin) => !pin.startsWith("SHA256:"))
    .map((pin) => Buffer.from(pin.split(" ")[1] ?? "", "base64"));
  const fingerprints = [
    ...pinned.filter((pin) => pin.startsWith("SHA256:")).map((pin) => pin.replace(/=$/, "")),
    ...keys.map(fingerprintOf),
  ];
  return {
    algorithms: preferring(keys.map(typeOfKey)),
    judge: (key) => {
      if (fingerprints.includes(fingerprintOf(key))) return undefined;
      return new ProblemError("host-key", {
        where,
        found: `host key ${describeKey(key)}`,
        allowed: `the pinned ${fingerprints.join(" or ")}`,
        why: "This is another machine, or its key was replaced, or it has several keys and the pinned one is of another type",
        next: "Compare on the host's console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; a pin in the long form (ssh-ed25519 AAAA…) makes the server show the key of that type",
      });
    },
  };
}

async function knownHostsCheck(file: string, hop: Hop, where: string): Promise<HostKeyCheck> {
  const { text, note } = await readKnownHosts(file, where);
  const entries = parseKnownHosts(text);
  const name = knownHostsName(hop.address, hop.port);
  const scan = `ssh-keyscan -p ${hop.port} ${hop.address}`;
  return {
    algorithms: preferring(recordedKeyTypes(entries, name)),
    judge: (key) => {
      const judgement = judgeHostKey(entries, name, key);
      if (judgement.verdict === "known") return undefined;
      const found = `host key ${describeKey(key)}`;
      if (judgement.verdict === "unknown") {
        const others =
          judgement.recordedTypes.length > 0 ? ` (only keys of type ${judgement.recordedTypes.join(", ")})` : "";
        return new ProblemError("host-key", {
          where,
          found: `${found}, which is not known`,
          allowed: `a key recorded for ${name} in ${file}${note}${others}`,
          next: `Compare the fingerprint on the host's console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub); if it is the same, add it: ${scan} >> ${file}`,
        });
      }
      const place = `${file} line ${judgement.entry.line}`;
      if (judgement.verdict === "revoked") {
        return new ProblemError("host-key", {
          where,
          found: `${found}, which is marked as revoked in ${place}`,
          why: "Somebody else may have this key",
          next: "Give the host a new key before anything is sent to it",
        });
      }
      return new ProblemError("host-key", {
        where,
        found,
        allowed: `${describeKey(judgement.entry.key)} as recorded in ${place}`,
        why: "This is another machine, or somebody is in between, or the host was installed anew",
        next: `Ask who looks after the host; only if the key was replaced on purpose: ssh-keygen -R ${JSON.stringify(name)} -f ${file}, then ${scan} >> ${file}`,
      });
    },
  };
}

async function readKnownHosts(file: string, where: string): Promise<{ text: string; note: string }> {
  try {
    return { text: await readFile(file, "utf8"), note: "" };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return { text: "", note: " (there is no such file)" };
    throw new ProblemError("host-key", {
      where,
      found: `${file} cannot be read (${code})`,
      allowed: "a readable known_hosts file",
      why: "Without it no host key can be verified",
      next: "Check the path and its permissions",
    });
  }
}

function preferring(types: readonly string[]): readonly ServerHostKeyAlgorithm[] {
  const recorded = new Set(types);
  const isRecorded = (algorithm: string) => recorded.has(algorithm.startsWith("rsa-sha2-") ? "ssh-rsa" : algorithm);
  return [...ALGORITHMS.filter(isRecorded), ...ALGORITHMS.filter((algorithm) => !isRecorded(algorithm))];
}

function describeKey(key: Buffer): string {
  return `${typeOfKey(key)} ${fingerprintOf(key)}`;
}
