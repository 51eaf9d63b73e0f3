import { ProblemError } from "../../common/problem.js";
import { changedSincePlanned } from "../file-problems.js";
import type { Host } from "../host.js";
import { type HttpdDirective, pointDirective } from "../httpd.js";
import type { WebServerIdentity, WebServerSettings } from "./schema.js";
import { directiveIn } from "./web-server.js";

export interface PointOptions {
  /** Keeps the bytes that are about to be replaced. */
  readonly backUp: (bytes: Buffer) => Promise<unknown>;
  /** The directive as it once was, with the whole file of then: it is put back byte for byte if nothing else differs now. */
  readonly once?: { readonly directive: HttpdDirective; readonly bytes: Buffer };
}

/**
 * Gives the `WebSpherePluginConfig` in force another value; answers whether anything was written. The web server follows it
 * from its next reload on.
 *
 * @throws ProblemError `changed-meanwhile` when the file changes under our hands; `malformed` when another directive is in
 *   force after the edit
 */
export async function setDirective(
  host: Host,
  identity: WebServerIdentity,
  settings: WebServerSettings,
  value: string,
  { backUp, once }: PointOptions,
): Promise<boolean> {
  const directive = await directiveIn(host.files, identity, settings);
  if (directive.value === value) return false;
  const content = await host.files.read(directive.file);
  const where = `${host.name}:${directive.file}`;
  if (content?.sha256 !== directive.fileSha256) {
    throw changedSincePlanned(where, "it was changed while it was being read");
  }
  await backUp(content.bytes);
  const before = once?.directive.file === directive.file ? once : undefined;
  const onlyDirective = before && pointDirective(before.bytes, before.directive, directive.value).equals(content.bytes);
  const bytes = before && onlyDirective ? before.bytes : pointDirective(content.bytes, directive, value);
  await host.files.write(directive.file, bytes, { expected: content.sha256 });
  const after = await directiveIn(host.files, identity, settings);
  if (after.value === value) return true;
  throw new ProblemError("malformed", {
    where: `${where}:${after.line}`,
    found: `the directive in force names ${after.value} after the edit`,
    allowed: value,
  });
}
