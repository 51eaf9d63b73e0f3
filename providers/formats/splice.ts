/** Puts `text` (latin1: one character a byte) in place of the bytes from `start` to `end`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies edits (sorted by place, not overlapping) to bytes; everything outside them stays as it is. */
export function splice(bytes: Uint8Array, edits: readonly Edit[]): Buffer {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const edit of edits) {
    if (edit.start < at || edit.end < edit.start || edit.end > bytes.length)
      throw new RangeError(`edits overlap or are not in order at byte ${edit.start}`);
    parts.push(bytes.subarray(at, edit.start), Buffer.from(edit.text, "latin1"));
    at = edit.end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}
