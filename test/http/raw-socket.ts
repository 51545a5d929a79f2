import { once } from "node:events";
import { WebSocket } from "ws";

/** A message of the GraphQL over WebSocket protocol, as the gateway sent it. */
export interface RawMessage {
  readonly id?: string;
  readonly type: string;
  readonly payload?: unknown;
}

/** A WebSocket client that can do what a library's would not. */
export class RawSocket {
  readonly received: RawMessage[] = [];
  /** The close code. */
  readonly closed: Promise<number>;

  private constructor(readonly socket: WebSocket) {
    this.closed = new Promise((resolve) => {
      socket.once("close", resolve);
    });
    socket.on("message", (data: Buffer) => {
      this.received.push(JSON.parse(data.toString()) as RawMessage);
    });
  }

  /** Resolves when it is open. */
  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<RawSocket> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws", { headers });
    const raw = new RawSocket(socket);
    await once(socket, "open");
    return raw;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  subscribe(id: string, query: string): void {
    this.send({ id, type: "subscribe", payload: { query } });
  }

  /** Says who it is, and waits to be let in. */
  async initialise(payload: object = {}): Promise<void> {
    this.send({ type: "connection_init", payload });
    await this.until(({ type }) => type === "connection_ack");
  }

  /** The first message that is so, whenever it came; rejects when the socket closes without one. */
  async until(holds: (message: RawMessage) => boolean): Promise<RawMessage> {
    for (;;) {
      const found = this.received.find(holds);
      if (found !== undefined) return found;
      const ended = this.closed.then((code) => Promise.reject(new Error(`closed with ${code}`)));
      await Promise.race([once(this.socket, "message"), ended]);
    }
  }
}
