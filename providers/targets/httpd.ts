import type { FileReader } from "./host.js";

/** Where a web server's configuration starts. */
export interface HttpdServer {
  /** What messages call the host. */
  host: string;
  /** httpd's compiled-in or -d directory; a ServerRoot directive overrides it. Absolute. */
  serverRoot: string;
  /** The main configuration file. Absolute, or relative to serverRoot. */
  httpdConf: string;
  /** Names given on the command line (-D NAME). */
  defines?: string[];
  /** Environment variables that `${NAME}` refers to, e.g. APACHE_LOG_DIR from envvars. */
  variables?: Record<string, string>;
}

/** The one `WebSpherePluginConfig` that is in force. */
export interface HttpdDirective {
  file: string;
  line: number;
  /** As written, without quotes. */
  value: string;
  /** Absolute: relative values start at the ServerRoot. */
  path: string;
  /** Of `file`, as it was read. */
  fileSha256: string;
  /** Commented or inactive ones, as "file:line reason". */
  alsoFound: string[];
}

export declare function findPluginDirective(files: FileReader, server: HttpdServer): Promise<HttpdDirective>;

export declare function pointDirective(bytes: Uint8Array, directive: HttpdDirective, newPath: string): Buffer;
