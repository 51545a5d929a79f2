import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it came, complete. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Respond = (response: ServerResponse, seen: SeenRequest) => void;

export interface ScriptedServer {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  close(): Promise<void>;
}

/** A server on loopback that responds to its first request with the first step, and so on; the last step repeats. */
export async function scriptedServer(...steps: readonly [Respond, ...Respond[]]): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const one = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
      seen.push(one);
      const step = steps[Math.min(seen.length, steps.length) - 1] ?? steps[0];
      step(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** The protocol's envelope, section 1.2. */
export function envelopeOf(status: string, result: unknown, requestId: string): Readonly<Record<string, unknown>> {
  const time = "2026-01-01T00:00:00.000000Z";
  const summary = `${status} it is`;
  return { request_id: requestId, request_time: time, response_time: time, status, summary, result };
}

/** One response of the protocol. */
export function responding(
  httpStatus: number,
  ...[status, result, requestId = "prq_1"]: readonly [status: string, result: unknown, requestId?: string]
): Respond {
  return (response) => {
    const headers = { "content-type": "application/json", "x-request-id": requestId };
    response.writeHead(httpStatus, headers).end(JSON.stringify(envelopeOf(status, result, requestId)));
  };
}
