import type { WebSocket } from "@fastify/websocket";
import type { StreamLimits } from "./open-streams.js";

/** Pings a client until stopped, and gives it up when it has not answered for as long as a slow client may take. */
export function keepAlive(socket: WebSocket, { keepAliveMs, slowMs }: StreamLimits): () => void {
  let seenAtMs = performance.now();
  socket.on("pong", () => {
    seenAtMs = performance.now();
  });
  const timer = setInterval(() => {
    if (performance.now() - seenAtMs > keepAliveMs + 2 * slowMs) socket.terminate();
    else socket.ping();
  }, keepAliveMs);
  return () => {
    clearInterval(timer);
  };
}
