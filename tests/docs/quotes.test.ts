import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { parseStackConfig } from "../../components/config/parse.js";
import { routing } from "../../scripts/try/routing.js";

const root = resolve(__dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const README = read("README.md");
const SAMPLE = "tests/fixtures/plugin-cfg/nd-medium.xml";

/** Lines of the block of code that follows a piece of text, without those that only say that something was left out. */
function blockAfter(text: string, page = README): readonly string[] {
  const block = /```\w*\n([\s\S]*?)```/.exec(page.slice(page.indexOf(text)))?.[1] ?? "";
  return block.split("\n").filter((line) => line.trim() !== "" && line.trim() !== "…");
}

test("what README shows of a try is what a try prints", async () => {
  const printed: string[] = [];
  const options = ["--primary", "node2", "--clusters", "AppsCluster"];
  await routing.run([join(root, SAMPLE), ...options], (text) => printed.push(...text.split("\n")));
  const shown = blockAfter(`[sample](${SAMPLE}), cut to one cluster (\`${options.slice(2).join(" ")}\`)`);
  expect(shown.length).toBeGreaterThan(10);
  expect(shown.filter((line) => !printed.includes(line))).toEqual([]);
});

/** A line without what differs between environments: nodes, clusters, servers and numbers. */
const template = (line: string): string =>
  line
    .trim()
    .replaceAll(/\b\w+Cluster(, \w+Cluster)*\b/g, "CLUSTERS")
    .replaceAll(/\bnode\d+(_\w+)?/g, "NODE")
    .replaceAll(/\d+/g, "N");

test("what README shows of a preview and of up is what the loop says, step by step", () => {
  const said = read("tests/kinds/plugin-routing/__snapshots__/loop.test.ts.snap").split("\n");
  const known = new Set(
    said.map((line) => template(line.replace(/^ *"(.*)",?$/, "$1").replace(" (adopted as found)", ""))),
  );
  const shown = [...blockAfter("**5. Move users.**"), ...blockAfter("`up` says what it found:")].filter((line) =>
    /^\s+(ihs:|\d\.)|^\[web1/.test(line),
  );
  expect(shown.length).toBe(10);
  const unknown = shown.filter((line) => !known.has(template(line)));
  // What became of a session has several endings: this one is another test's.
  expect(unknown.filter((line) => !line.includes("a session begun on"))).toEqual([]);
  const endings = read("providers/targets/plugin/sessions.ts");
  for (const line of unknown) expect(endings).toContain(/before the switch(.*)$/.exec(line)?.[1]);
});

/** All text of the sources, in one. */
const sources = ["providers", "components", "scripts"]
  .flatMap((part) =>
    readdirSync(join(root, part), { recursive: true, encoding: "utf8" }).map((file) => join(part, file)),
  )
  .filter((file) => file.endsWith(".ts"))
  .map(read)
  .join("\n");

test.each([
  "no such setting",
  "Did you mean ",
  "unobserved",
  "could not be looked at, what follows is the last known state: ",
  "held by ",
  "steps that users notice are due: ",
  "inside the maintenance window ",
  "PULUMI_CONNECTIONS_OUTSIDE_WINDOW",
  "the live system changed since the preview",
  "the preview had looked with the former settings (changed: ",
  "; now due, and not shown: ",
  "no node is declared for ",
  'GetDWLMTable="true", and sessionReplication is ',
  "no member runs on ",
  "managed by ",
  "host key ",
])("README explains a message that exists: %s", (text) => {
  expect(README).toContain(text);
  expect(sources).toContain(text);
});

const RUNBOOK = read("docs/rolling-fixes.md");

test("the plan that the runbook shows is the one of a rollout over two nodes, step by step", () => {
  const snapshot = read("tests/model/__snapshots__/rollout.test.ts.snap");
  const [, steps = ""] =
    /the steps of a rollout over two nodes, in order 1`\] = `\n\[\n([\s\S]*?)\n\]/.exec(snapshot) ?? [];
  const planned = steps.split("\n").map((line) => line.replace(/^ *"(.*)",$/, "$1").replace(" [none]", ""));
  const shown = blockAfter("### Read the plan", RUNBOOK).map((line) => line.trim());
  expect(shown).toHaveLength(planned.length);
  const other = shown.filter((line, index) => {
    const [start = "", end = ""] = line.replace(`${index + 1}. `, "").split("…");
    return !planned[index]?.startsWith(start) || !planned[index]?.endsWith(end);
  });
  expect(other).toEqual([]);
});

test.each([
  ["docs/rolling-fixes.md", 25],
  ["docs/schema-levels.md", 10],
])("%s explains messages that exist", (page, atLeast) => {
  const [, table = ""] = /\n\| It says [\s\S]*?\n\| -[^\n]*\n((?:\|[^\n]*\n)+)/.exec(read(page)) ?? [];
  const messages = table.split("\n").flatMap((row) => {
    const [, cell = ""] = row.split(" | ")[0]?.match(/^\| (.*)$/) ?? [];
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, message = ""]) => message);
  });
  expect(messages.length).toBeGreaterThan(atLeast);
  // What is waited for is said by one text, and that it was waited for by another.
  const parts = (message: string) => message.split("…").map((part) => part.trim().replace(/^for |:$/g, ""));
  const isSaid = (message: string) => parts(message).every((part) => sources.includes(part));
  expect(messages.filter((message) => !isSaid(message))).toEqual([]);
});

test("README names every system package that set-up may install", () => {
  const setup = readdirSync(join(root, "scripts", "setup")).filter((file) => file.endsWith(".cjs"));
  const text = setup.map((file) => read(join("scripts", "setup", file))).join("\n");
  const packages = [...text.matchAll(/(?:\bpackage: |PACKAGE = )"([^"]+)"/g)].map(([, name = ""]) => name);
  expect(packages).toEqual(expect.arrayContaining(["openssh-server", "golang-go"]));
  expect(packages.filter((name) => !README.includes(name))).toEqual([]);
});

test("the commands of docs/targets.md are right in a stack file", () => {
  const { config } = parseYaml(read("Pulumi.example.yaml")) as { config: Record<string, object> };
  const values = Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace(/^.*?:/, ""), value]));
  const text = blockAfter("\n\n```yaml", read("docs/targets.md")).join("\n");
  const block = parseYaml(text) as { control: object };
  const webServers = values.webServers as Record<string, object>;
  const changed = { ...values, webServers: { ...webServers, webserver2: { ...webServers.webserver2, ...block } } };
  expect(parseStackConfig(changed, "docs").webServers?.webserver2?.control).toMatchObject(block.control);
});
