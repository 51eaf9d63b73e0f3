import { parseArgs } from "node:util";
import { databaseConnection } from "../components/config/connections.js";
import { parseStackConfig } from "../components/config/parse.js";
import { formatProblem, ProblemError, problemsOf } from "../providers/common/problem.js";
import { reportLines, schemaReport } from "../providers/kinds/schema-version/report.js";
import { closeAllDatabases, openDatabase } from "../providers/targets/db2/database.js";
import { closeAllHosts } from "../providers/targets/hosts.js";
import { pulumiCommand } from "./pulumi-command.js";
import { toolchainEnvironment } from "./toolchain.js";

const USAGE = `npm run schema-report -- --stack STACK [--config-file FILE]

Reads the schema level of every component of Connections in the databases that the stack declares, and says which known
release they are. Changes nothing.

Exit code: 0 = read, 1 = something could not be read`;

const PREFIX = "pulumi-connections:";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      stack: { type: "string", short: "s" },
      "config-file": { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help || !values.stack) {
    console.log(USAGE);
    return values.help ? 0 : 1;
  }
  const place = ["--stack", values.stack, ...(values["config-file"] ? ["--config-file", values["config-file"]] : [])];
  const config = parseStackConfig(await configuration(place), values["config-file"] ?? `Pulumi.${values.stack}.yaml`);
  const databases = Object.keys(config.databases ?? {});
  if (databases.length === 0) {
    console.log("The stack declares no databases.");
    return 0;
  }
  const report = await schemaReport(
    databases.map((name) => ({
      database: openDatabase(databaseConnection(name, config)),
      rowKeys: Object.fromEntries(
        Object.entries(config.databases?.[name]?.levels ?? {}).map(([component, { rowKey }]) => [component, rowKey]),
      ),
    })),
  );
  for (const line of reportLines(report)) console.log(line);
  return report.unreached.length > 0 || report.found.some(({ problem }) => problem !== undefined) ? 1 : 0;
}

/** The stack's configuration as the engine reads it. */
async function configuration(place: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, output } = await pulumiCommand(["config", "--json", ...place], { env: toolchainEnvironment() });
  if (code !== 0) throw new ProblemError("invalid-input", { where: "the stack's configuration", found: output.trim() });
  const entries = JSON.parse(stdout) as Record<string, { value?: string; objectValue?: unknown }>;
  return Object.fromEntries(
    Object.entries(entries)
      .filter(([key]) => key.startsWith(PREFIX))
      .map(([key, { value, objectValue }]) => [key.slice(PREFIX.length), objectValue ?? value]),
  );
}

main()
  .catch((error: unknown) => {
    for (const problem of problemsOf(error, "schema-report")) console.error(formatProblem(problem));
    return 1;
  })
  .then(async (code) => {
    await closeAllDatabases();
    await closeAllHosts();
    process.exitCode = code;
  });
