import { runTry } from "./try/main.js";

runTry(process.argv.slice(2), console.log, console.error).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
