import { request } from "node:http";
import { text } from "node:stream/consumers";
import { ProblemError } from "../providers/common/problem.js";

export interface Question {
  /** Who is asked, in errors. */
  readonly where: string;
  readonly address: string;
  readonly port: number;
  /** Opens what only the lab's own programs may ask of each other. */
  readonly token: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  readonly timeoutMs: number;
}

/**
 * Asks a program of the lab, on a connection that ends with the answer.
 *
 * @throws ProblemError `unreachable` | `refused` for any status but 200
 */
export function ask({ where, address, port, token, method, path, body, timeoutMs }: Question): Promise<string> {
  return new Promise((resolve, reject) => {
    const unreachable = (error: Error) => reject(new ProblemError("unreachable", { where, found: error.message }));
    const asked = request(
      { host: address, port, method, path, headers: { "x-lab-token": token }, agent: false },
      (response) =>
        void text(response).then((answer) => {
          if (response.statusCode === 200) resolve(answer);
          else reject(new ProblemError("refused", { where, found: `${path} was answered with ${answer}` }));
        }, unreachable),
    );
    asked.setTimeout(timeoutMs, () => asked.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    asked.on("error", unreachable);
    asked.end(body);
  });
}
