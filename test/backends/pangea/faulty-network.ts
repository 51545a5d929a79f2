import { request as send, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { newRequestId } from "../../../src/http/pangea/request-id.js";
import { isWrite, type Fault, type FaultPlan } from "./fault-plan.js";
import { envelopeOf } from "./scripted-server.js";

/** A request that logs, as the network saw it. */
export interface SeenWrite {
  readonly body: string;
  readonly fault: Fault;
  /** Whether it names the tries before it. */
  readonly isRetry: boolean;
  /** How often the service has got it. */
  readonly forwarded: number;
  /** Whether the client got at least the head of a 2xx. */
  readonly isSuccess: boolean;
}

export interface FaultyNetwork {
  readonly url: string;
  readonly writes: readonly SeenWrite[];
  /** How often there was each fault. */
  readonly faults: ReadonlyMap<Fault, number>;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly id: string;
  readonly body: Buffer;
}

const LONGEST_DELAY_MS = 20;

/**
 * A proxy on loopback before a service of the protocol: does to each request what the plan says. What it calls accepted it
 * answers with 202, and then polls with 202, 404, 429 and 503 before the service's response.
 */
export async function faultyNetwork(target: string, plan: FaultPlan): Promise<FaultyNetwork> {
  const writes: SeenWrite[] = [];
  const faults = new Map<Fault, number>();
  const waiting = new Map<string, { readonly reply: Reply; readonly before: number[] }>();

  const poll = (id: string, response: ServerResponse): void => {
    const accepted = waiting.get(id);
    const status = accepted?.before.shift();
    if (accepted !== undefined && status === undefined) pass(response, { ...accepted.reply, id });
    else refuse(response, status ?? 404, id);
  };

  const respond = async (seen: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> => {
    const { method = "", url = "" } = seen;
    if (method === "GET" && waiting.has(url.replace("/request/", ""))) {
      poll(url.replace("/request/", ""), response);
      return;
    }
    const text = body.toString();
    const isRetry = seen.headers["x-pangea-retried-request-ids"] !== undefined;
    let fault = plan({ path: url, body: text, isRetry });
    const isForwarded = fault !== "429" && fault !== "503" && fault !== "html" && fault !== "cut";
    const forwarded = isForwarded ? (fault === "repeat" ? 2 : 1) : 0;
    // At once, as where a client has given up a try that the service still works at.
    const replies = await Promise.all(Array.from({ length: forwarded }, () => forward(target, seen, body)));
    const reply = replies.at(-1);
    // A 202 is named as what is polled, and not as the try that a service would say has failed.
    if (fault === "503-after" && reply?.status === 202) fault = "html-after";
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
    const isOver = fault === "503-after" || fault === "html-after" || fault === "cut-after";
    const isSuccess = reply !== undefined && reply.status < 300 && !isOver;
    if (isWrite(url)) writes.push({ body: text, fault, isRetry, forwarded, isSuccess });
    if (fault === "delay") await sleep(LONGEST_DELAY_MS);
    if (reply === undefined || isOver) {
      fail(fault, response, reply?.id ?? newRequestId(Date.now()));
    } else if (fault === "accepted" && reply.status === 200) {
      waiting.set(reply.id, { reply, before: [202, 404, 429, 503, 202] });
      refuse(response, 202, reply.id);
    } else if (fault === "half-after") {
      response.writeHead(reply.status, { "content-length": reply.body.length, "x-request-id": reply.id });
      response.write(reply.body.subarray(0, reply.body.length / 2));
      setImmediate(() => response.destroy());
    } else if (fault === "html-200-after") {
      response.writeHead(200, PROXY_HEADERS).end("<html>Sign in</html>");
    } else {
      pass(response, reply);
    }
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void respond(request, Buffer.concat(chunks), response).catch(() => response.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ writes, faults },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** Proxies name their failures too: an id of theirs says nothing to the service. */
const PROXY_HEADERS = { "content-type": "text/html", "x-request-id": "proxy-1" };

/** The failure of a fault: of the network itself, or the service's own with the id of the request. */
function fail(fault: Fault, response: ServerResponse, id: string): void {
  if (fault.startsWith("cut")) response.destroy();
  else if (fault.startsWith("html")) {
    response.writeHead(502, PROXY_HEADERS).end("<html>Bad gateway</html>");
  } else refuse(response, fault === "429" ? 429 : 503, id);
}

const STATUSES: Readonly<Record<number, string>> = { 202: "Accepted", 404: "NotFound", 429: "TooManyRequests" };

function refuse(response: ServerResponse, status: number, id: string): void {
  const result = status === 202 ? { ttl_mins: 1, retry_counter: 0, location: `https://elsewhere.example/${id}` } : null;
  const body = JSON.stringify(envelopeOf(STATUSES[status] ?? "ServiceNotAvailable", result, id));
  response.writeHead(status, { "content-type": "application/json", "x-request-id": id }).end(body);
}

function pass(response: ServerResponse, { status, id, body }: Reply): void {
  response.writeHead(status, { "content-type": "application/json", "x-request-id": id }).end(body);
}

function forward(target: string, { method, url = "", headers }: IncomingMessage, body: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const passed = send(`${target}${url}`, { method, headers: { ...headers, connection: "close" } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const id = String(response.headers["x-request-id"]);
        resolve({ status: response.statusCode ?? 0, id, body: Buffer.concat(chunks) });
      });
    });
    passed.on("error", reject).end(body);
  });
}
