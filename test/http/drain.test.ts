import { expect, test } from "@jest/globals";
import { EventEmitter, once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import { setTimeout as passed } from "node:timers/promises";
import { pino } from "pino";
import type { AuditService } from "../../src/audit/service.js";
import { openGateway } from "../../src/http/gateway.js";
import { Readiness, httpServer } from "../../src/http/server.js";
import { Refusals } from "../../src/http/refusal.js";
import { listen } from "../../src/http/listening.js";
import { Metrics } from "../../src/operations/metrics.js";
import { openTestService } from "../engine/test-log.js";

/** The service, with appends that wait until they are let go. */
function held(service: AuditService) {
  const steps = new EventEmitter();
  const begun = once(steps, "begun");
  const released = once(steps, "released");
  const slow = new Proxy(service, {
    get(target, name: keyof AuditService) {
      if (name !== "append") return target[name].bind(target);
      return async (request: Parameters<AuditService["append"]>[0]) => {
        steps.emit("begun");
        await released;
        return target.append(request);
      };
    },
  });
  return { slow, begun, release: () => steps.emit("released") };
}

async function gatewayOver(service: AuditService) {
  return openGateway({
    service,
    ...{ host: "127.0.0.1", port: 0, compileAtHit: Infinity, graphiqlFolder: "/nonexistent" },
    logger: pino({ level: "silent" }),
  });
}

const body = JSON.stringify({ query: 'mutation { log(event: { message: "m" }) { root { treeSize } } }' });
const mutation = { method: "POST", headers: { "content-type": "application/json" }, body };

test("closing lets a running mutation finish, and turns away what comes meanwhile", async () => {
  const service = await openTestService();
  const { slow, begun, release } = held(service);
  const gateway = await gatewayOver(slow);
  const running = fetch(`${gateway.url}/graphql`, mutation);
  await begun;
  const closed = gateway.close(10_000);
  const late = await fetch(`${gateway.url}/graphql`, mutation);
  expect([late.status, late.headers.get("retry-after"), late.headers.get("connection")]).toEqual([503, "1", "close"]);
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
  release();
  expect(await (await running).json()).toEqual({ data: { log: { root: { treeSize: 1 } } } });
  await closed;
  await expect(fetch(`${gateway.url}/healthz`)).rejects.toThrow();
  await service.close();
});

test("closing lets a slow reader have the rest of an answer that is written already", async () => {
  const size = 64 * 1_024 * 1_024;
  const readiness = new Readiness({ probe: () => Promise.resolve([]) });
  const refusals = new Refusals({ metrics: new Metrics(), logger: pino({ level: "silent" }) });
  const { app } = httpServer({ maxBodyBytes: 1_024, readiness, refusals });
  const written = new Promise<ServerResponse>((resolve) => {
    app.get("/large", (_, reply) => {
      resolve(reply.raw);
      return reply.send(Buffer.alloc(size));
    });
  });
  await app.ready();
  const listener = await listen(app, { host: "127.0.0.1", port: 0 });
  const socket = connect(listener.port, "127.0.0.1");
  socket.pause();
  socket.write("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const response = await written;
  while (!response.writableEnded) await passed(5);
  const drained = listener.drain(60_000);
  await passed(500); // more than it lingers for
  let read = 0;
  socket.on("data", (chunk: Buffer) => (read += chunk.length)).resume();
  await once(socket, "close");
  await drained;
  expect(read).toBeGreaterThan(size);
});

test("closing cuts what is not done in time", async () => {
  const service = await openTestService();
  const { slow, begun, release } = held(service);
  const gateway = await gatewayOver(slow);
  const running = fetch(`${gateway.url}/graphql`, mutation);
  const cut = expect(running).rejects.toThrow();
  await begun;
  const closing = gateway.close(50);
  await cut;
  release();
  await closing;
  await service.close();
});

test("closing does not wait for connections that nothing has come over", async () => {
  const service = await openTestService();
  const gateway = await gatewayOver(service);
  const silent = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  await once(silent, "connect");
  // The gateway has the connection, too: what came after it is answered.
  await (await fetch(`${gateway.url}/healthz`)).text();
  const ended = once(silent, "close");
  const limit = AbortSignal.timeout(5_000);
  await Promise.race([gateway.close(60_000), once(limit, "abort")]);
  expect(limit.aborted).toBe(false);
  await ended;
  await service.close();
});
