"use strict";
const { jdkFor, requireJdk } = require("./java.cjs");
const { mavenPart } = require("./maven.cjs");

/** Derby 10.16 is made for Java 17. */
const VERSION = "10.16.1.1";

const JARS = [
  ["derby", "ede804cb04e871d7c52d2414e952ab939f9ef243abb7bd0ce7dbeb6e1e28bd0b"],
  ["derbynet", "e86abd0ea3fadfe8e0f7565049c59b035b4cf7234c056bfe678d5fdfed894382"],
  ["derbyshared", "27d4be683a45f6c15940167277ce39bb7e26b9f6dc0bc05efbcf813cac5d2b8f"],
  ["derbytools", "db052f92508e966ee8b0c5c9eca84cb11cbf0b0d78e608dc89340d4bb6c07314"],
].map(([name = "", sha256 = ""]) => ({ group: "org.apache.derby", name, version: VERSION, sha256 }));

/**
 * Makes `.toolchain/db2/derby`: Apache Derby, whose network server speaks DRDA as Db2 does.
 * @param {string} step
 */
async function db2Derby(step) {
  await mavenPart(step, "db2/derby", {
    title: `Apache Derby ${VERSION}`,
    files: JARS,
    needs: [jdkFor("runs the Db2 lab server")],
    ready: requireJdk,
  });
}

module.exports = { db2Derby };
