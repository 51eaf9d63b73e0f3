/** What the scripts of a shell strategy do. Their arguments and output are documented beside the callers' parsers. */
export type ScriptName =
  | "files-query"
  | "file-write"
  | "file-remove"
  | "make-directory"
  | "label-like"
  | "job-start"
  | "job-poll"
  | "job-list"
  | "job-collect";

/**
 * All that depends on a host's command interpreter and notation of paths. Callers say *what* is to run; only a shell knows
 * how that is spelt.
 */
export interface Shell {
  /** The text for an SSH exec request that makes the host run exactly this program with exactly these arguments. */
  commandLine(argv: readonly string[]): string;
  /** The program and arguments that carry out a script. Arguments are data, whatever is in them. */
  script(name: ScriptName, args: readonly string[]): readonly string[];
  /** An absolute path in the host's own notation → as SFTP wants it. */
  toSftpPath(path: string): string;
  /** The reverse. */
  fromSftpPath(path: string): string;
  /** Directory and last part of an absolute path in the host's notation. */
  split(path: string): { readonly directory: string; readonly base: string };
  join(directory: string, base: string): string;
}
