import { once } from "node:events";
import { Transform } from "node:stream";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What a connection to PostgreSQL may begin with (manual, "Message Formats": the code after the length). */
const BEGINNINGS: Readonly<Record<number, Beginning>> = {
  80877102: "cancel request",
  80877103: "TLS request",
  196608: "session",
};

export type Beginning = "cancel request" | "TLS request" | "session" | "unknown";

/** A network of one host, on a free loopback port, in front of a PostgreSQL: says what connections begin with. */
export class WatchedNetwork {
  /** What answers wait for, but those to a session's first message. */
  held: Promise<unknown> = Promise.resolve();
  /** In the order that the connections came. */
  readonly beginnings: Beginning[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #target: URL;
  #server: Server | undefined;
  #port = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
  }

  static async start(target: string): Promise<WatchedNetwork> {
    const network = new WatchedNetwork(target);
    await network.accept();
    return network;
  }

  /** The same database, through the network. */
  get url(): string {
    const url = new URL(this.#target);
    url.port = String(this.#port);
    return url.href;
  }

  /** The connections that there are, each with two ends. */
  get sockets(): number {
    return this.#sockets.size;
  }

  /** New connections reach the server, again. */
  async accept(): Promise<void> {
    const server = createServer((client) => {
      this.#join(client);
    });
    this.#server = server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#port = (server.address() as AddressInfo).port;
  }

  /** New connections are refused; those there are go on. */
  refuse(): void {
    this.#server?.close();
  }

  close(): void {
    this.refuse();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket): void {
    const database = connect(Number(this.#target.port), this.#target.hostname);
    client.once("data", (chunk) => {
      this.beginnings.push(BEGINNINGS[chunk.readUInt32BE(4)] ?? "unknown");
    });
    let messages = 0;
    client.on("data", () => (messages += 1));
    client.pipe(database);
    const held = async (): Promise<void> => {
      if (messages > 1) await this.held;
    };
    database
      .pipe(
        new Transform({
          transform: (answer, _, next) => {
            void held().then(() => {
              next(undefined, answer);
            });
          },
        }),
      )
      .pipe(client);
    for (const socket of [client, database]) {
      this.#sockets.add(socket);
      const drop = (): void => {
        client.destroy();
        database.destroy();
      };
      socket.on("error", drop).on("close", () => {
        this.#sockets.delete(socket);
        drop();
      });
    }
  }
}
