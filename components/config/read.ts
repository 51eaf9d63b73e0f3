import * as pulumi from "@pulumi/pulumi";
import { formatProblem, ProblemError } from "../../providers/common/problem.js";
import { parseStackConfig } from "./parse.js";
import type { StackConfig } from "./schema.js";

/** The configuration of the stack that runs now. Problems end the program as one message, without a stack trace. */
export function readStackConfig(): StackConfig {
  const prefix = `${pulumi.getProject()}:`;
  const values = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, text]) => [key.slice(prefix.length), parsed(text)]),
  );
  try {
    return parseStackConfig(values, `Pulumi.${pulumi.getStack()}.yaml`);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    throw new pulumi.RunError(
      `The stack's configuration has ${error.problems.length === 1 ? "a problem" : `${error.problems.length} problems`}:\n${error.problems.map((problem) => `  - ${formatProblem(problem)}`).join("\n")}`,
    );
  }
}

/** The engine hands objects and lists over as JSON, everything else as it stands. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
