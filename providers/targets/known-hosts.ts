import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** A line of a known_hosts file that a key can be compared with. */
export interface KnownHostsEntry {
  readonly line: number;
  readonly marker: "none" | "revoked" | "cert-authority";
  /** The first field: a comma list of patterns, or one hashed name. */
  readonly hosts: string;
  readonly keyType: string;
  readonly key: Buffer;
}

export type HostKeyVerdict =
  | { readonly verdict: "known"; readonly entry: KnownHostsEntry }
  | { readonly verdict: "revoked"; readonly entry: KnownHostsEntry }
  /** The host has an entry of this key type, with another key. */
  | { readonly verdict: "changed"; readonly entry: KnownHostsEntry }
  /** Nothing about this host, or only keys of other types. */
  | { readonly verdict: "unknown"; readonly recordedTypes: readonly string[] };

const MARKERS: Readonly<Record<string, KnownHostsEntry["marker"]>> = {
  "@revoked": "revoked",
  "@cert-authority": "cert-authority",
};

/**
 * Reads the text of an OpenSSH known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). Like OpenSSH it passes over
 * comments and lines it does not understand: they cannot vouch for a host.
 */
export function parseKnownHosts(text: string): readonly KnownHostsEntry[] {
  return text.split("\n").flatMap((line, index) => parseLine(line, index + 1) ?? []);
}

function parseLine(text: string, line: number): KnownHostsEntry | undefined {
  const fields = text.trim().split(/[ \t]+/);
  if (!fields[0] || fields[0].startsWith("#")) return undefined;
  const marked = fields[0].startsWith("@");
  const marker = marked ? MARKERS[fields[0]] : "none";
  const [hosts, keyType, base64] = marked ? fields.slice(1) : fields;
  if (!marker || !hosts || !keyType || !base64) return undefined;
  const key = Buffer.from(base64, "base64");
  // The type inside the key is what the server will show; a line that contradicts itself proves nothing.
  return typeOfKey(key) === keyType ? { line, marker, hosts, keyType, key } : undefined;
}

/** The name under which OpenSSH records a host: the plain one for port 22, else `[name]:port`. */
export function knownHostsName(address: string, port: number): string {
  const name = address.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** What a known_hosts file says about the key that a server showed. A revoked key is refused whatever else stands there. */
export function judgeHostKey(entries: readonly KnownHostsEntry[], name: string, key: Buffer): HostKeyVerdict {
  const ofHost = entries.filter((entry) => matchesHosts(entry.hosts, name));
  const same = ofHost.filter((entry) => entry.key.equals(key));
  const revoked = same.find((entry) => entry.marker === "revoked");
  if (revoked) return { verdict: "revoked", entry: revoked };
  const known = same.find((entry) => entry.marker === "none");
  if (known) return { verdict: "known", entry: known };
  // Certificate authorities vouch for certificates, which this client cannot check: they say nothing about a plain key.
  const plain = ofHost.filter((entry) => entry.marker === "none");
  const other = plain.find((entry) => entry.keyType === typeOfKey(key));
  if (other) return { verdict: "changed", entry: other };
  return { verdict: "unknown", recordedTypes: typesOf(plain) };
}

/** Types of the keys recorded for a host: to be offered first, else the server may show one of a type nobody recorded. */
export function recordedKeyTypes(entries: readonly KnownHostsEntry[], name: string): readonly string[] {
  return typesOf(entries.filter((entry) => entry.marker === "none" && matchesHosts(entry.hosts, name)));
}

function typesOf(entries: readonly KnownHostsEntry[]): readonly string[] {
  return [...new Set(entries.map((entry) => entry.keyType))];
}

function matchesHosts(hosts: string, name: string): boolean {
  if (hosts.startsWith("|")) return matchesHash(hosts, name);
  const patterns = hosts.split(",");
  const excluded = patterns.some((pattern) => pattern.startsWith("!") && matchesPattern(pattern.slice(1), name));
  return !excluded && patterns.some((pattern) => !pattern.startsWith("!") && matchesPattern(pattern, name));
}

/** `|1|salt|hash` with hash = HMAC-SHA1(salt, name); no other scheme exists. */
function matchesHash(hosts: string, name: string): boolean {
  const [, scheme, salt, hash] = hosts.split("|");
  if (scheme !== "1" || !salt || !hash) return false;
  const expected = Buffer.from(hash, "base64");
  const actual = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** `*` = any characters, `?` = one; without backtracking explosions, whatever the file says. */
function matchesPattern(pattern: string, name: string): boolean {
  const wanted = pattern.toLowerCase();
  let [p, n, star, resume] = [0, 0, -1, 0];
  while (n < name.length) {
    if (wanted[p] === "*") {
      star = p++;
      resume = n;
    } else if (p < wanted.length && (wanted[p] === "?" || wanted[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (wanted[p] === "*") p++;
  return p === wanted.length;
}

/** The algorithm name that an SSH public key blob begins with; "" when it is none. */
export function typeOfKey(key: Buffer): string {
  if (key.length < 4) return "";
  const length = key.readUInt32BE(0);
  return length <= key.length - 4 && length <= 64 ? key.toString("latin1", 4, 4 + length) : "";
}

/** As OpenSSH prints it: "SHA256:…" without padding. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}
