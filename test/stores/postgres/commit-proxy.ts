import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { FrontendMessages } from "./frontend-messages.js";

/** Where a commit is cut: the server never hears of it, or has done it and its answer never arrives. */
export type Cut = "before it is forwarded" | "after it was forwarded";

/** A TCP proxy on a free loopback port in front of a PostgreSQL, which can break a connection in the middle of a commit. */
export class CommitProxy {
  /** Taken by the commits to come, in order. */
  readonly cuts: Cut[] = [];
  /** Cuts that were made. */
  readonly made: Cut[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {
    server.on("connection", (client) => {
      this.#join(client);
    });
  }

  /** `url` is the connection URL of a PostgreSQL; it need not be up. */
  static async start(url: string): Promise<CommitProxy> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new CommitProxy(server, new URL(url));
  }

  /** The same database, through the proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.server, "close");
    this.server.close();
    await closed;
  }

  #join(client: Socket): void {
    const database = connect(Number(this.target.port), this.target.hostname);
    const drop = (): void => {
      client.destroy();
      database.destroy();
    };
    const messages = new FrontendMessages();
    let isCutAfter = false;
    client.on("data", (chunk) => {
      const commit = messages.read(chunk);
      const cut = commit && this.#nextCut();
      if (cut === "before it is forwarded") drop();
      else database.write(chunk);
      isCutAfter ||= cut === "after it was forwarded";
    });
    // The answer says that the commit is done; nobody will hear it.
    database.on("data", (answer) => {
      if (isCutAfter) drop();
      else client.write(answer);
    });
    for (const socket of [client, database]) {
      this.#sockets.add(socket);
      socket.on("error", drop).on("close", () => {
        this.#sockets.delete(socket);
        drop();
      });
    }
  }

  #nextCut(): Cut | undefined {
    const cut = this.cuts.shift();
    if (cut === undefined) return undefined;
    this.made.push(cut);
    return cut;
  }
}
