import { compareLevels, sameLevel } from "./schema-level.js";
import { COMPONENTS, type Component } from "./schema-tables.js";

export type Levels = Readonly<Partial<Record<Component, string>>>;

export interface Release {
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
 * Levels that public sources give, of the oldest release first. 4.0 and 4.5: "Connections Db Schema Versions" (five components; FILES at 82 until 4.5 CR3
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

/** Levels that a component has in no release, and how they come about. From administrators' reports. */
const STRAY: readonly { readonly component: Component; readonly level: string; readonly told: string }[] = [
  {
    component: "HOMEPAGE",
    level: "704",
    told: "what the first database wizard of 5.5 left, in place of 705; 55-CR1-homepage-db2.sql refuses it (docs/schema-levels.md)",
  },
];

/** What is known of levels of no release, a sentence each. */
export const strayLevels = (found: Levels): readonly string[] =>
  STRAY.filter(({ component, level }) => sameLevel(found[component] ?? "0", level)).map(
    ({ component, level, told }) => `${component} ${level} is ${told}.`,
  );

/** How a set of levels compares with one release. */
export interface ReleaseMatch {
  readonly release: string;
  readonly agree: readonly Component[];
  readonly differ: readonly { readonly component: Component; readonly found: string; readonly expected: string }[];
  /** Components of which the release says nothing, below their level in an older release, or above that in a newer one. */
  readonly outside: readonly Outside[];
}

export interface Outside {
  readonly component: Component;
  readonly found: string;
  readonly side: "below" | "above";
  readonly expected: string;
  readonly release: string;
}

/**
 * The releases that share at least one level with those found, those that fit best first. A release that says nothing about
 * a component does not agree there, but its neighbours' levels are bounds: no level falls from one release to the next.
 *
 * @param releases of the oldest first
 */
export function matchReleases(found: Levels, releases = RELEASES): readonly ReleaseMatch[] {
  const known = COMPONENTS.flatMap((component) => {
    const level = found[component];
    return level === undefined ? [] : [{ component, found: level }];
  });
  return releases
    .map(({ name, levels }, index): ReleaseMatch => {
      const comparable = known.flatMap((one) => {
        const expected = levels[one.component];
        return expected === undefined ? [] : [{ ...one, expected }];
      });
      const differ = comparable.filter((one) => compareLevels(one.found, one.expected) !== 0);
      const agree = comparable.filter((one) => !differ.includes(one)).map(({ component }) => component);
      const silent = known.filter(({ component }) => levels[component] === undefined);
      const outside = silent.flatMap((one) => outsideOf(one, releases.slice(0, index), releases.slice(index + 1)));
      return { release: name, agree, differ, outside };
    })
    .filter(({ agree }) => agree.length > 0)
    .sort(
      (a, b) => against(a) - against(b) || b.agree.length - a.agree.length || Number(isNamed(b)) - Number(isNamed(a)),
    );
}

const against = ({ differ, outside }: ReleaseMatch): number => differ.length + outside.length;

function outsideOf(
  { component, found }: { readonly component: Component; readonly found: string },
  older: readonly Release[],
  newer: readonly Release[],
): readonly Outside[] {
  const beyond = (side: Outside["side"], sign: number) => (release: Release) => {
    const expected = release.levels[component];
    const isBeyond = expected !== undefined && Math.sign(compareLevels(found, expected)) === sign;
    return isBeyond ? [{ component, found, side, expected, release: release.name }] : [];
  };
  // The nearest release that says so is enough.
  return [...older.toReversed().flatMap(beyond("below", -1)), ...newer.flatMap(beyond("above", 1))].slice(0, 1);
}

/**
 * The releases that a set of levels may be: nothing in it speaks against them. None when two of them rest on no level in common, since each
 * is then told by what the other says nothing about.
 */
export function consistentReleases(matches: readonly ReleaseMatch[]): readonly ReleaseMatch[] {
  const possible = matches.filter((match) => against(match) === 0);
  return apart(possible) ? [] : possible;
}

/** Whether two of these releases rest on different components altogether. */
export const apart = (matches: readonly ReleaseMatch[]): boolean =>
  matches.some((one) => matches.some((other) => !one.agree.some((component) => other.agree.includes(component))));

/** Every refresh has another level of Homepage: where the rest leaves it open, that one names the release. */
const isNamed = ({ agree }: ReleaseMatch): boolean => agree.includes("HOMEPAGE");
