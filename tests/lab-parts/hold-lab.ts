import { startLab } from "../../lab/lab.js";

/** Starts a lab and stays, until it is killed: its processes must not outlive it. Prints them, as JSON. */
startLab({ directory: process.argv[2] }).then(
  (lab) => {
    process.stdout.write(`${JSON.stringify(lab.processes)}\n`);
    setInterval(() => {}, 60_000);
  },
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
