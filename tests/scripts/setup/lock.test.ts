import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { withLock } from "../../../scripts/setup/lock.cjs";

const setup = (name: string) => JSON.stringify(resolve(__dirname, "../../../scripts/setup", name));
let folder: string;
const started: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "setup-lock-"));
});
afterEach(async () => {
  const orphan = Number(await readFile(join(folder, "pid"), "utf8").catch(() => ""));
  if (orphan > 0) killIfThere(orphan);
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "close");
  }
  await rm(folder, { recursive: true, force: true });
});

/** A failed test may leave the program that outlives its holder. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Another process that takes the lock, prints "held" and runs `work` (JavaScript) with it. */
function holder(work: string): ChildProcess {
  const text = `require(${setup("lock.cjs")}).withLock(${JSON.stringify(folder)}, async () => {
    console.log("held"); ${work} }).then(() => console.log("done"))`;
  const child = spawn(process.execPath, ["-e", text], { stdio: ["pipe", "pipe", "inherit"] });
  started.push(child);
  return child;
}

/** Resolves when a process has printed `words`. */
function says(child: ChildProcess, words: string): Promise<void> {
  return new Promise((done, failed) => {
    let seen = "";
    child.stdout?.on("data", (data) => {
      seen += data;
      if (seen.includes(words)) done();
    });
    child.once("close", () => failed(new Error(`ended without ${words}: ${seen}`)));
  });
}

const UNTIL_INPUT_ENDS = `await new Promise((end) => process.stdin.resume().once("end", end));`;

test("two set-ups of one folder take turns, and the one that waits says for whom", async () => {
  const log = join(folder, "log");
  const first = holder(
    `${UNTIL_INPUT_ENDS} require("node:fs").appendFileSync(${JSON.stringify(log)}, "first ended\\n");`,
  );
  await says(first, "held");
  const second = holder(`require("node:fs").appendFileSync(${JSON.stringify(log)}, "second began\\n");`);
  await says(second, `waiting for another set-up of this folder to end (pid ${first.pid}, since `);
  first.stdin?.end();
  await once(second, "close");
  expect(await readFile(log, "utf8")).toBe("first ended\nsecond began\n");
});

test("a killed holder's lock is free at once", async () => {
  const first = holder(UNTIL_INPUT_ENDS);
  await says(first, "held");
  first.kill("SIGKILL");
  await once(first, "close");
  expect(await withLock(folder, async () => "mine", { patience: 0 })).toBe("mine");
});

test("the lock outlives a killed holder until the program that it had started has ended too", async () => {
  // cat ends when this test closes the pipe that it reads from.
  const program = join(folder, "program.sh");
  await writeFile(program, `mkfifo '${folder}/pipe'; echo $$ >'${folder}/pid'; exec cat '${folder}/pipe'`);
  const first = holder(`
    const running = require(${setup("processes.cjs")}).capture("sh", [${JSON.stringify(program)}], { seconds: 60 });
    const fs = require("node:fs");
    const look = setInterval(() => {
      try { if (fs.readFileSync(${JSON.stringify(join(folder, "pid"))}, "utf8").endsWith("\\n")) {
        clearInterval(look); console.log("child runs"); } } catch {} }, 5);
    await running;`);
  await says(first, "child runs");
  first.kill("SIGKILL");
  await once(first, "close");

  await expect(withLock(folder, async () => "mine", { patience: 0 })).rejects.toThrow("has not ended in time");
  await writeFile(join(folder, "pipe"), "");
  expect(await withLock(folder, async () => "mine", { patience: 20_000 })).toBe("mine");
});

test("set-ups of different folders do not meet, and an error releases the lock", async () => {
  const failing = withLock(folder, async () => {
    expect(await withLock(`${folder}/other`, async () => "other", { patience: 0 })).toBe("other");
    throw new Error("broken step");
  });
  await expect(failing).rejects.toThrow("broken step");
  expect(await withLock(folder, async () => "again", { patience: 0 })).toBe("again");
});
