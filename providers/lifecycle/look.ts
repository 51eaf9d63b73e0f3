import type { AnyKind, ParsedInputs } from "./inputs.js";
import type { Access } from "./kind.js";
import { loadRecord, recordKeyOf } from "./record.js";

/** One look at a thing and at its record, for previews. Changes nothing. */
export interface Seen {
  readonly live: object;
  readonly kept: object;
  /** Of the record; undefined when the target has none. */
  readonly owner: string | undefined;
}

/** @param remembered what stands in for the record when the target has none; default: what adopting would record now */
export async function look(kind: AnyKind, inputs: ParsedInputs, access: Access, remembered?: object): Promise<Seen> {
  const { identity, settings } = inputs.desired;
  const home = access.host(kind.home(identity, settings));
  const files = access.files(home.connection);
  const [live, stored] = await Promise.all([
    kind.observe(identity, settings, access),
    recordKeyOf(kind, identity, files).then((key) => loadRecord(files, home, kind.type, key)),
  ]);
  return { live, kept: stored?.record.kept ?? remembered ?? kind.adopt(live), owner: stored?.record.owner };
}
