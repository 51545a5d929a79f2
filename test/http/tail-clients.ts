import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import { connect, createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { pino } from "pino";
import { WebSocket } from "ws";
import type { AuditService } from "../../src/audit/service.js";
import { openGateway, type Gateway, type GatewayOptions } from "../../src/http/gateway.js";

export interface Subscribing {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

export interface Event {
  readonly data?: { readonly entryLogged: { readonly leafIndex: number } } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[];
}

/** A client of the tail, as a program would use it, that leaves it to the program to resume. */
export interface TailClient {
  iterate(operation: Subscribing): AsyncIterableIterator<Event>;
  dispose(): void;
}

export interface Credential {
  readonly authorization?: string;
}

type Connect = (url: string, credential?: Credential) => TailClient;

export const TRANSPORTS: Readonly<Record<"SSE" | "WebSocket", Connect>> = {
  SSE: (url, credential = {}) => {
    const client = createSseClient({ url, retryAttempts: 0, headers: { ...credential } });
    return {
      iterate: (operation) => client.iterate(operation) as AsyncIterableIterator<Event>,
      dispose: () => {
        client.dispose();
      },
    };
  },
  WebSocket: (url, credential = {}) => {
    const client = createWsClient({
      url: url.replace("http", "ws"),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { ...credential },
    });
    return {
      iterate: (operation) => client.iterate(operation) as AsyncIterableIterator<Event>,
      dispose: () => {
        void client.dispose();
      },
    };
  },
};

export type Transport = keyof typeof TRANSPORTS;
export const transports = Object.keys(TRANSPORTS) as Transport[];

/** A gateway on a free port of this machine. */
export function tailGateway(service: AuditService, options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  return openGateway({
    service,
    ...{ host: "127.0.0.1", port: 0, compileAtHit: Infinity, graphiqlFolder: "/nonexistent" },
    logger: pino({ level: "silent" }),
    ...options,
  });
}

export interface Proxy {
  readonly url: string;
  /** Connections made so far. */
  readonly count: () => number;
  close(): void;
}

/** Passes connections on, to one gateway after the other, and cuts each after so many bytes of answer. */
export async function cuttingProxy(gateways: readonly Gateway[], bytesOf: () => number): Promise<Proxy> {
  let count = 0;
  const server = createServer((client) => {
    const gateway = gateways[count++ % gateways.length];
    const upstream = connect(Number(new URL(gateway?.url ?? "").port), "127.0.0.1");
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on("error", cut).on("close", cut);
    let left = bytesOf();
    client.pipe(upstream);
    upstream.on("data", (chunk: Buffer) => {
      if (chunk.length < left) client.write(chunk);
      else client.write(chunk.subarray(0, left), cut);
      left -= chunk.length;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    count: () => count,
    close: () => server.close(),
  };
}
