import type { Problem } from "../common/problem.js";

interface Named {
  /** What messages call the thing, e.g. "web1:/opt/scripts/createDb.sql". */
  readonly where: string;
  /** The name in the identity: of a host, or of a database. */
  readonly identity: string;
  /** What the declared connection leads to. */
  readonly connection: { readonly name: string };
}

/**
 * Why a thing may be neither looked at nor changed: its identity names another host, or database, than its connection leads to.
 * By the first it is told from others and remembered, by the second it is reached.
 */
export function otherTarget({ where, identity, connection }: Named): Problem[] {
  if (identity === connection.name) return [];
  return [
    {
      where,
      found: `the connection is that of ${connection.name}`,
      allowed: identity,
      why: `It would be remembered for ${identity}, and looked for and changed on ${connection.name}`,
      next: "Give both the same name",
    },
  ];
}
