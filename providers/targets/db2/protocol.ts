/**
 * What passes between this process and the one that has the driver in it: one answer for each request, in order.
 *
 * Each is a frame: 4 bytes with the length of what follows the frame's head (little endian), 1 with its form, then the message. Nearly all
 * are JSON, for which that process needs nothing more of Node. Only those with bytes in them, many times as quick so, are in V8's form.
 */
export type Request = { readonly id: number } & Operation;

export type Operation =
  /** What comes of it is answered by "open". `compiled`: the folder that keeps its compiled JavaScript, if any. */
  | { readonly op: "load"; readonly driver: string; readonly compiled?: string | undefined }
  | { readonly op: "open"; readonly connection: string; readonly settings: readonly string[] }
  | { readonly op: "query"; readonly sql: string; readonly parameters: readonly Parameter[]; readonly limits: Limits }
  | { readonly op: "execute"; readonly sql: string; readonly parameters: readonly Parameter[] }
  | { readonly op: "begin" | "commit" | "rollback" | "close" };

/** As the driver may be given them. */
export type Parameter = string | number | boolean | null | BytesWithDigest;

export interface Limits {
  readonly rows: number;
  readonly bytes: number;
}

export type Answer = { readonly id: number } & (
  | { readonly ok: true; readonly rows?: readonly AnswerRow[]; readonly changed?: number }
  | { readonly ok: false; readonly failure: Failure }
);

export type AnswerRow = Readonly<Record<string, string | number | boolean | null | BytesWithDigest>>;
/** With their digest, so that a damaged message is noticed. */
export interface BytesWithDigest {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** What the driver said, or what was wrong with a message or a result. */
export interface Failure {
  readonly kind: "driver" | "missing-driver" | "too-much" | "damaged";
  readonly message: string;
  /** Db2's own, 0 when the driver gave none. */
  readonly sqlcode: number;
  /** Db2's own, out of the message where it stands there; the driver itself gives ODBC's. */
  readonly sqlstate: string;
  /** The connection is of no use any more. */
  readonly lost: boolean;
}

export const HEAD_BYTES = 5;
export const JSON_FORM = 0;
export const V8_FORM = 1;
