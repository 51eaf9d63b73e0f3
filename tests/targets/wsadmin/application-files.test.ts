import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { lookAtApplicationFiles, lookAtArchives } from "../../../providers/targets/wsadmin/application-files.js";
import { LocalProfile } from "./local-profile.js";

jest.setTimeout(60_000);

/** An hour of 1999, as an archive may give it to what is expanded from it. */
const LONG_AGO = new Date("1999-01-01T12:00:00Z");

describe("what lies on a host of its applications (a real shell)", () => {
  let local: LocalProfile;
  beforeEach(() => {
    local = new LocalProfile();
  });
  afterEach(() => local.remove());

  const at = (path: string) => join(local.root, "installed apps", path);
  function file(path: string, text = "x"): void {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
    utimesSync(at(path), LONG_AGO, LONG_AGO);
  }
  const look = (...paths: string[]) => lookAtApplicationFiles(local.host(), local.profile, paths.map(at));

  test("archives are the same where their bytes are, whatever their times; what is not there, or no file, is none", async () => {
    file("node/Files.ear", "bytes");
    file("dmgr/Files.ear", "bytes");
    file("other/Files.ear", "bytez");
    const paths = ["node/Files.ear", "dmgr/Files.ear", "other/Files.ear", "node", "missing"].map(at);
    const [copy, original, other, ...none] = await lookAtArchives(local.host(), local.profile, paths);
    expect(copy?.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(original?.digest).toBe(copy?.digest);
    expect(other?.digest).not.toBe(copy?.digest);
    expect(none).toEqual([undefined, undefined]);
    // By the same clock and sign as what is expanded from it.
    file("Files.ear/META-INF/application.xml");
    const [expanded] = await look("Files.ear");
    expect(Date.parse(copy?.writtenAt ?? "")).toBeLessThanOrEqual(Date.parse(expanded?.writtenAt ?? ""));
    expect(Date.parse(copy?.writtenAt ?? "")).toBeGreaterThan(LONG_AGO.getTime());
  });

  test("an expanded application was written when it was, whatever times its files were given", async () => {
    const before = Date.now() - 1_000;
    file("Files.ear/META-INF/application.xml");
    const [files] = await look("Files.ear");
    expect(Date.parse(files?.writtenAt ?? "")).toBeGreaterThanOrEqual(before);
    expect(files?.age).toBeLessThan(60_000);
  });

  test("what an application writes beside its META-INF is no new distribution, and shows in its content", async () => {
    file("Files.ear/META-INF/application.xml");
    const [before] = await look("Files.ear");
    file("Files.ear/files.war/cache/page 1.html");
    const [after] = await look("Files.ear");
    expect(after?.writtenAt).toBe(before?.writtenAt);
    expect(after?.content).not.toBe(before?.content);
  });

  describe("promise 1: a touch is told from a distribution", () => {
    const [WAR, DESCRIPTOR] = ["Files.ear/files.war/WEB-INF/lib/files.jar", "Files.ear/META-INF/application.xml"];
    const shell = (text: string) => execFileSync("sh", ["-c", text, "sh", at("Files.ear")]);
    async function beforeAndAfter(change: () => void) {
      file(DESCRIPTOR, "<application/>");
      file(WAR, "level 1");
      utimesSync(dirname(at(DESCRIPTOR)), LONG_AGO, LONG_AGO);
      const [before] = await look("Files.ear");
      change();
      const [after] = await look("Files.ear");
      return { before, after };
    }

    test.each([
      ["a backup program that puts access times back", 'find "$1" -exec touch -a {} +'],
      ["the owner given once more", 'chown -R "$(id -u)" "$1"'],
      ["a mode that is changed", 'chmod -R g+w "$1"'],
      [
        "everything restored from a backup",
        'cd "$1/.." && tar -cf kept.tar Files.ear && rm -r "$1" && tar -xf kept.tar',
      ],
    ])("%s", async (_name, text) => {
      const { before, after } = await beforeAndAfter(() => shell(text));
      expect(before?.marks).toEqual({
        descriptors: expect.stringMatching(/^[0-9a-f]{16}$/),
        files: expect.stringMatching(/^[0-9a-f]{16}$/),
      });
      // It is what looked like a distribution.
      expect(Date.parse(after?.writtenAt ?? "")).toBeGreaterThan(Date.parse(before?.writtenAt ?? ""));
      expect(after?.marks).toEqual(before?.marks);
      expect([before?.modifiedAt, after?.modifiedAt]).toEqual([LONG_AGO.toISOString(), LONG_AGO.toISOString()]);
    });

    test("expanded anew, with the times of that moment", async () => {
      const { before, after } = await beforeAndAfter(() => {
        rmSync(at("Files.ear"), { recursive: true });
        for (const [name, text] of [
          [DESCRIPTOR, "<application/>"],
          [WAR, "level 2"],
        ] as const) {
          mkdirSync(dirname(at(name)), { recursive: true });
          writeFileSync(at(name), text);
        }
      });
      expect(after?.marks?.descriptors).not.toBe(before?.marks?.descriptors);
      expect(after?.marks?.files).not.toBe(before?.marks?.files);
      expect(Date.parse(after?.modifiedAt ?? "")).toBeGreaterThan(Date.parse(before?.modifiedAt ?? ""));
    });

    const rewritten = (name: string, text: string, time: Date) => () => {
      writeFileSync(at(name), text);
      utimesSync(at(name), time, time);
    };
    const LATER = new Date(LONG_AGO.getTime() + 86_400_000);
    test.each([
      ["a descriptor of another size", rewritten(DESCRIPTOR, "<application></application>", LONG_AGO), true],
      ["a descriptor with other bytes", rewritten(DESCRIPTOR, "<applicatiom/>", LONG_AGO), true],
      ["a descriptor with another time", rewritten(DESCRIPTOR, "<application/>", LATER), true],
      ["an archive's time on a changed library", rewritten(WAR, "level 2", LATER), false],
      ["a changed library of another size", rewritten(WAR, "level 10", LONG_AGO), false],
    ])("%s, in place and with the archive's times", async (_name, change, inDescriptors) => {
      const { before, after } = await beforeAndAfter(change);
      expect(after?.marks?.descriptors !== before?.marks?.descriptors).toBe(inDescriptors);
      expect(after?.marks).not.toEqual(before?.marks);
    });
  });

  test("the same names and sizes are the same content, wherever they lie", async () => {
    for (const name of ["a", "b"]) file(`${name}/Files.ear/META-INF/application.xml`, "12345");
    const [a, b] = await look("a/Files.ear", "b/Files.ear");
    expect(a?.content).toMatch(/^[0-9a-f]{16}$/);
    expect(b?.content).toBe(a?.content);
    file("b/Files.ear/META-INF/application.xml", "123456");
    expect((await look("b/Files.ear"))[0]?.content).not.toBe(a?.content);
  });

  test("an archive in the master configuration is a file", async () => {
    file("Files.ear");
    const [archive] = await look("Files.ear");
    expect(archive).toMatchObject({ age: expect.any(Number), content: expect.any(String) });
    // The bytes of a large one are not read in every preview.
    expect(archive?.marks).toBeUndefined();
  });

  test("what is not there, or has no META-INF, is not known; the others are", async () => {
    file("Odd.ear/odd.war/page.html");
    file("Files.ear/META-INF/application.xml");
    const [absent, odd, files] = await look("None.ear", "Odd.ear", "Files.ear");
    expect([absent, odd]).toEqual([{}, {}]);
    expect(files?.content).toBeDefined();
  });

  test("promise 19: a name is data, whatever it holds", async () => {
    file("$(touch x); 'y'\n.ear/META-INF/application.xml");
    expect((await look("$(touch x); 'y'\n.ear", "-delete"))[0]?.content).toBeDefined();
  });
});
