import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  fingerprintOf,
  judgeHostKey,
  knownHostsName,
  parseKnownHosts,
  recordedKeyTypes,
  typeOfKey,
} from "../../providers/targets/known-hosts.js";

/** A public key blob of a type, told apart by `id`. */
function blob(type: string, id: string): Buffer {
  const field = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  return Buffer.concat([field(type), field(id)]);
}
const ED = blob("ssh-ed25519", "one");
const ED2 = blob("ssh-ed25519", "two");
const RSA = blob("ssh-rsa", "three");
const text = (key: Buffer) => `${typeOfKey(key)} ${key.toString("base64")}`;
const judge = (file: string, name: string, key: Buffer) => judgeHostKey(parseKnownHosts(file), name, key).verdict;

describe("promise 13: who a host is, by known_hosts", () => {
  test.each<[string, string, Buffer, string]>([
    [`web1 ${text(ED)}`, "web1", ED, "known"],
    [`web1 ${text(ED)}`, "web2", ED, "unknown"],
    [`web1 ${text(ED)}`, "web1", ED2, "changed"],
    [`web1 ${text(RSA)}`, "web1", ED, "unknown"],
    [`web1,web2,10.0.0.1 ${text(ED)}`, "10.0.0.1", ED, "known"],
    [`*.example.org ${text(ED)}`, "a.b.example.org", ED, "known"],
    [`*.example.org ${text(ED)}`, "example.org", ED, "unknown"],
    [`web? ${text(ED)}`, "web1", ED, "known"],
    [`web? ${text(ED)}`, "web12", ED, "unknown"],
    [`*.example.org,!bad.example.org ${text(ED)}`, "bad.example.org", ED, "unknown"],
    [`!bad.example.org,*.example.org ${text(ED)}`, "good.example.org", ED, "known"],
    [`!web2 ${text(ED)}`, "web1", ED, "unknown"],
    [`[web1]:2222 ${text(ED)}`, "[web1]:2222", ED, "known"],
    [`web1 ${text(ED)}`, "[web1]:2222", ED, "unknown"],
    [`WEB1 ${text(ED)}`, "web1", ED, "known"],
    [`@revoked * ${text(ED)}\nweb1 ${text(ED)}`, "web1", ED, "revoked"],
    [`web1 ${text(ED)}\n@revoked web1 ${text(ED2)}`, "web1", ED, "known"],
    [`@cert-authority * ${text(ED)}`, "web1", ED, "unknown"],
    [`@cert-authority * ${text(ED)}`, "web1", ED2, "unknown"],
    [`@strange * ${text(ED)}`, "web1", ED, "unknown"],
    [`web1 ${text(ED2)}\nweb1 ${text(RSA)}\nweb1 ${text(ED)}`, "web1", ED, "known"],
    [`# comment\r\n\r\n  \t\r\nweb1\t${text(ED)} me@there and more\r\n`, "web1", ED, "known"],
    [`# web1 ${text(ED)}`, "web1", ED, "unknown"],
    [`web1 ssh-rsa ${ED.toString("base64")}`, "web1", ED, "unknown"],
    ["web1 ssh-ed25519", "web1", ED, "unknown"],
    ["|1|x|y ssh-ed25519 AAAA\n|2|a|b ssh-ed25519 AAAA", "web1", ED, "unknown"],
    ["", "web1", ED, "unknown"],
  ])("%j for %s", (file, name, key, verdict) => {
    expect(judge(file, name, key)).toBe(verdict);
  });

  test("a hashed name is found, for any name and salt", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9.-]{1,40}$/),
        fc.uint8Array({ minLength: 1, maxLength: 20 }),
        (name, salt) => {
          const hash = createHmac("sha1", salt).update(name).digest("base64");
          const file = `|1|${Buffer.from(salt).toString("base64")}|${hash} ${text(ED)}`;
          expect(judge(file, name, ED)).toBe("known");
          expect(judge(file, `${name}x`, ED)).toBe("unknown");
        },
      ),
    );
  });

  test("patterns match as a regular expression of the same meaning does, and never hang", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "?", "."), maxLength: 14, minLength: 1 });
    fc.assert(
      fc.property(
        letters,
        fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 12, minLength: 1 }),
        (pattern, name) => {
          const meaning = new RegExp(
            `^${pattern.replaceAll(".", "\\.").replaceAll(/\*+/g, ".*").replaceAll("?", ".")}$`,
          );
          expect(judge(`${pattern} ${text(ED)}`, name, ED) === "known").toBe(meaning.test(name));
        },
      ),
    );
    expect(judge(`${"*a".repeat(2000)}b ${text(ED)}`, "a".repeat(2000), ED)).toBe("unknown");
  });

  test("no text makes it throw", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (file) => void judge(file, "web1", ED)));
    fc.assert(fc.property(fc.uint8Array(), (key) => void judge(`* ${text(ED)}`, "web1", Buffer.from(key))));
  });

  test("a file that OpenSSH hashed itself is understood, with its fingerprints", () => {
    const folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
    try {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key")]);
      const publicKey = readFileSync(join(folder, "key.pub"), "utf8").split(" ").slice(0, 2).join(" ");
      const file = join(folder, "known_hosts");
      writeFileSync(file, `web1.example.org,[web2]:2222 ${publicKey}\n`);
      execFileSync("ssh-keygen", ["-H", "-f", file], { stdio: "ignore" });
      const hashed = readFileSync(file, "utf8");
      expect(hashed).not.toContain("web1");
      const key = Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
      expect(judge(hashed, "web1.example.org", key)).toBe("known");
      expect(judge(hashed, knownHostsName("WEB2", 2222), key)).toBe("known");
      expect(judge(hashed, "web2", key)).toBe("unknown");
      const shown = execFileSync("ssh-keygen", ["-lf", join(folder, "key.pub")], { encoding: "utf8" });
      expect(shown.split(" ")[1]).toBe(fingerprintOf(key));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("the recorded types of a host are known, so that they can be asked for first", () => {
    const file = parseKnownHosts(`web1 ${text(RSA)}\nweb2 ${text(ED)}\nweb* ${text(ED2)}\n@revoked web1 ${text(ED)}`);
    expect(recordedKeyTypes(file, "web1")).toEqual(["ssh-rsa", "ssh-ed25519"]);
    expect(recordedKeyTypes(file, "db1")).toEqual([]);
  });
});
