import { ProblemError } from "../../common/problem.js";
import type { InstallerCall, ServerCall } from "./posix-commands.js";

export interface WindowsWsadminCall {
  readonly profile: string;
  readonly soapHost: string;
  readonly soapPort: number;
  /** With script.py, request.properties and the two client properties in it. */
  readonly folder: string;
}

/**
 * The commands of a Windows host, as the text of a batch file that travels by SFTP and is run with `cmd /d /c FILE`: nothing
 * of it stands in an argument. There is no transport for Windows hosts yet; texts that are kept as golden files are all there
 * is, and none was run on a Windows machine.
 */
export const windowsCommands = {
  /** Makes a folder that only the one who runs this may enter. */
  privateFolder: (folder: string): string =>
    batch(
      `md ${quoted(folder)}`,
      `icacls ${quoted(folder)} /inheritance:r /grant:r "%USERDOMAIN%\\%USERNAME%:(OI)(CI)F" >nul`,
      `if not exist ${quoted(`${folder}\\.`)} (echo @@ no-folder& exit /b 0)`,
      `echo @@ folder ${echoed(folder)}`,
    ),

  /** Puts our values (soap, ipc in the folder) behind the profile's own properties, without those of the same keys. */
  clientProperties: (profile: string, folder: string): string =>
    batch(
      ...(["soap", "ipc"] as const).flatMap((kind) => {
        const own = quoted(`${profile}\\properties\\${kind}.client.props`);
        const ours = quoted(`${folder}\\${kind}`);
        const merged = quoted(`${folder}\\${kind}.client.props`);
        const keys = ["securityEnabled", "loginUserid", "loginPassword", "loginSource", "requestTimeout"]
          .map((key) => `/c:"com.ibm.${kind.toUpperCase()}.${key}="`)
          .join(" ");
        return [
          `type nul > ${merged}`,
          `if exist ${own} findstr /v /b /l ${keys} ${own} >> ${merged}`,
          `echo.>> ${merged}`,
          `type ${ours} >> ${merged}`,
          `del /q ${ours}`,
        ];
      }),
    ),

  wsadmin: ({ profile, soapHost, soapPort, folder }: WindowsWsadminCall): string =>
    batch(
      `cd /d ${quoted(folder)}`,
      `call ${quoted(`${profile}\\bin\\wsadmin.bat`)} -lang jython -conntype SOAP -host ${quoted(soapHost)} -port ${soapPort} ^`,
      `  -javaoption "-Dcom.ibm.SOAP.ConfigURL=${url(`${folder}\\soap.client.props`)}" ^`,
      `  -javaoption "-Dcom.ibm.IPC.ConfigURL=${url(`${folder}\\ipc.client.props`)}" ^`,
      `  -tracefile ${quoted(`${folder}\\wsadmin.traceout`)} -f ${quoted(`${folder}\\script.py`)} ${quoted(`${folder}\\request.properties`)}`,
      "echo @@ ended %ERRORLEVEL%",
    ),

  /** As on Linux: the profile's environment by WAS_USER_SCRIPT, then told of our properties. */
  server: ({ profile, command, args, folder }: ServerCall): string => {
    const words = args.map(quoted).join(" ");
    if (folder === undefined) return batch(`call ${quoted(`${profile}\\bin\\${command}.bat`)} ${words}`.trimEnd());
    const script = quoted(`${folder}\\setupCmdLine.bat`);
    return batch(
      `> ${script} echo ${nested(`call ${quoted(`${profile}\\bin\\setupCmdLine.bat`)}`)}`,
      `>> ${script} echo ${nested(`set "CLIENTSOAP=-Dcom.ibm.SOAP.ConfigURL=${url(`${folder}\\soap.client.props`)}"`)}`,
      `>> ${script} echo ${nested(`set "CLIENTIPC=-Dcom.ibm.IPC.ConfigURL=${url(`${folder}\\ipc.client.props`)}"`)}`,
      `call ${quoted(`${profile}\\bin\\setupCmdLine.bat`)}`,
      `set "WAS_USER_SCRIPT=${echoed(`${folder}\\setupCmdLine.bat`)}"`,
      `call "%WAS_HOME%\\bin\\${command}.bat" ${words}`.trimEnd(),
    );
  },

  /**
   * User and password are the two lines of FOLDER\login. updateSilent.bat is not called but gone over to, because `call` reads
   * its arguments twice; what it says decides, the exit code never.
   */
  updateSilent: ({ profile, installDir, args, folder }: InstallerCall): string => {
    const login = folder === undefined ? "" : ' -wasUserId "%WAS_LOGIN_USER%" -wasPassword "%WAS_LOGIN_PASSWORD%"';
    return script(
      `cd /d ${quoted(`${installDir}\\updateInstaller`)}`,
      `call ${quoted(`${profile}\\bin\\setupCmdLine.bat`)}`,
      ...(folder === undefined
        ? []
        : [
            `< ${quoted(`${folder}\\login`)} (`,
            "  set /p WAS_LOGIN_USER=",
            "  set /p WAS_LOGIN_PASSWORD=",
            ")",
            `rd /s /q ${quoted(folder)}`,
          ]),
      `updateSilent.bat ${args.map(quoted).join(" ")}${login}`,
    );
  },
};

const script = (...lines: readonly string[]): string => ["@echo off", "setlocal", ...lines, ""].join("\r\n");
const batch = (...lines: readonly string[]): string => script(...lines, "exit /b 0");

/** In double quotes everything but a percent sign is itself to cmd. */
function quoted(value: string): string {
  return `"${echoed(value)}"`;
}

function echoed(value: string): string {
  if (/["\p{Cc}]/u.test(value)) {
    throw new ProblemError("invalid-input", {
      where: "command for a Windows host",
      found: `the argument ${JSON.stringify(value)}`,
      allowed: "no double quotes and no control characters: cmd has no way to write them",
    });
  }
  return value.replaceAll("%", "%%");
}

/** For a line that one batch file writes into another: it is read twice. */
function nested(line: string): string {
  return line.replaceAll("%", "%%");
}

/** As Java takes it. */
function url(path: string): string {
  return `file:${echoed(path).replaceAll("\\", "/")}`;
}
