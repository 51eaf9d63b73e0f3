const { PolicyPack } = require("@pulumi/policy");
const { policies } = require("./policies.js");

// Used with `pulumi preview --policy-pack policy`. Plain JavaScript: a pack is loaded by the CLI, not built with the project.
new PolicyPack("pulumi-connections", { policies: [...policies] });
