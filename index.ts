import { Environment, readStackConfig } from "./components/index.js";

const config = readStackConfig();
const { databases } = new Environment("environment", config);

/** Schema levels, declared and as last observed, and which known release they are together. */
export const schemaLevels = databases?.schemaLevels ?? "not managed";

/** For those who read the stack's outputs: what was declared, in a line. */
export const primaryNode = config.routing?.primaryNode ?? "not managed";
