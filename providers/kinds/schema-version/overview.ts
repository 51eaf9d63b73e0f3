import { compareLevels } from "../../formats/schema-level.js";
import { matchReleases, type ReleaseMatch } from "../../formats/schema-releases.js";
import { COMPONENTS, type Component, levelName, SCHEMA_TABLES } from "../../formats/schema-tables.js";

/** One component's level as found in one database; or why it could not be read. */
export interface FoundLevel {
  readonly component: Component;
  readonly database: string;
  readonly level?: string;
  readonly postLevel?: string;
  readonly problem?: string;
}

/** What the levels of an estate are together. */
export interface Overview {
  /** Components whose table is in none of the databases. */
  readonly absent: readonly Component[];
  /** Components that several databases have at different levels: none of them is compared, since which counts is not known. */
  readonly ambiguous: readonly Component[];
  /** Known releases that share a level with what was found, those that fit best first. */
  readonly releases: readonly ReleaseMatch[];
  /** Whether the set is that of one known release, as a sentence or two. */
  readonly verdict: readonly string[];
}

export function overviewOf(found: readonly FoundLevel[]): Overview {
  const readable = found.flatMap(({ component, database, level }) =>
    level === undefined ? [] : [{ component, database, level }],
  );
  const of = (component: Component) => readable.filter((one) => one.component === component);
  const ambiguous = COMPONENTS.filter((component) => {
    const [first, ...others] = of(component);
    return first !== undefined && others.some(({ level }) => compareLevels(level, first.level) !== 0);
  });
  const levels = Object.fromEntries(
    COMPONENTS.filter((component) => !ambiguous.includes(component)).flatMap((component) => {
      const [first] = of(component);
      return first ? [[component, first.level]] : [];
    }),
  );
  const releases = matchReleases(levels);
  return {
    absent: COMPONENTS.filter((component) => !found.some((one) => one.component === component)),
    ambiguous,
    releases,
    verdict: [
      ...ambiguous.map((component) => {
        const places = of(component).map(({ database, level }) => `${level} in ${database}`);
        return `${component} is ${places.join(" and ")}: these databases are not one set, so it is not compared.`;
      }),
      judgement(releases, Object.keys(levels).length),
    ],
  };
}

function judgement(releases: readonly ReleaseMatch[], levels: number): string {
  if (levels === 0) return "No level is known, so there is nothing to compare.";
  const whole = releases.filter(({ differ }) => differ.length === 0);
  const [best] = releases;
  if (!best) return "These levels are those of no release that is known here; most later ones were never published.";
  if (whole.length > 0) {
    const names = whole.map(({ release, agree }) => `${release} (${agree.length} of ${levels} compared)`);
    return `Consistent with ${names.join(", ")}. What was not compared is not in the public lists.`;
  }
  const { release, agree, differ } = best;
  const details = differ.map(({ component, found, expected }) => `${component} is ${found} instead of ${expected}`);
  return `Not consistent with one release that is known here. Nearest is ${release}: ${agree.length} agree; ${details.join(", ")}.`;
}

/** A level as declared and as last observed. */
export interface ObservedLevel extends FoundLevel {
  readonly declared: string;
  readonly declaredPost?: string;
}

/** What a stack's outputs say of its levels. Plain JSON. */
export interface SchemaLevels {
  /** `<database>/<component>` → declared, as last observed, and the known releases that have this component at this level. */
  readonly levels: Readonly<
    Record<string, Omit<ObservedLevel, "component" | "database"> & { readonly releases: readonly string[] }>
  >;
  /** Known releases that the whole set is consistent with; what is not in the public lists was not compared. */
  readonly consistentWith: readonly string[];
  /** The same in words, with what differs. */
  readonly verdict: readonly string[];
}

/** The export of a stack: the same judgement as the report's, on the levels that the stack declares. */
export function schemaLevels(observed: readonly ObservedLevel[]): SchemaLevels {
  const { releases, verdict } = overviewOf(observed);
  return {
    levels: Object.fromEntries(
      observed.map(({ component, database, ...level }) => [
        `${database}/${component}`,
        { ...level, releases: level.level === undefined ? [] : releasesWith(component, level.level) },
      ]),
    ),
    consistentWith: releases.filter(({ differ }) => differ.length === 0).map(({ release }) => release),
    verdict,
  };
}

const releasesWith = (component: Component, level: string): readonly string[] =>
  matchReleases({ [component]: level }).flatMap(({ release, agree }) => (agree.length > 0 ? [release] : []));

/** A found level as a line for people. */
export function levelLine({ component, database, level, postLevel, problem }: FoundLevel): string {
  const { postColumn } = SCHEMA_TABLES[component];
  const levels = problem ?? `${level}${postLevel === undefined ? "" : `, ${postColumn} ${postLevel}`}`;
  return `${component.padEnd(WIDTH)}  ${levels}  (${database}: ${levelName(SCHEMA_TABLES[component])})`;
}

const WIDTH = Math.max(...COMPONENTS.map((component) => component.length));
