import type { OpenEstate } from "./estate.js";
export const openEstate: OpenEstate = () => {
  throw new RangeError("not yet");
};
