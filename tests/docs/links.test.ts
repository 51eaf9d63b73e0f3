import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(__dirname, "..", "..");
/** Tracked pages, and those about to be. */
const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], { cwd: root })
  .toString()
  .split("\n")
  .filter((page) => page !== "" && existsSync(join(root, page)));

interface Link {
  readonly page: string;
  readonly target: string;
}

/** A page's text without blocks and spans of code. */
const prose = (page: string): string =>
  readFileSync(join(root, page), "utf8")
    .replaceAll(/^```[\s\S]*?^```$/gm, "")
    .replaceAll(/`[^`\n]*`/g, "code");

const links: readonly Link[] = pages.flatMap((page) =>
  [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => ({ page, target })),
);

/** Headings as the anchors that people link to. */
const anchors = (page: string): readonly string[] =>
  [...readFileSync(join(root, page), "utf8").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^a-z0-9 _-]/g, "")
      .replaceAll(" ", "-"),
  );

test("there are pages, and they link to each other", () => {
  expect(pages).toEqual(expect.arrayContaining(["README.md", "SECURITY.md", "docs/reliability.md"]));
  expect(links.length).toBeGreaterThan(40);
});

test("every link inside the repository is relative and leads to something that is there", () => {
  const broken = links.filter(({ page, target }) => {
    if (/^https:\/\//.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? join(root, page) : resolve(root, dirname(page), path);
    if (path.startsWith("/") || !file.startsWith(root) || !existsSync(file)) return true;
    return anchor !== undefined && (!statSync(file).isFile() || !anchors(relative(root, file)).includes(anchor));
  });
  expect(broken).toEqual([]);
});

test("pages that the command line names are there too", () => {
  const tour = readFileSync(join(root, "scripts", "tour.ts"), "utf8");
  const [, page = "", heading = ""] = /(\S+\.md), "([^"]+)"/.exec(tour) ?? [];
  expect(readFileSync(join(root, page), "utf8")).toContain(`\n## ${heading}\n`);
});

test.each(pages)("%s names no machine's paths and no package registry", (page) => {
  expect(readFileSync(join(root, page), "utf8")).not.toMatch(
    /\/(root|work|home\/\w+|tmp)\/|registry\.(npmjs|yarnpkg)|proxy\.golang|npmmirror|localhost:\d/,
  );
});

test.each(pages)("%s names only scripts that package.json has", (page) => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const named = [...readFileSync(join(root, page), "utf8").matchAll(/npm run (?:--silent )?([a-z-]+)/g)].map(
    ([, name]) => name,
  );
  expect(named.filter((name) => name !== undefined && !(name in scripts))).toEqual([]);
});
