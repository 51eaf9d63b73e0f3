import { ProblemError } from "../../providers/common/problem.js";
import type { Component } from "../../providers/formats/schema-tables.js";
import { bumpScript } from "../../providers/formats/sql-script.js";

const BUMP = { component: "HOMEPAGE" as Component, from: ["704"], to: "705" };
/** A script of one statement, which gives HOMEPAGE the level 704. */
export const INSERT = `INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA (COMPKEY, DBSCHEMAVER, RELEASEVER)
VALUES ('HOMEPAGE', 704, '')@
`;
/** Brings a script from 704 to 705. */
export const bump = (text: string | Buffer, more: Partial<typeof BUMP> = {}) =>
  bumpScript(Buffer.from(text as Buffer), { ...BUMP, ...more }, "createDb.sql");
/** What it is refused with. */
export const problemOf = (text: string | Buffer, more: Partial<typeof BUMP> = {}): string => {
  try {
    bump(text, more);
  } catch (error) {
    if (error instanceof ProblemError) return error.message;
    throw error;
  }
  throw new Error("not refused");
};
