import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A connection through the link: from the client that made it, and to the target. */
interface Passage {
  readonly client: Socket;
  readonly target: Socket;
}

/**
 * A way through the network to one port, that can be cut as a network is: while it is cut nothing is refused, nothing is
 * closed, and nothing arrives. What was on its way arrives when it is whole again, as TCP would send it once more.
 */
export class CuttableLink {
  readonly #passages = new Set<Passage>();
  /** Clients that connected while it was cut. */
  readonly #waiting = new Set<Socket>();
  #isCut = false;

  private constructor(
    private readonly listener: Server,
    private readonly targetPort: number,
  ) {
    listener.on("connection", (client) => {
      client.on("error", ignore);
      if (this.#isCut) this.#waiting.add(client);
      else this.#join(client);
    });
  }

  /** Listens on a free loopback port; the target need not be up. */
  static async to(targetPort: number): Promise<CuttableLink> {
    // A client that has said all it has to say may still read: each direction ends by itself.
    const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
    await once(listener, "listening");
    return new CuttableLink(listener, targetPort);
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  cut(): void {
    this.#isCut = true;
    for (const { client, target } of this.#passages) {
      client.unpipe(target).pause();
      target.unpipe(client).pause();
    }
  }

  mend(): void {
    this.#isCut = false;
    for (const passage of this.#passages) this.#open(passage);
    for (const client of this.#waiting) this.#join(client);
    this.#waiting.clear();
  }

  close(): void {
    this.listener.close();
    for (const { client, target } of this.#passages) [client, target].forEach((socket) => socket.destroy());
    for (const client of this.#waiting) client.destroy();
  }

  #join(client: Socket): void {
    const target = connect({ port: this.targetPort, host: "127.0.0.1", allowHalfOpen: true });
    const passage = { client, target };
    this.#passages.add(passage);
    // An end that closes while the link is cut is one that the other end does not hear of yet.
    const ended = (): void => {
      if (!this.#isCut) this.#drop(passage);
    };
    for (const socket of [client, target]) {
      socket.on("error", ended).on("close", () => {
        if (client.destroyed && target.destroyed) this.#passages.delete(passage);
      });
    }
    this.#open(passage);
  }

  #open(passage: Passage): void {
    const { client, target } = passage;
    if (client.destroyed || target.destroyed) {
      this.#drop(passage);
      return;
    }
    client.pipe(target);
    target.pipe(client);
  }

  #drop(passage: Passage): void {
    this.#passages.delete(passage);
    passage.client.destroy();
    passage.target.destroy();
  }
}

function ignore(): void {
  // Who connected may be gone before it is let through.
}
