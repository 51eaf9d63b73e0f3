/** One measurement that can be repeated on any machine: `npm run bench -- NAME`. */
export interface Benchmark {
  /** What is measured and what it should come to, in one line. */
  readonly summary: string;
  /** Figures by name, with the unit in the name. */
  run(): Promise<Figures>;
}

/** Figures that belong together may stand in groups of groups; a text says what they were measured with. */
export interface Figures {
  readonly [name: string]: number | string | Figures;
}
