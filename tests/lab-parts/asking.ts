import { request } from "node:http";
import type { Lab } from "../../lab/lab.js";

export interface Page {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly location?: string;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

interface Asking {
  readonly cookie?: string;
  readonly host?: string;
  readonly form?: Readonly<Record<string, string>>;
}

/** One request on a connection of its own. */
export function ask(lab: Lab, path: string, { cookie, host, form }: Asking = {}): Promise<Page> {
  const body = form ? new URLSearchParams(form).toString() : undefined;
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: lab.web.address,
        port: lab.web.port,
        path,
        agent: false,
        method: body === undefined ? "GET" : "POST",
        headers: {
          host: host ?? `${lab.web.publicName}:${lab.web.port}`,
          ...(cookie ? { cookie } : {}),
          ...(body === undefined
            ? {}
            : { "content-length": Buffer.byteLength(body), "content-type": "application/x-www-form-urlencoded" }),
        },
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk;
        });
        response.on("error", reject);
        response.on("end", () => {
          const isJson = String(response.headers["content-type"]).includes("json");
          resolve({
            status: response.statusCode ?? 0,
            cookies: (response.headers["set-cookie"] ?? []).map((one) => one.split(";", 1)[0] ?? ""),
            location: response.headers.location,
            text,
            json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
          });
        });
      },
    );
    asked.setTimeout(20_000, () => asked.destroy(new Error("no answer in 20 s")));
    asked.on("error", reject);
    asked.end(body);
  });
}

/** How many of `count` new users each member got. */
export async function newUsers(lab: Lab, path: string, count: number): Promise<Record<string, number>> {
  const members: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const member = String((await ask(lab, path)).json.member);
    members[member] = (members[member] ?? 0) + 1;
  }
  return members;
}

export function clusterOf(lab: Lab, name: string) {
  const cluster = lab.clusters.find((one) => one.name === name);
  const [first, second] = cluster?.members ?? [];
  if (!cluster || !first || !second) throw new Error(`no cluster ${name} with two members`);
  return { ...cluster, first, second };
}

/** Exchanges what the lists of AppsCluster and InfraCluster name. */
export function swapped(text: string): string {
  return text.replace(
    /(<PrimaryServers>)([\s\S]*?)(<\/PrimaryServers>\s*<BackupServers>)([\s\S]*?)(<\/BackupServers>)/g,
    (_all, a, primary, b, backup, c) => a + backup + b + primary + c,
  );
}
