/*
 * Stands in for IBM HTTP Server's administration server, as far as propagation needs it: writes the plug-in's file in place.
 *
 * usage: node ihs-admin.mts ADDRESS PORT FILE TOKEN_FILE
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const [address = "", port = "", file = "", tokenFile = ""] = process.argv.slice(2);
const token = readFileSync(tokenFile, "utf8").trim();

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const allowed = request.headers["x-lab-token"] === token && request.method === "PUT";
    if (allowed) writeFileSync(file, Buffer.concat(chunks));
    response.writeHead(allowed ? 200 : 403, { connection: "close" });
    response.end();
  });
}).listen(Number(port), address);
