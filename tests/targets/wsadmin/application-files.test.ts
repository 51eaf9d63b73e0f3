import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { lookAtApplicationFiles } from "../../../providers/targets/wsadmin/application-files.js";
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
    expect((await look("Files.ear"))[0]).toMatchObject({ age: expect.any(Number), content: expect.any(String) });
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
