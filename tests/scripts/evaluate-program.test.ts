import { type Preview, withKnownSettings } from "../../scripts/evaluate-program.js";

const step = (name: string, settings: string) => ({
  op: "create",
  urn: `urn:pulumi:prod::estate::pulumi-nodejs:dynamic/ihs:PluginRouting::${name}`,
  newState: { type: "pulumi-nodejs:dynamic/ihs:PluginRouting", inputs: { host: "web1", settings } },
});

test("settings that the engine does not show are refused by name, not taken for what they are not", () => {
  const shown: Preview = { steps: [step("web1", "{}")] };
  expect(withKnownSettings(shown)).toBe(shown);
  expect(() => withKnownSettings({ steps: [step("web1", "{}"), step("web2", "[secret]")] })).toThrow(
    /^web2: .*secret.*Refer to credentials/,
  );
});
