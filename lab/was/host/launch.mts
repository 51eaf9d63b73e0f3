/* Starts this host's node agent or, on the deployment manager's, its stand-in: with the arguments of a WebSphere JVM. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { LAB_FOLDER, type Settings } from "./settings.mts";

export function launch({ profile, cell, node }: Settings): ChildProcess {
  const server = node === "dmgr" ? "dmgr" : "nodeagent";
  const shown = [
    "com.ibm.ws.bootstrap.WSLauncher",
    "com.ibm.ws.runtime.WsServer",
    `${profile}/config`,
    cell,
    node,
    server,
  ];
  const log = openSync(`${LAB_FOLDER}/${server}.log`, "a");
  const jvm = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx96m", "-cp", `${LAB_FOLDER}/java`];
  const child =
    server === "dmgr"
      ? spawn("java", [...jvm, "lab.Dmgr", `${LAB_FOLDER}/dmgr.properties`, ...shown], {
          detached: true,
          stdio: ["ignore", log, log],
        })
      : spawn(process.execPath, [`${import.meta.dirname}/agent.mts`, ...shown], {
          argv0: "java",
          detached: true,
          stdio: ["ignore", log, log],
        });
  closeSync(log);
  child.on("error", (error) => process.stderr.write(`${server}: ${error.message}\n`));
  child.unref();
  return child;
}
