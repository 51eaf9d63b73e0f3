import { sha256 } from "../../common/json.js";
import { type Cause, type Problem, ProblemError } from "../../common/problem.js";
import { bumpScript, readScriptLevel } from "../../formats/sql-script.js";
import type { Access, ApplyContext, Kind } from "../../lifecycle/kind.js";
import { describe, foundIn, type Kept, type Live, plan, release, type ScriptDesired, type ScriptStep } from "./plan.js";
import { type Aspects, aspectsSchema, type Identity, identitySchema, type Settings, settingsSchema } from "./schema.js";

/** The schema level that a database script on disk inserts, set before the script is run. */
export const sqlScriptVersion: Kind<Identity, Settings, Aspects, Live, Kept, ScriptStep> = {
  type: "connections:SqlScriptVersion",
  schemaVersion: 1,
  identity: identitySchema,
  settings: settingsSchema,
  aspects: aspectsSchema,
  identify: ({ host, path, component }) => `${host}:${path}:${component}`,
  recordKey: ({ path, component }) => `${path}:${component}`,
  home: (_identity, settings) => settings.connection,
  observe,
  plan,
  apply,
  describe,
  adopt: (live) => ({ found: foundIn(live) }),
  beforeImages: ({ identity, settings: { connection } }, live) =>
    live.inserts ? [{ connection, path: identity.path, sha256: live.sha256 }] : [],
  release,
};

/** Failures that say something about the file, and not about the way to it. */
const ABOUT_THE_FILE: readonly Cause[] = ["refused", "malformed", "permission"];

async function observe(identity: Identity, { connection }: Settings, access: Access): Promise<Live> {
  const where = `${connection.name}:${identity.path}`;
  let digest = "";
  try {
    const content = await access.files(connection).read(identity.path);
    if (!content) return { sha256: "absent", otherWrites: [], problems: [missing(where)] };
    digest = content.sha256;
    const { bytes } = content;
    const { level, line, numeric, start, end, otherWrites } = readScriptLevel(bytes, identity.component, where);
    const restSha256 = sha256(Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]));
    return {
      sha256: digest,
      inserts: { level, line, numeric, restSha256 },
      otherWrites: [...otherWrites],
      problems: [],
    };
  } catch (error) {
    if (!(error instanceof ProblemError) || !ABOUT_THE_FILE.includes(error.cause)) throw error;
    return { sha256: digest, otherWrites: [], problems: [...error.problems] };
  }
}

/** Looks at the file anew, so that doing it twice is doing it once; the old bytes go into the backups first. */
async function apply(
  step: ScriptStep,
  context: ApplyContext<ScriptDesired, Live, Kept>,
): Promise<Partial<Kept> | undefined> {
  if (step.key === "note-found") return { found: step.found };
  const { identity, settings } = context.desired;
  const host = context.host(settings.connection);
  const where = `${host.name}:${identity.path}`;
  const content = await host.files.read(identity.path);
  if (!content) throw new ProblemError("missing", missing(where));
  const { component } = identity;
  const { bytes, changed } = bumpScript(content.bytes, { component, from: [step.from], to: step.to }, where);
  if (!changed) return undefined;
  await context.backUp(host, content.bytes);
  await context.assertHeld();
  await host.files.write(identity.path, bytes, { expected: step.expected });
  return undefined;
}

const missing = (where: string): Problem => ({
  where,
  found: "there is no such file",
  allowed: "the database script of the component, unpacked where it will be run",
  next: "Correct the path, or unpack the wizard's scripts",
});
