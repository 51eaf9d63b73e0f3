import { z } from "zod";
import { durationSchema } from "../../common/duration.js";
import { secretReferenceSchema } from "../../common/secret.js";
import type { Connection } from "../connection.js";

/** Stands for a node's name where routing is left to the generated plug-in file, so no node is called so. */
export const AS_GENERATED = "as generated";

/** One spelling for one path, since paths are compared with those that the web server's configuration names. */
export const absolutePath = z
  .string()
  .regex(/^(\/|[A-Za-z]:[\\/])[^\0\r\n]*$/, { message: "must be an absolute path" })
  .regex(/^(?!.*[\\/]\.\.([\\/]|$))/, { message: 'must not hold ".."' })
  .overwrite(plainPath);

/** Without doubled separators, "." and a separator at the end; Windows paths keep the separators they have. */
function plainPath(path: string): string {
  if (!path.startsWith("/")) return path;
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return `/${names.join("/")}`;
}
const argv = z.array(z.string().min(1)).min(1);
export const names = z
  .array(z.string().min(1))
  .min(1)
  .refine((list) => new Set(list).size === list.length, { message: "lists a name twice" });

export const controlSchema = z.strictObject({
  graceful: argv
    .optional()
    .describe(
      "program and arguments of a graceful reload; default: <serverRoot>/bin/apachectl graceful, with -f and -D where they are needed",
    ),
  test: argv.optional().describe("of the syntax test; default: <serverRoot>/bin/apachectl -t"),
  build: argv
    .optional()
    .describe("tells what httpd was built with; a rollout asks for its MPM; default: <serverRoot>/bin/apachectl -V"),
  start: argv
    .optional()
    .describe("starts the web server when a reload of ours ended it; default: <serverRoot>/bin/apachectl start"),
  pidFile: absolutePath.optional().describe("holds the parent process' id; default: <serverRoot>/logs/httpd.pid"),
  timeout: durationSchema.default("2m").describe("limit of one of these commands"),
});

export const sessionReplicationSchema = z
  .enum(["none", "memory-to-memory"])
  .optional()
  .describe('between cluster members; must be declared where the plug-in file says GetDWLMTable="true"');

/** Longest RefreshInterval that is waited for after an edit in place. */
export const refreshLimitSchema = durationSchema
  .default("10m")
  .describe("in place: a longer RefreshInterval of the plug-in file is refused, for nobody could tell for so long");

export const nodesSchema = z.record(z.string().min(1), names).superRefine((nodes, context) => {
  const nodeOf = new Map<string, string>();
  for (const [node, members] of Object.entries(nodes)) {
    if (node === AS_GENERATED) context.addIssue({ code: "custom", message: `"${AS_GENERATED}" cannot name a node` });
    for (const [index, member] of members.entries()) {
      const other = nodeOf.get(member);
      if (other !== undefined && other !== node) {
        context.addIssue({ code: "custom", path: [node, index], message: `${member} is listed under ${other} too` });
      }
      nodeOf.set(member, node);
    }
  }
});

const clusterProbeSchema = z.strictObject({
  probeUrl: z
    .string()
    .regex(/^\/[!-"$-~]*$/, {
      message: 'must be a path on the web server, beginning with "/", in printable ASCII without "#"; others as %XX',
    })
    .describe("path (and query) of a page of the cluster that creates a session"),
  expectStatus: z
    .array(z.number().int().min(100).max(599))
    .min(1)
    .default([200])
    .describe("accepted HTTP status codes"),
  expectText: z.string().min(1).optional().describe("text that the page's first 64 KiB must hold"),
  proof: z
    .union([z.literal("cookie"), z.strictObject({ accessLog: absolutePath })])
    .default("cookie")
    .describe(
      "which server answered: by the CloneID in the session cookie; or, for pages without one, by %{WAS}e in the access log at this path on the host, whose format must hold %r too",
    ),
});

export const verifySchema = z.strictObject({
  connectTo: z
    .strictObject({
      address: z.string().min(1).describe("the web server's own address, not a balancer's"),
      port: z.number().int().min(1).max(65535).describe("where the web server listens"),
      tls: z
        .strictObject({
          ca: absolutePath.optional().describe("PEM file on this machine with the issuing CA; default: the usual ones"),
        })
        .optional()
        .describe("present = HTTPS, always verified"),
    })
    .describe("where probes connect to, from this machine"),
  publicHost: z
    .string()
    .regex(/^[A-Za-z0-9._-]+(:\d{1,5})?$/, { message: 'must be a host name, with ":port" if it is not the usual one' })
    .describe("the name users know: sent as Host and as TLS server name"),
  accessLog: absolutePath
    .optional()
    .describe(
      "the web server's access log on its host, whose format holds %r; a request to connectTo then has to appear in it before anything is changed",
    ),
  samples: z.number().int().min(1).max(1000).default(20).describe("requests per cluster, each on a new connection"),
  requestTimeout: durationSchema.default("10s").describe("limit of one request"),
  settleTime: durationSchema
    .default("60s")
    .describe("how long after a reload old processes may still answer before that counts as failure"),
  retryEvery: durationSchema.default("1s").describe("pause between two samples while settling"),
  clusters: z
    .record(z.string().min(1), clusterProbeSchema)
    .refine((clusters) => Object.keys(clusters).length > 0, { message: "needs at least one cluster" })
    .describe("cluster → how to probe it"),
  testUser: z
    .strictObject({
      user: z.string().min(1).describe("who logs in; needs to see the probed pages, and nothing else"),
      password: secretReferenceSchema.describe("where the password is"),
      loginPath: z
        .string()
        .regex(/^\/[!-~]*$/, { message: 'must be a path, beginning with "/", in printable ASCII; others as %XX' })
        .describe("where the login form posts to, e.g. /homepage/j_security_check"),
      userField: z.string().min(1).default("j_username").describe("name of the form's field"),
      passwordField: z.string().min(1).default("j_password").describe("name of the form's field"),
    })
    .optional()
    .describe("logs in by form before probing, for pages that show nothing to strangers"),
});

export type ClusterProbe = z.infer<typeof clusterProbeSchema>;
export type Verify = z.infer<typeof verifySchema>;

/** What a web server with the plug-in is called and where its configuration begins. */
export interface WebServerIdentity {
  readonly webServer: string;
  readonly httpdConf: string;
}

/** How a web server with the plug-in is reached and controlled. */
export interface WebServerSettings {
  readonly connection: Connection;
  readonly serverRoot: string;
  readonly control: z.infer<typeof controlSchema>;
  /** The file that the deployment manager generates and propagates. */
  readonly pluginFile: string;
  readonly defines?: string[];
  readonly variables?: Record<string, string>;
}
