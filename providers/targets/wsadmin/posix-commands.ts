import type { Connection } from "../connection.js";
import {
  AGENT_CONTROL,
  APPLICATION_FILES,
  ARCHIVES,
  CLEAR_FOLDERS,
  LOOK_AT_FOLDERS,
  OBSERVE_SERVERS,
  OWNED_FOLDER,
  OWNERSHIP,
} from "./posix-node-scripts.js";
import {
  AS_PROFILE_OWNER,
  DROP_FOLDER,
  INSTALLER_RUNNING,
  PREPARE_FOLDER,
  SERVER_COMMAND,
  UPDATE_SILENT,
  WSADMIN,
} from "./posix-scripts.js";
import { folderTag } from "./private-files.js";

const sh = (script: string, ...args: readonly string[]): string[] => [
  "sh",
  "-c",
  script,
  "pulumi-connections",
  ...args,
];
const asOwner = (profile: string, argv: readonly string[]): string[] => sh(AS_PROFILE_OWNER, profile, ...argv);
const privateArguments = (connection: Connection, profile: string): string[] => [
  folderTag(connection),
  connection.stateDirectory,
  profile,
];

/** `files`: from `packFiles`, whose bytes go to standard input. */
export interface WsadminCall {
  readonly connection: Connection;
  readonly profile: string;
  readonly soapHost: string;
  readonly soapPort: number;
  readonly seconds: number;
  readonly files: readonly string[];
}

export interface ServerCall {
  readonly profile: string;
  /** Without ".sh". */
  readonly command: string;
  readonly args: readonly string[];
  /** From `prepareFolder`; without one the profile's own login stands. */
  readonly folder?: string;
}

export interface InstallerCall {
  readonly profile: string;
  readonly installDir: string;
  readonly args: readonly string[];
  readonly folder?: string;
}

/** The commands of a Linux host, as programs with arguments. No secret is in any. */
export const posixCommands = {
  wsadmin: ({ connection, profile, soapHost, soapPort, seconds, files }: WsadminCall): string[] =>
    asOwner(
      profile,
      sh(WSADMIN, ...privateArguments(connection, profile), ...files, String(seconds), soapHost, String(soapPort)),
    ),
  prepareFolder: (connection: Connection, profile: string, files: readonly string[]): string[] =>
    asOwner(profile, sh(PREPARE_FOLDER, ...privateArguments(connection, profile), ...files)),
  dropFolder: (profile: string, folder: string): string[] => asOwner(profile, sh(DROP_FOLDER, folder)),
  server: ({ profile, command, args, folder = "" }: ServerCall): string[] =>
    asOwner(profile, sh(SERVER_COMMAND, folder, profile, `${command}.sh`, ...args)),
  updateSilent: ({ profile, installDir, args, folder = "" }: InstallerCall): string[] =>
    asOwner(profile, sh(UPDATE_SILENT, folder, profile, installDir, ...args)),
  observeServers: (
    profile: string,
    node: string,
    address: string,
    servers: readonly { readonly server: string; readonly ports: readonly number[] }[],
  ): string[] =>
    sh(
      OBSERVE_SERVERS,
      ...[profile, node, address],
      ...servers.flatMap(({ server, ports }) => [server, ports.join(",") || "-"]),
    ),
  applicationFiles: (profile: string, paths: readonly string[]): string[] =>
    asOwner(profile, sh(APPLICATION_FILES, ...paths)),
  archives: (profile: string, paths: readonly string[]): string[] => asOwner(profile, sh(ARCHIVES, ...paths)),
  agentControl: (profile: string, node: string): string[] => sh(AGENT_CONTROL, profile, node),
  asProfileOwner: asOwner,
  ownedFolder: (profile: string, folder: string): string[] => sh(OWNED_FOLDER, profile, folder, AS_PROFILE_OWNER),
  ownership: (profile: string, seconds: number): string[] => sh(OWNERSHIP, profile, String(seconds)),
  clearFolders: (profile: string, folders: readonly string[]): string[] =>
    asOwner(profile, sh(CLEAR_FOLDERS, profile, ...folders)),
  lookAtFolders: (profile: string, folders: readonly string[]): string[] =>
    asOwner(profile, sh(LOOK_AT_FOLDERS, profile, ...folders)),
  installerRunning: (installDir: string): string[] => sh(INSTALLER_RUNNING, installDir),
};
