import { ENGINE_TEST_MS, Engine } from "../support/engine.js";

/** Two stacks on one web server, and a host that is not the one it should be. */
let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
}, ENGINE_TEST_MS);
afterAll(() => engine?.stop(), ENGINE_TEST_MS);

const UP = ["up", "--yes", "--skip-preview"];
const FIRST = "pulumi-connections/lab/environment-web-webserver1-routing";

test(
  "promises 12 and 13: a wrong host key, a lock and another owner each end a run before its first write, and say why",
  async () => {
    const second = await engine.other("second");
    const { hostKey } = engine.lab.hosts.web1.connection;
    const stranger = { pinned: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] };
    const trust = (key: unknown) =>
      second.configure((values) => {
        const { web1 } = values.hosts as { web1: object };
        return { ...values, hosts: { web1: { ...web1, hostKey: key } } };
      });
    await trust(stranger);
    const untouched = engine.fingerprints();
    const strange = await engine.pulumi(UP, {}, second);
    expect(strange.code).not.toBe(0);
    expect(strange.output).toMatch(/web1.*host key/i);
    expect(engine.fingerprints()).toEqual(untouched);
    await trust(hostKey);

    await engine.route("node2");
    // The first stack's proof goes on for as long as this member answers with an error.
    const member = engine.lab.clusters[0]?.members.find(({ node }) => node === "node2")?.name ?? "";
    await engine.lab.fault(`member-error:${member}`, true);
    await engine.configure((values) => ({ ...values, probes: { ...(values.probes as object), settleTime: "3m" } }));
    await engine.behave({ lockWait: "1s" }, second);
    let late: Awaited<ReturnType<typeof engine.pulumi>> | undefined;
    const early = await engine.during(
      UP,
      (text) => text.includes("0/10 on node2"),
      async () => {
        late = await engine.pulumi(UP, {}, second);
        await engine.lab.fault(`member-error:${member}`, false);
      },
    );
    expect(late?.code).not.toBe(0);
    expect(late?.output).toMatch(new RegExp(`held by .* since .* for ${FIRST}`));
    expect(early).toMatchObject({ code: 0 });
    await engine.settled();

    const owned = engine.fingerprints();
    const foreign = await engine.pulumi(UP, {}, second);
    expect(foreign.code).not.toBe(0);
    expect(foreign.output).toContain(`managed by ${FIRST}`);
    expect(foreign.output).toContain("takeOverFrom: pulumi-connections/lab");
    expect(Object.keys(engine.fingerprints())).toEqual(Object.keys(owned));

    await engine.behave({ takeOverFrom: "pulumi-connections/lab" }, second);
    await engine.route("node2", second);
    await engine.up(second);
    await engine.settled(second);
    expect(engine.named()).toBe(engine.copyFor("node2"));
    expect(await engine.drift()).toEqual({
      "update environment-web-webserver1-routing": {
        "deviations › owner": { live: `now managed by ${FIRST.replace("/lab/", "/second/")}` },
      },
    });
    const dispossessed = await engine.pulumi(UP);
    expect(dispossessed.code).not.toBe(0);
    expect(await engine.expect(0, ["destroy", "--yes"])).toContain("left alone, it now belongs to");
    await engine.settled(second);
  },
  2 * ENGINE_TEST_MS,
);
