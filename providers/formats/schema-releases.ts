import { compareLevels } from "./schema-level.js";
import { COMPONENTS, type Component } from "./schema-tables.js";

export type Levels = Readonly<Partial<Record<Component, string>>>;

interface Release {
  readonly name: string;
  readonly levels: Levels;
}

const V50: Levels = {
  ACTIVITIES: "69",
  BLOGS: "69",
  COMMUNITIES: "93",
  EVENTS: "29",
  BOOKMARKS: "22",
  FILES: "107",
  PUSH: "4",
  FORUMS: "35",
  METRICS: "38",
  MOBILE: "7",
  PROFILES: "46",
  WIKIS: "107",
  HOMEPAGE: "475",
};
const V50_CR1: Levels = {
  ...V50,
  ACTIVITIES: "72",
  BLOGS: "70",
  EVENTS: "30",
  PUSH: "6",
  FORUMS: "36",
  HOMEPAGE: "477",
};
const V50_CR2: Levels = { ...V50_CR1, BLOGS: "72", COMMUNITIES: "98", HOMEPAGE: "478" };

/**
 * Levels that public sources give. 4.0 and 4.5: "Connections Db Schema Versions" (five components; FILES at 82 until 4.5 CR3
 * and at 89 from then on). 5.0 and its cumulative refreshes: stoeps13/ibmcnxscripting `DB2/check_schema_versions.sh`
 * (Apache-2.0). 5.5: HOMEPAGE alone, from administrators' reports; the first database wizard of 5.5 left it at 704.
 */
export const RELEASES: readonly Release[] = [
  { name: "4.0", levels: { FILES: "79", ACTIVITIES: "53", BLOGS: "43", COMMUNITIES: "76", EVENTS: "10" } },
  { name: "4.5", levels: { FILES: "82", ACTIVITIES: "56", BLOGS: "51", COMMUNITIES: "77", EVENTS: "15" } },
  { name: "4.5 CR3", levels: { FILES: "89", ACTIVITIES: "56", BLOGS: "51", COMMUNITIES: "77", EVENTS: "15" } },
  { name: "5.0", levels: V50 },
  { name: "5.0 CR1", levels: V50_CR1 },
  { name: "5.0 CR2", levels: V50_CR2 },
  { name: "5.0 CR3", levels: { ...V50_CR2, HOMEPAGE: "479" } },
  { name: "5.5", levels: { HOMEPAGE: "705" } },
];

/** How a set of levels compares with one release. */
export interface ReleaseMatch {
  readonly release: string;
  readonly agree: readonly Component[];
  readonly differ: readonly { readonly component: Component; readonly found: string; readonly expected: string }[];
}

/**
 * The known releases that share at least one level with those found, those that fit best first. A release that says nothing about
 * a component neither agrees nor differs there.
 */
export function matchReleases(found: Levels): readonly ReleaseMatch[] {
  return RELEASES.map(({ name, levels }): ReleaseMatch => {
    const comparable = COMPONENTS.flatMap((component) => {
      const [level, expected] = [found[component], levels[component]];
      return level === undefined || expected === undefined ? [] : [{ component, found: level, expected }];
    });
    const differ = comparable.filter((one) => compareLevels(one.found, one.expected) !== 0);
    const agree = comparable.filter((one) => !differ.includes(one)).map(({ component }) => component);
    return { release: name, agree, differ };
  })
    .filter(({ agree }) => agree.length > 0)
    .sort(
      (a, b) =>
        a.differ.length - b.differ.length || b.agree.length - a.agree.length || Number(isNamed(b)) - Number(isNamed(a)),
    );
}

/** Every refresh has another level of Homepage: where the rest leaves it open, that one names the release. */
const isNamed = ({ agree }: ReleaseMatch): boolean => agree.includes("HOMEPAGE");
