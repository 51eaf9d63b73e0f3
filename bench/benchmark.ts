/** One measurement that can be repeated on any machine: `npm run bench -- NAME`. */
export interface Benchmark {
  /** What is measured and what it should come to, in one line. */
  readonly summary: string;
  /** Figures by name, with the unit in the name. */
  run(): Promise<Readonly<Record<string, number>>>;
}
