import { z } from "zod";
import { sha256 } from "../../providers/common/json.js";
import type { Access, Desired, Kind, Plan, Step } from "../../providers/lifecycle/kind.js";
import { connectionSchema } from "../../providers/targets/connection.js";
import type { FileContent, FileReader } from "../../providers/targets/host.js";

/**
 * The smallest kind that has everything the loop must handle: two files whose order matters, an effect that cannot be
 * observed (a command), a refusal, a before-image, and something to undo. For tests of the loop alone.
 */
const identity = z.strictObject({ place: z.string() });
const settings = z.strictObject({ connection: connectionSchema, mark: z.string().default("-") });
const aspects = z.strictObject({
  text: z.string(),
  title: z.string().optional(),
  tags: z.array(z.string()).optional(),
});

type Identity = z.infer<typeof identity>;
type Settings = z.infer<typeof settings>;
type Aspects = z.infer<typeof aspects>;
type NoteDesired = Desired<Identity, Settings, Aspects>;

interface Live {
  readonly connection: Settings["connection"];
  readonly place: string;
  readonly text: string | null;
  readonly textSha256: string;
  readonly title: string | null;
  readonly frozen: boolean;
}
interface Kept {
  readonly foundText: string | null;
  /** Digest of what the readers were last told. */
  readonly announced: string;
}
interface NoteStep extends Step {
  readonly key: "text" | "title" | "announce" | "restore";
}

const digest = (live: { text: string | null; title: string | null }): string => sha256(`${live.text}|${live.title}`);
const titleOf = (desired: NoteDesired): string => desired.aspects.title ?? "untitled";
const shaOf = (content: FileContent | undefined): string => content?.sha256 ?? "absent";
const textOf = async (files: FileReader, path: string): Promise<string | null> =>
  (await files.read(path))?.bytes.toString() ?? null;

function plan(desired: NoteDesired, live: Live, kept: Kept): Plan<NoteStep> {
  const steps: NoteStep[] = [];
  if (live.text !== desired.aspects.text) steps.push({ key: "text", title: "write the text", impact: "none" });
  if (live.title !== titleOf(desired)) steps.push({ key: "title", title: "write the title", impact: "none" });
  const wanted = digest({ text: desired.aspects.text, title: titleOf(desired) });
  if (kept.announced !== wanted)
    steps.push({ key: "announce", title: "tell the readers", impact: "disconnects users" });
  const refusals =
    live.frozen && steps.length > 0
      ? [{ where: desired.identity.place, found: "the note is frozen", next: "Remove the file frozen" }]
      : [];
  return { steps: refusals.length > 0 ? [] : steps, refusals, notes: [] };
}

export const noteKind: Kind<Identity, Settings, Aspects, Live, Kept, NoteStep> = {
  type: "test:Note",
  schemaVersion: 2,
  identity,
  settings,
  aspects,
  identify: ({ place }) => place,
  home: (_identity, { connection }) => connection,
  async observe({ place }, { connection }, access: Access) {
    const files = access.files(connection);
    const text = await files.read(`${place}/text`);
    return {
      connection,
      place,
      text: text?.bytes.toString() ?? null,
      textSha256: shaOf(text),
      title: await textOf(files, `${place}/title`),
      frozen: (await files.stat(`${place}/frozen`)) !== undefined,
    };
  },
  plan,
  async apply(step, context) {
    const { place } = context.desired.identity;
    const host = context.host(context.desired.settings.connection);
    if (step.key === "announce") {
      await host.run(["announce", place], { what: "tell the readers", timeoutMs: 1_000 });
      return {
        announced: digest({ text: context.desired.aspects.text, title: titleOf(context.desired) }),
      };
    }
    const path = `${place}/${step.key === "title" ? "title" : "text"}`;
    const present = await host.files.read(path);
    if (present) await context.backUp(host, present.bytes);
    const wanted = {
      text: () => Buffer.from(context.desired.aspects.text),
      title: () => Buffer.from(titleOf(context.desired)),
      restore: () => context.fromBackup(host, context.kept.foundText ?? ""),
    };
    await host.files.write(path, await wanted[step.key](), { expected: shaOf(present) });
  },
  describe(desired, live, kept) {
    const deviations: Record<string, string> = {};
    if (live.title !== titleOf(desired)) deviations.title = `is ${JSON.stringify(live.title)}`;
    if (live.text === desired.aspects.text && live.title === titleOf(desired) && kept.announced !== digest(live)) {
      deviations.announced = "the readers were not told";
    }
    return { aspects: { ...desired.aspects, text: live.text ?? "" }, deviations };
  },
  adopt: (live) => ({ foundText: live.text === null ? null : live.textSha256, announced: digest(live) }),
  beforeImages: (_desired, live) =>
    live.text === null ? [] : [{ connection: live.connection, path: `${live.place}/text`, sha256: live.textSha256 }],
  release(_desired, live, kept) {
    const found = live.text === null ? null : live.textSha256;
    const due = kept.foundText !== null && found !== kept.foundText;
    const steps: NoteStep[] = due ? [{ key: "restore", title: "put back the text", impact: "none" }] : [];
    return { steps, refusals: [], notes: [] };
  },
  upgrade: (outputs, from) => (from === 1 ? { ...outputs, text: outputs.body, body: undefined } : outputs),
};
