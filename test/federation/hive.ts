import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { published } from "../published.js";
import { configured } from "./gateway-examples.js";
import { stopLater } from "./supergraph.js";

/** Hive's gateway as it is published: the parts that are used here. */
interface Runtime {
  readonly createGatewayRuntime: (config: object) => RequestListener & AsyncDisposable;
}

/** Runs a supergraph by Hive's gateway, configured as docs/federation.md says, over HTTP: answers its URL. */
export async function openHive(supergraph: string): Promise<string> {
  const { createGatewayRuntime } = published("@graphql-hive/gateway-runtime") as Runtime;
  const { unifiedGraphHandler } = published("@graphql-hive/router-runtime") as Readonly<Record<string, unknown>>;
  const defineConfig = (config: object): object => config;
  const config = configured("Hive Gateway", { defineConfig, unifiedGraphHandler }) as object;
  const runtime = createGatewayRuntime({ supergraph, logging: false, ...config });
  const server = createServer(runtime).listen(0, "127.0.0.1");
  await once(server, "listening");
  stopLater(async () => {
    server.closeAllConnections();
    server.close();
    await runtime[Symbol.asyncDispose]();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}
