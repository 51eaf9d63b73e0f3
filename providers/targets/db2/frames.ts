import { deserialize, serialize } from "node:v8";
import { type Answer, HEAD_BYTES, JSON_FORM, type Request, V8_FORM } from "./protocol.js";

/** A request as it is sent to the process with the driver in it. */
export function requestFrame(request: Request): Buffer {
  const holdsBytes =
    "parameters" in request && request.parameters.some((each) => each !== null && typeof each === "object");
  const message = holdsBytes ? serialize(request) : Buffer.from(JSON.stringify(request));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(message.length);
  head.writeUInt8(holdsBytes ? V8_FORM : JSON_FORM, HEAD_BYTES - 1);
  return Buffer.concat([head, message]);
}

/** Puts together the answers that come in chunks. */
export class AnswerReader {
  #parts: Buffer[] = [];
  #come = 0;
  #needed = HEAD_BYTES;

  /** @returns the answers that are whole now */
  read(chunk: Buffer): readonly Answer[] {
    const answers: Answer[] = [];
    this.#parts.push(chunk);
    this.#come += chunk.length;
    while (this.#come >= this.#needed) {
      const all = Buffer.concat(this.#parts);
      this.#parts = [all];
      this.#needed = HEAD_BYTES + all.readUInt32LE();
      if (this.#come < this.#needed) break;
      const message = all.subarray(HEAD_BYTES, this.#needed);
      answers.push(all[HEAD_BYTES - 1] === V8_FORM ? deserialize(message) : JSON.parse(message.toString()));
      this.#parts = [all.subarray(this.#needed)];
      this.#come -= this.#needed;
      this.#needed = HEAD_BYTES;
    }
    return answers;
  }
}
