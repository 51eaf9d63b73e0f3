import { ProblemError } from "../../common/problem.js";
import type { VariableScope, WebSphereVariable } from "./cell.js";

const REFERENCE = /\$\{([^{}]+)\}|\$\(([^()]+)\)/g;
const MAX_DEPTH = 20;

/**
 * A variable's value as seen from a scope, nested `${NAME}` and `$(NAME)` resolved: the narrowest definition wins, in the
 * product's order server, node, cluster, cell.
 *
 * @returns undefined when it is defined nowhere that the scope sees, or refers to one that is not.
 * @throws ProblemError `malformed` for variables that refer to themselves
 */
export function resolveVariable(
  variables: readonly WebSphereVariable[],
  name: string,
  scope: VariableScope,
): string | undefined {
  return resolve(variables, name, scope, []);
}

function resolve(
  variables: readonly WebSphereVariable[],
  name: string,
  scope: VariableScope,
  above: readonly string[],
): string | undefined {
  if (above.includes(name) || above.length > MAX_DEPTH) {
    throw new ProblemError("malformed", {
      where: `WebSphere variable ${above[0] ?? name}`,
      found: `it refers to itself: ${[...above, name].join(" → ")}`,
      next: "Correct it under Environment > WebSphere variables",
    });
  }
  const value = narrowest(variables, name, scope);
  if (value === undefined) return undefined;
  let missing = false;
  const resolved = value.replace(REFERENCE, (_whole, braces?: string, round?: string) => {
    const inner = resolve(variables, braces ?? round ?? "", scope, [...above, name]);
    if (inner === undefined) missing = true;
    return inner ?? "";
  });
  return missing ? undefined : resolved;
}

function narrowest(variables: readonly WebSphereVariable[], name: string, scope: VariableScope): string | undefined {
  const seen = variables
    .filter((variable) => variable.name === name && sees(scope, variable.scope))
    .sort((a, b) => rank(b.scope) - rank(a.scope));
  return seen[0]?.value;
}

function sees(from: VariableScope, defined: VariableScope): boolean {
  if (defined.cluster !== undefined) return defined.cluster === from.cluster;
  if (defined.node !== undefined && defined.node !== from.node) return false;
  return defined.server === undefined || defined.server === from.server;
}

function rank(scope: VariableScope): number {
  if (scope.server !== undefined) return 3;
  if (scope.node !== undefined) return 2;
  return scope.cluster !== undefined ? 1 : 0;
}
