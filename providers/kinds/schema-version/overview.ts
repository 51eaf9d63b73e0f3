import { compareLevels } from "../../formats/schema-level.js";
import {
  apart,
  consistentReleases,
  type Levels,
  matchReleases,
  type ReleaseMatch,
  strayLevels,
} from "../../formats/schema-releases.js";
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
  /** Those of them that nothing in the set speaks against. */
  readonly consistentWith: readonly string[];
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
  const levels: Levels = Object.fromEntries(
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
    consistentWith: consistentReleases(releases).map(({ release }) => release),
    verdict: [
      ...ambiguous.map((component) => {
        const places = of(component).map(({ database, level }) => `${level} in ${database}`);
        return `${component} is ${places.join(" and ")}: these databases are not one set, so it is not compared.`;
      }),
      ...strayLevels(levels),
      judgement(releases, levels),
    ],
  };
}

function judgement(releases: readonly ReleaseMatch[], levels: Levels): string {
  const known = Object.keys(levels).length;
  if (known === 0) return "No level is known, so there is nothing to compare.";
  const whole = consistentReleases(releases);
  const [best] = releases;
  if (!best) return "These levels are those of no release that is known here; most later ones were never published.";
  if (whole.length > 0) {
    const names = whole.map(({ release, agree }) => `${release} (${agree.length} of ${known} compared)`);
    return `Consistent with ${names.join(", ")}. What was not compared is not in the public lists.`;
  }
  const spoken = releases.filter(({ differ }) => differ.length === 0);
  if (apart(spoken))
    return `Not consistent with one release that is known here: ${speakers(spoken, levels).join("; ")}.`;
  const { release, agree, differ, outside } = best;
  const details = [
    ...differ.map(({ component, found, expected }) => `${component} is ${found} instead of ${expected}`),
    ...outside.map((one) => `${one.component} is ${one.found}, ${one.side} the ${one.expected} of ${one.release}`),
  ];
  return `Not consistent with one release that is known here. Nearest is ${release}: ${agree.length} agree; ${details.join(", ")}.`;
}

/** "HOMEPAGE 705 speaks for 5.5": releases that rest on the same components are named together. */
function speakers(spoken: readonly ReleaseMatch[], levels: Levels): readonly string[] {
  const of = ({ agree }: ReleaseMatch) => agree.map((component) => `${component} ${levels[component]}`).join(", ");
  return [...new Set(spoken.map(of))].map((components) => {
    const releases = spoken.filter((one) => of(one) === components).map(({ release }) => release);
    return `${components} ${components.includes(",") ? "speak" : "speaks"} for ${releases.join(" or ")}`;
  });
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
  const { consistentWith, verdict } = overviewOf(observed);
  return {
    levels: Object.fromEntries(
      observed.map(({ component, database, ...level }) => [
        `${database}/${component}`,
        { ...level, releases: level.level === undefined ? [] : releasesWith(component, level.level) },
      ]),
    ),
    consistentWith,
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
