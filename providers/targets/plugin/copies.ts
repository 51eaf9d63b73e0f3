const SEPARATORS = /[\\/]/;

/** Where the copy for a node stands: beside the generated file, under a name that no node can lead astray. */
export function copyPath(
  { pluginFile, copyPrefix }: { readonly pluginFile: string; readonly copyPrefix: string },
  node: string,
): string {
  const safe = node.replace(/[^A-Za-z0-9._-]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
  return `${directoryOf(pluginFile)}${copyPrefix}${safe}.xml`;
}

/** With its final separator. */
export function directoryOf(path: string): string {
  return path.slice(0, path.length - fileName(path).length);
}

export function fileName(path: string): string {
  return path.split(SEPARATORS).at(-1) ?? path;
}

/** Whatever the prefix was at the time. */
export const isCopyName = (name: string): boolean => /^plugin-cfg-.+\.xml$/.test(name);
