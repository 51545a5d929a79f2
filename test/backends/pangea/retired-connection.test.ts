import { expect, test } from "@jest/globals";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describeWith, findProgram } from "../../service.js";
import { envelopeOf } from "./scripted-server.js";

const WRITES = fileURLToPath(new URL("./tls-writes.js", import.meta.url));
const COUNT = 4;

/** A service that offers HTTP/2, and retires each connection with its first answer, as proxies do after some number of them. */
async function retiringServer(folder: string): Promise<Http2SecureServer> {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(folder, name)));
  const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
    request.resume().on("end", () => {
      if (request.httpVersionMajor === 2) request.stream.session?.goaway(0);
      else response.setHeader("connection", "close");
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(envelopeOf("Success", { hash: "h" }, "prq_1")));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

describeWith("openssl", findProgram("openssl") !== undefined, () => {
  test("a write is acknowledged though the connection is retired with its answer, whatever protocol is offered", async () => {
    const folder = mkdtempSync(join(tmpdir(), "auditql-retired-"));
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
    const name = ["-subj", "/CN=audit.example.com", "-addext", "subjectAltName=IP:127.0.0.1"];
    execFileSync("openssl", ["req", "-x509", ...key, ...files, ...name], { stdio: "ignore" });
    const server = await retiringServer(folder);
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { PATH: process.env["PATH"], NODE_EXTRA_CA_CERTS: join(folder, "cert.pem") };
    const { stdout } = await promisify(execFile)(process.execPath, [WRITES, url, String(COUNT)], { env });
    server.close();
    rmSync(folder, { recursive: true });
    expect(JSON.parse(stdout)).toEqual(Array(COUNT).fill("logged"));
  });
});
