import { plansOfThisProcess, type ShownPlans } from "../../providers/lifecycle/shown.js";

/** What one pulumi command after the other has shown, in tests that play several commands in one process. */
export function plansOfCommands(): ShownPlans & { nextCommand(): void } {
  let command = plansOfThisProcess();
  return {
    remember: (id, inputs, plan) => command.remember(id, inputs, plan),
    recall: (id, inputs) => command.recall(id, inputs),
    nextCommand: () => {
      command = plansOfThisProcess();
    },
  };
}
