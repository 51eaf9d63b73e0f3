/** One thing that can be tried on a copy of somebody's own file, without a lab and without touching anything. */
export interface TryVerb {
  /** Arguments behind the verb, as a usage line shows them. */
  readonly usage: string;
  /** What it shows, in one line. */
  readonly summary: string;
  /**
   * @param args behind the verb
   * @param print takes one line or several
   * @returns exit code: 0 = done, also when nothing would change
   * @throws ProblemError when what was asked for is refused (exit code 2)
   */
  run(args: readonly string[], print: (text: string) => void): Promise<number>;
}
