import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ProblemError } from "../../providers/common/problem.js";
import type { Description } from "../description.js";
import type { HostPlace } from "../host-tree.js";
import { filesBelow, madeOnce, programOnPath, projectRoot, type Toolchain } from "../toolchain.js";
import {
  CELL,
  clustersWith,
  LAB_ROOT,
  type LabCluster,
  type LabMember,
  type NodeName,
  TEST_USER,
} from "../topology.js";
import { applicationsOf, NODE_PROFILE } from "../was/cell.js";

const run = promisify(execFile);
const MAKE_TIMEOUT_MS = 120_000;
/** Protects nothing: the file is readable by the lab's user only, and signs for nobody else. */
const KEYS_PASSWORD = "lab";

/** What members that are Open Liberty servers are made of on this machine. */
export interface LibertyPrograms {
  /** wlp: the installation, which nothing is ever written to. */
  readonly install: string;
  /** Compiled classes of the applications, and LTPA keys, which all servers of a cell share. */
  readonly made: string;
}

const installation = (): string => join(projectRoot(), ".toolchain", "liberty", "wlp");

/** What keeps this machine from running Open Liberty, in words; undefined when nothing does. */
export function libertyProblem(): string | undefined {
  const missing = [
    ...["java", "javac"].filter((name) => !programOnPath(name)).map((name) => `there is no ${name} on PATH`),
    ...(existsSync(installation()) ? [] : ["Open Liberty is not installed"]),
  ];
  return missing.length === 0 ? undefined : `${missing.join(", ")}: npm run setup -- --liberty says why`;
}

/**
 * Compiles the applications and makes keys; later calls find both in the cache.
 *
 * @throws ProblemError `missing` | `command-failed`
 */
export async function libertyPrograms(): Promise<LibertyPrograms> {
  const problem = libertyProblem();
  if (problem) {
    throw new ProblemError("missing", { where: "the lab's Open Liberty servers", found: problem });
  }
  const install = installation();
  const sources = await filesBelow(join(projectRoot(), "lab", "liberty", "java"), ".java");
  const [api = ""] = (await filesBelow(join(install, "dev", "api", "spec"), ".jar")).filter((jar) =>
    jar.includes("javaee.servlet.4.0_"),
  );
  const made = await madeOnce("liberty", sources, api, async (folder) => {
    const classes = ["--release", "11", "-encoding", "UTF-8", "-cp", api, "-d", join(folder, "classes"), ...sources];
    const tool = ["-jar", join(install, "bin", "tools", "ws-securityutil.jar"), "createLTPAKeys"];
    const keys = [...tool, `--password=${KEYS_PASSWORD}`, `--file=${join(folder, "ltpa.keys")}`];
    try {
      await Promise.all([
        run("javac", classes, { timeout: MAKE_TIMEOUT_MS }),
        run("java", keys, { timeout: MAKE_TIMEOUT_MS }),
      ]);
    } catch (error) {
      const { stderr, stdout } = error as { stderr?: string; stdout?: string };
      const output = stderr?.trim() || stdout?.trim() || String(error);
      throw new ProblemError("command-failed", { where: "lab/liberty/java", found: output.slice(0, 500) });
    }
  });
  return { install, made };
}

/** Where the installation is mounted on a host that has a tree of its own. */
const MOUNTED = `${LAB_ROOT}/liberty/wlp`;

/** What a host's boot mounts for it: [what, where as the host sees it]. */
export const libertyMounts = ({ install }: LibertyPrograms): readonly (readonly [string, string])[] => [
  [install, MOUNTED],
];

/** Writes the servers of one node, and answers where they are, as the host sees it. */
export async function buildLibertyNode(
  place: HostPlace,
  node: NodeName,
  description: Description,
  tools: Toolchain,
  programs: LibertyPrograms,
): Promise<{ install: string; user: string; output: string }> {
  const own = join(place.directory, LAB_ROOT, "liberty");
  const seen = `${place.prefix}${LAB_ROOT}/liberty`;
  const inCell = description.cell !== "none";
  const installedApps = inCell ? `${place.prefix}${NODE_PROFILE}/installedApps/${CELL}` : undefined;
  await mkdir(join(place.directory, MOUNTED), { recursive: true });
  await rm(join(own, "made"), { recursive: true, force: true });
  await cp(programs.made, join(own, "made"), { recursive: true });
  await cp(join(projectRoot(), "lab", "liberty", "member.mts"), join(own, "member.mts"));
  for (const [name, text] of [
    ["page", pageApplication],
    ["administration", administrationApplication],
  ] as const) {
    await mkdir(join(own, `${name}.war`, "WEB-INF"), { recursive: true });
    await writeFile(join(own, `${name}.war`, "WEB-INF", "web.xml"), text);
  }
  for (const cluster of clustersWith(description.memberPorts, description.nodes)) {
    const member = cluster.members.find((one) => one.node === node);
    if (!member) continue;
    const folder = join(own, "usr", "servers", member.name);
    await mkdir(folder, { recursive: true });
    const file = { mode: 0o600 };
    await writeFile(join(folder, "server.xml"), serverXml(cluster, member, description, seen), file);
    await writeFile(join(folder, "bootstrap.properties"), properties(cluster, member, installedApps), file);
  }
  const install = tools.namespaces === "none" ? programs.install : MOUNTED;
  return { install, user: `${seen}/usr`, output: `${seen}/output` };
}

/** They become system properties of the server, where its applications find them. */
function properties(cluster: LabCluster, member: LabMember, installedApps: string | undefined): string {
  const values = {
    "lab.member": member.name,
    "lab.cluster": cluster.name,
    "lab.cloneId": member.cloneId,
    ...(installedApps === undefined ? {} : { "lab.installedApps": installedApps }),
    ...Object.fromEntries(
      Object.entries(applicationsOf(cluster)).map(([root, name]) => [`lab.application.${root}`, name]),
    ),
  };
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

/** The session's CloneID as in a cell; nothing of it is looked at again while the server runs. */
function serverXml(cluster: LabCluster, member: LabMember, description: Description, seen: string): string {
  const classes = '<classloader commonLibraryRef="lab"/>';
  const everybody = '<security-role name="users"><special-subject type="ALL_AUTHENTICATED_USERS"/></security-role>';
  return `<server description="${member.name}">
  <featureManager>
    <feature>servlet-4.0</feature>
    <feature>appSecurity-2.0</feature>
  </featureManager>
  <httpEndpoint id="defaultHttpEndpoint" host="${description.addresses[member.node]}" httpPort="${member.port}" httpsPort="-1"/>
  <httpSession cloneId="${member.cloneId}"/>
  <basicRegistry realm="lab"><user name="${TEST_USER}" password="${description.password}"/></basicRegistry>
  <ltpa keysFileName="${seen}/made/ltpa.keys" keysPassword="${KEYS_PASSWORD}" monitorInterval="0"/>
  <config updateTrigger="disabled"/>
  <applicationMonitor updateTrigger="disabled" dropinsEnabled="false"/>
  <applicationManager startTimeout="120s"/>
  <library id="lab"><folder dir="${seen}/made/classes"/></library>
  <webApplication name="lab" location="${seen}/administration.war" contextRoot="/lab">${classes}</webApplication>
${Object.entries(applicationsOf(cluster))
  .map(
    ([root, name]) => `  <webApplication name="${name}" location="${seen}/page.war" contextRoot="${root}">
    ${classes}<application-bnd>${everybody}</application-bnd>
  </webApplication>
`,
  )
  .join("")}</server>
`;
}

const webXml = (servlet: string, more: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<web-app xmlns="http://xmlns.jcp.org/xml/ns/javaee" version="4.0" metadata-complete="true">
  <servlet>
    <servlet-name>${servlet}</servlet-name>
    <servlet-class>lab.${servlet}</servlet-class>
    <load-on-startup>1</load-on-startup>
  </servlet>
  <servlet-mapping><servlet-name>${servlet}</servlet-name><url-pattern>/*</url-pattern></servlet-mapping>
${more}</web-app>
`;

/** Form login as applications of WebSphere declare it. */
const pageApplication = webXml(
  "Page",
  `  <security-constraint>
    <web-resource-collection>
      <web-resource-name>protected pages</web-resource-name>
      <url-pattern>/protected/*</url-pattern>
    </web-resource-collection>
    <auth-constraint><role-name>users</role-name></auth-constraint>
  </security-constraint>
  <login-config>
    <auth-method>FORM</auth-method>
    <form-login-config>
      <form-login-page>/login</form-login-page>
      <form-error-page>/login?error=true</form-error-page>
    </form-login-config>
  </login-config>
  <security-role><role-name>users</role-name></security-role>
`,
);

const administrationApplication = webXml("Administration", "");
