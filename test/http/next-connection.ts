import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** The side of a gateway in this process of the connection that the next request comes over. */
export function nextConnection(): Promise<Socket> {
  return new Promise((resolve) => {
    const arrived = (message: unknown): void => {
      unsubscribe("http.server.request.start", arrived);
      resolve((message as { readonly socket: Socket }).socket);
    };
    subscribe("http.server.request.start", arrived);
  });
}
