import { request } from "node:http";
import type { Lab } from "../../lab/lab.js";
import type { LabCluster } from "../../lab/topology.js";

const TIMEOUT_MS = 10_000;

/** The node that one new user of a cluster lands on: by the first CloneID in the session cookie. */
export function probeOnce(lab: Lab, cluster: LabCluster): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: lab.web.address,
        port: lab.web.port,
        path: cluster.probePath,
        agent: false,
        timeout: TIMEOUT_MS,
        headers: { host: `${lab.web.publicName}:${lab.web.port}`, connection: "close" },
      },
      (response) => {
        response.resume();
        const cookie = response.headers["set-cookie"]?.find((candidate) => candidate.startsWith("JSESSIONID="));
        const [, clone] = (cookie ?? "").split(";", 1)[0]?.split(":") ?? [];
        const member = cluster.members.find(({ cloneId }) => cloneId === clone);
        if (member) resolve(member.node);
        else reject(new Error(`${cluster.probePath} answered ${response.statusCode} with cookie ${cookie ?? "none"}`));
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`${cluster.probePath} gave no answer`)));
    outgoing.on("error", reject).end();
  });
}
