import { sha256 } from "../../providers/common/json.js";
import { connectionSchema } from "../../providers/targets/connection.js";
import type { Host } from "../../providers/targets/host.js";
import { closeAllHosts, openHost } from "../../providers/targets/hosts.js";
import { MemoryHost } from "../support/memory-host.js";
import { startSshd, type TestSshd } from "../support/sshd.js";
import { SUDO_STAND_IN } from "../support/sudo-stand-in.js";

/** The few programs that the contract runs, for the modelled host. */
function answer(argv: readonly string[]) {
  const [program, ...args] = argv;
  if (program === "printf") return { exitCode: 0, stdout: args[0] ?? "", stderr: "" };
  if (program === "false") return { exitCode: 1, stdout: "", stderr: "" };
  return { exitCode: 127, stdout: "", stderr: "not found\n" };
}

const WAYS = ["over SFTP", "through sudo", "in memory"] as const;

describe.each(WAYS)("a host %s", (way) => {
  let server: TestSshd | undefined;
  let host: Host;
  let root: string;

  beforeAll(async () => {
    if (way === "in memory") {
      const connection = connectionSchema.parse({
        name: "web1",
        address: "localhost",
        user: "me",
        auth: { agent: true },
      });
      const memory = new MemoryHost(connection, { onRun: answer });
      memory.mkdir("/tree");
      host = memory;
      root = "/tree";
      return;
    }
    server = await startSshd({ programs: { sudo: SUDO_STAND_IN } });
    host = openHost(server.connection(way === "through sudo" ? { sudo: true } : {}));
    root = server.tree;
  });

  afterAll(async () => {
    await closeAllHosts();
    await server?.stop();
  });

  const put = (path: string, text: string, mode?: number) =>
    host.files.write(path, Buffer.from(text), { expected: "absent", ...(mode && { mode }) });

  test("a file is read with its hash and attributes; what is not there is undefined", async () => {
    const path = `${root}/read`;
    expect(await host.files.read(path)).toBeUndefined();
    expect(await host.files.stat(path)).toBeUndefined();
    expect(await host.files.list(path)).toBeUndefined();
    expect(await host.files.realPath(path)).toBeUndefined();
    expect(await host.files.read(`${root}/no/where`)).toBeUndefined();
    await put(path, "hällo\n", 0o640);
    const content = await host.files.read(path);
    expect(content?.bytes.toString()).toBe("hällo\n");
    expect(content?.sha256).toBe(sha256("hällo\n"));
    expect(content?.stat).toMatchObject({ kind: "file", size: 7, mode: 0o640 });
    expect(await host.files.stat(path)).toEqual(content?.stat);
    expect(await host.files.realPath(path)).toBe(path);
  });

  test("promise 19: a file's name is data, whatever is in it", async () => {
    const names = [
      "-rf",
      "a b'c\"d",
      "$(id)`id`",
      "new\nline",
      "-",
      "*",
      "ümläut",
      "\\back",
      "#x",
      "x;y&&z",
      ".dot",
      "..x",
    ];
    const directory = `${root}/names`;
    await host.files.makeDirectory(directory);
    for (const name of names) await put(`${directory}/${name}`, name);
    expect(await host.files.list(directory)).toEqual([...names].sort());
    const read = await Promise.all(names.map((name) => host.files.read(`${directory}/${name}`)));
    expect(read.map((content) => content?.bytes.toString())).toEqual(names);
    for (const name of names) await host.files.remove(`${directory}/${name}`, { expected: sha256(name) });
    expect(await host.files.list(directory)).toEqual([]);
  });

  test("promise 5: a replaced file keeps its mode and owner", async () => {
    const path = `${root}/kept`;
    const before = await put(path, "old", 0o604);
    const after = await host.files.write(path, Buffer.from("new"), { expected: before.sha256, mode: 0o777 });
    expect(after.bytes.toString()).toBe("new");
    const { mode, uid, gid } = before.stat;
    expect(after.stat).toMatchObject({ mode, uid, gid, size: 3 });
    expect(mode).toBe(0o604);
  });

  test("a new file can be like another one", async () => {
    await put(`${root}/model`, "x", 0o600);
    const made = await host.files.write(`${root}/like`, Buffer.from("y"), {
      expected: "absent",
      like: `${root}/model`,
    });
    expect(made.stat.mode).toBe(0o600);
    const lost = host.files.write(`${root}/like2`, Buffer.from("y"), { expected: "absent", like: `${root}/nothing` });
    await expect(lost).rejects.toMatchObject({ cause: "missing" });
  });

  test("what is not as expected is not written, and not removed", async () => {
    const path = `${root}/expected`;
    const other = sha256("other");
    await expect(host.files.write(path, Buffer.from("a"), { expected: other })).rejects.toMatchObject({
      cause: "changed-meanwhile",
    });
    expect(await host.files.read(path)).toBeUndefined();
    await put(path, "there");
    await expect(put(path, "again")).rejects.toMatchObject({ cause: "changed-meanwhile" });
    await expect(host.files.write(path, Buffer.from("a"), { expected: other })).rejects.toMatchObject({
      cause: "changed-meanwhile",
    });
    await expect(host.files.remove(path, { expected: other })).rejects.toMatchObject({ cause: "changed-meanwhile" });
    expect((await host.files.read(path))?.bytes.toString()).toBe("there");
  });

  test("a file is removed, once or again", async () => {
    const path = `${root}/removed`;
    const { sha256: hash } = await put(path, "x");
    await host.files.remove(path, { expected: hash });
    await host.files.remove(path, { expected: hash });
    await put(path, "y");
    await host.files.remove(path, { expected: "any" });
    expect(await host.files.read(path)).toBeUndefined();
  });

  test("promise 12: of many who create a file exclusively, one wins with all of its content", async () => {
    const path = `${root}/lock`;
    const holders = Array.from({ length: 8 }, (_unused, index) => `holder ${index}`);
    const won = await Promise.all(
      holders.map((holder) => host.files.createExclusive(path, Buffer.from(holder), 0o600)),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    const content = await host.files.read(path);
    expect(content?.bytes.toString()).toBe(holders[won.indexOf(true)]);
    expect(content?.stat.mode).toBe(0o600);
    expect(await host.files.list(root)).not.toContainEqual(expect.stringContaining(".tmp"));
  });

  test("directories are made with their parents, once or again", async () => {
    const path = `${root}/deep/er/est`;
    await host.files.makeDirectory(path, 0o700);
    await host.files.makeDirectory(path, 0o700);
    expect(await host.files.stat(path)).toMatchObject({ kind: "directory", mode: 0o700 });
    await put(`${root}/plain`, "x");
    await expect(host.files.makeDirectory(`${root}/plain`)).rejects.toMatchObject({ cause: "invalid-input" });
    await expect(host.files.makeDirectory(`${root}/plain/below`)).rejects.toMatchObject({ cause: "invalid-input" });
  });

  test("a directory is no file, a file no directory, and a missing directory is said", async () => {
    await put(`${root}/file`, "x");
    const bytes = Buffer.from("x");
    await expect(host.files.read(root)).rejects.toMatchObject({ cause: "invalid-input" });
    await expect(host.files.write(root, bytes, { expected: "absent" })).rejects.toMatchObject({
      cause: "invalid-input",
    });
    await expect(host.files.remove(root, { expected: "any" })).rejects.toMatchObject({ cause: "invalid-input" });
    await expect(host.files.list(`${root}/file`)).rejects.toMatchObject({ cause: "invalid-input" });
    const lost = `${root}/not/there`;
    await expect(host.files.write(lost, bytes, { expected: "absent" })).rejects.toMatchObject({ cause: "missing" });
    await expect(host.files.createExclusive(lost, bytes)).rejects.toMatchObject({ cause: "missing" });
    await expect(host.files.read("relative")).rejects.toMatchObject({ cause: "invalid-input" });
    await expect(host.files.stat("/nul\0")).rejects.toMatchObject({ cause: "invalid-input" });
  });

  test("a command's exit code is an answer", async () => {
    const options = { what: "ask", timeoutMs: 10_000 };
    expect(await host.run(["printf", "it's $HOME\n"], options)).toEqual({
      exitCode: 0,
      stdout: "it's $HOME\n",
      stderr: "",
    });
    expect((await host.run(["false"], options)).exitCode).toBe(1);
    expect((await host.run(["no-such-program"], options)).exitCode).toBe(127);
  });

  test("a snapshot asks once, until something is written", async () => {
    let asked = 0;
    const load = async () => ++asked;
    expect(await Promise.all([host.snapshot("k", load), host.snapshot("k", load)])).toEqual([1, 1]);
    await host.files.read(`${root}/x`);
    expect(await host.snapshot("k", load)).toBe(1);
    await put(`${root}/drops-the-snapshot`, "x");
    expect(await host.snapshot("k", load)).toBe(2);
    await expect(host.snapshot("bad", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await host.snapshot("bad", async () => "yes")).toBe("yes");
  });

  test("a job is started once, found again by name, and forgotten on request", async () => {
    const options = { what: "count", timeoutMs: 20_000 };
    expect(await host.jobs.peek("j1")).toBeUndefined();
    const lines: string[] = [];
    const first = await host.jobs.run("j1", ["printf", "one\ntwo\n"], {
      ...options,
      onOutput: (line) => lines.push(line),
    });
    expect(first).toEqual({ exitCode: 0, output: "one\ntwo\n", attached: false });
    expect(lines).toEqual(["one", "two"]);
    expect(await host.jobs.peek("j1")).toMatchObject({ name: "j1", state: "ended", exitCode: 0 });
    expect(await host.jobs.run("j1", ["printf", "other"], options)).toEqual({ ...first, attached: true });
    expect([await host.jobs.list("j"), await host.jobs.list("j1-")]).toEqual([["j1"], []]);
    await host.jobs.collect("j1");
    await host.jobs.collect("j1");
    expect(await host.jobs.peek("j1")).toBeUndefined();
    expect(await host.jobs.list("j")).toEqual([]);
    expect((await host.jobs.run("j1", ["false"], options)).exitCode).toBe(1);
    await expect(host.jobs.run("../x", ["false"], options)).rejects.toMatchObject({ cause: "invalid-input" });
  });
});
