import { Environment, readStackConfig } from "./components/index.js";

const config = readStackConfig();
new Environment("environment", config);

/** For those who read the stack's outputs: what was declared, in a line. */
export const primaryNode = config.routing?.primaryNode ?? "not managed";
