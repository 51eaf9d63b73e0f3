/** How the tour talks: numbered parts, the commands that it runs, and what they said, indented. */
export interface Tourist {
  part(title: string): void;
  command(text: string): void;
  line(text: string): void;
}

const isTerminal = process.stdout.isTTY === true;
const bold = (text: string): string => (isTerminal ? `\u001b[1m${text}\u001b[0m` : text);
const dim = (text: string): string => (isTerminal ? `\u001b[2m${text}\u001b[0m` : text);

export const heading = (text: string): string => bold(text);

export function tourist(): Tourist {
  let part = 0;
  return {
    part: (title) => console.log(`\n${bold(`${++part}. ${title}`)}`),
    command: (text) => console.log(dim(`   $ ${text}`)),
    line: (text) => console.log(`   ${text}`),
  };
}

/** Lines of the engine's own book-keeping, which say nothing about the estate. */
const NOISE =
  /^\s*$|^(Previewing|Updating|Diagnostics|Resources|Duration|Outputs)|pulumi:pulumi:Stack|pulumi-connections:index:|unchanged$|^\s+[~+-]? ?primaryNode: .*$|messages?$|^@ |refresh(ing|ed)?\b/;

/** What a person reads of pulumi's output. */
export function planOf(output: string): readonly string[] {
  return output
    .split("\n")
    .map((line) => line.replace(/\s+$/, ""))
    .filter((line) => !NOISE.test(line));
}
