const PRODUCTION = /^prod/i;

/**
 * The parts of a resource's checked inputs that are looked at; see docs/configuration.md.
 * @typedef {{ insecureAcceptAny?: boolean }} HostKey
 * @typedef {{ name?: string, hostKey?: HostKey, jump?: { address?: string, hostKey?: HostKey } }} Connection
 * @typedef {object} Managed
 * @property {Connection} [connection]
 * @property {"retain" | "restore"} [onDestroy]
 * @property {"stop" | "go"} [onUnseenSteps]
 * @property {object} [maintenanceWindow]
 */

/**
 * One policy: says what it requires, and reports each violation as a sentence.
 * @param {string} name
 * @param {"mandatory" | "advisory"} enforcementLevel
 * @param {string} description
 * @param {(props: Managed, stack: string) => readonly string[]} violations
 * @returns {import("@pulumi/policy").ResourceValidationPolicy}
 */
function policy(name, enforcementLevel, description, violations) {
  return {
    name,
    enforcementLevel,
    description,
    validateResource: ({ type, urn, props }, reportViolation) => {
      if (!type.startsWith("pulumi-nodejs:dynamic/")) return;
      for (const sentence of violations(props, stackOf(urn))) reportViolation(sentence);
    },
  };
}

/** @param {string} urn such as "urn:pulumi:prod::pulumi-connections::…" */
const stackOf = (urn) => urn.split(":")[2] ?? "";

const policies = [
  policy(
    "host-keys-verified",
    "mandatory",
    "A host's key is verified before anything is sent to it.",
    ({ connection }) => {
      const hops = [
        { name: connection?.name, hostKey: connection?.hostKey },
        { name: connection?.jump?.address, hostKey: connection?.jump?.hostKey },
      ];
      return hops
        .filter(({ hostKey }) => hostKey?.insecureAcceptAny)
        .map(({ name }) => `${name}: hostKey.insecureAcceptAny accepts whoever answers; use pinned or knownHosts`);
    },
  ),
  policy(
    "production-has-a-window",
    "mandatory",
    "Stacks called prod… change what users notice only inside a maintenance window.",
    ({ connection, maintenanceWindow }, stack) =>
      connection && PRODUCTION.test(stack) && !maintenanceWindow ? ["run.maintenanceWindow is not set"] : [],
  ),
  policy(
    "production-stops-at-the-unseen",
    "mandatory",
    "Stacks called prod… never do more than the preview showed.",
    ({ onUnseenSteps }, stack) =>
      onUnseenSteps === "go" && PRODUCTION.test(stack) ? ["run.onUnseenSteps is go; set stop"] : [],
  ),
  policy(
    "restore-has-a-window",
    "advisory",
    "Putting back what was there moves users: it wants a maintenance window.",
    ({ onDestroy, maintenanceWindow }) =>
      onDestroy === "restore" && !maintenanceWindow
        ? ["onDestroy is restore and run.maintenanceWindow is not set: destroy would move users at any time"]
        : [],
  ),
];

module.exports = { policies };
