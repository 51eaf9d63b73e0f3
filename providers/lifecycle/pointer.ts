/**
 * Pulumi stores a provider as program text in its state. Ours is this constant line, which loads the code that is on disk
 * now: state never holds logic, and an upgrade takes effect at once. Frozen for ever: state written by any release carries it.
 */
export const pointerText = (type: string): string =>
  `exports.handler=()=>new Proxy({},{get:(_,k)=>k==="configure"||k==="then"?undefined:(...a)=>import("pulumi-connections/providers").then(m=>m.provider(${JSON.stringify(type)})[k](...a))})`;

/** The resource type that the engine knows. Frozen like the text above. */
export const typeToken = (type: string): string => `pulumi-nodejs:dynamic/${type}`;
