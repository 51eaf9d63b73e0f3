const { withSettings } = require("./settings.js");

/** What a stack is called that serves users, unless the policy's configuration says otherwise. */
const PRODUCTION = "^prod";

/**
 * The parts of a resource's checked inputs that are looked at; see docs/configuration.md.
 * @typedef {{ insecureAcceptAny?: boolean }} HostKey
 * @typedef {{ name?: string, address?: string, hostKey?: HostKey }} Machine
 * @typedef {object} Managed
 * @property {"retain" | "restore"} [onDestroy]
 * @property {"stop" | "go"} [onUnseenSteps]
 * @property {object} [maintenanceWindow]
 * @property {boolean} [acceptUnsupported]
 */

/**
 * How a policy that is about production tells it: by the stack's name, or by one of its tags.
 * @typedef {object} ProductionConfig
 * @property {string} [productionStacks] a regular expression over the stack's name, in any case
 * @property {string} [productionTag] "name=value"
 */

/** @type {import("@pulumi/policy").PolicyConfigSchema} */
const PRODUCTION_SCHEMA = {
  properties: {
    productionStacks: { type: "string", default: PRODUCTION, format: "regex" },
    productionTag: { type: "string", pattern: "^[^=]+=" },
  },
};

/**
 * One policy: says what it requires, and reports each violation as a sentence.
 * @param {string} name
 * @param {"mandatory" | "advisory"} enforcementLevel
 * @param {string} description
 * @param {(props: Managed) => readonly string[]} violations
 * @param {{ production?: boolean }} [about] `production`: of no other stack anything is asked
 * @returns {import("@pulumi/policy").ResourceValidationPolicy}
 */
function policy(name, enforcementLevel, description, violations, { production = false } = {}) {
  return {
    name,
    enforcementLevel,
    description,
    ...(production && { configSchema: PRODUCTION_SCHEMA }),
    validateResource: (args, reportViolation) => {
      if (!args.type.startsWith("pulumi-nodejs:dynamic/")) return;
      if (production && !isProduction(args)) return;
      for (const sentence of violations(withSettings(args.props))) reportViolation(sentence);
    },
  };
}

/** @param {import("@pulumi/policy").ResourceValidationArgs} args */
function isProduction({ urn, stackTags, getConfig }) {
  /** @type {ProductionConfig} */
  const { productionStacks = PRODUCTION, productionTag } = getConfig();
  const [tag = "", ...value] = productionTag?.split("=") ?? [];
  const isTagged = productionTag !== undefined && stackTags.get(tag) === value.join("=");
  return isTagged || new RegExp(productionStacks, "i").test(stackOf(urn));
}

/** @param {string} urn such as "urn:pulumi:prod::pulumi-connections::…" */
const stackOf = (urn) => urn.split(":")[2] ?? "";

/**
 * Every machine that a resource logs in to, jump hosts included, wherever its inputs name them.
 * @param {unknown} value
 * @returns {readonly Machine[]}
 */
function machinesIn(value) {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.entries(value).flatMap(([key, each]) => (OUTPUTS.includes(key) ? [] : machinesIn(each)));
  return "auth" in value && "address" in value ? [/** @type {Machine} */ (value), ...inside] : inside;
}

/** What was observed, not what was declared. */
const OUTPUTS = ["live", "kept"];

const policies = [
  policy("host-keys-verified", "mandatory", "A host's key is verified before anything is sent to it.", (props) =>
    machinesIn(props)
      .filter(({ hostKey }) => hostKey?.insecureAcceptAny)
      .map(
        ({ name, address }) =>
          `${name ?? address}: hostKey.insecureAcceptAny accepts whoever answers; use pinned or knownHosts`,
      ),
  ),
  policy(
    "production-has-a-window",
    "mandatory",
    "Production changes what users notice only inside a maintenance window.",
    (props) => (machinesIn(props).length > 0 && !props.maintenanceWindow ? ["run.maintenanceWindow is not set"] : []),
    { production: true },
  ),
  policy(
    "production-stops-at-the-unseen",
    "mandatory",
    "Production never gets more than the preview showed.",
    ({ onUnseenSteps }) => (onUnseenSteps === "go" ? ["run.onUnseenSteps is go; set stop"] : []),
    { production: true },
  ),
  policy(
    "production-is-supported",
    "mandatory",
    "Production gets interim fixes only as HCL supports it: with all clusters stopped.",
    ({ acceptUnsupported }) =>
      acceptUnsupported
        ? [
            "acceptUnsupported is true: HCL documents interim fixes with all clusters stopped, and does not support " +
              "installing them while servers run; set interimFixes.strategy to offline, or have this policy changed",
          ]
        : [],
    { production: true },
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
