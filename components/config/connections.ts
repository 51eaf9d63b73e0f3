import type { StackConfig } from "./schema.js";

/** How to reach a host of the configuration. */
export function hostConnection(host: string, config: StackConfig) {
  const connection = config.hosts[host];
  if (!connection) throw new Error(`host ${host} is not in the configuration`);
  return { name: host, ...connection };
}

/** How to reach a database of the configuration. */
export function databaseConnection(database: string, config: StackConfig) {
  const settings = config.databases?.[database];
  if (!settings) throw new Error(`database ${database} is not in the configuration`);
  const { home: _home, levels: _levels, through, ...reached } = settings;
  return {
    name: database,
    ...reached,
    ...(through === undefined ? {} : { through: hostConnection(through, config) }),
  };
}
