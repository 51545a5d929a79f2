/** The maximum number of open WebSockets whose clients have not authenticated yet. */
export const MAX_STRANGERS = 64;

/**
 * Clients that have not authenticated yet, which costs them nothing: few, and separate from the places of those that
 * have. When there are too many, the oldest connection of the address with the most connections is closed: a flood
 * displaces only itself, and clients behind one proxy keep all their places.
 */
export class Strangers<Client> {
  /** Oldest first. */
  readonly #addresses = new Map<Client, string>();

  /** Returns the client to close, if any. */
  add(client: Client, address: string): Client | undefined {
    this.#addresses.set(client, address);
    if (this.#addresses.size <= MAX_STRANGERS) return undefined;
    const oldest = this.#oldest();
    if (oldest !== undefined) this.#addresses.delete(oldest);
    return oldest;
  }

  delete(client: Client): void {
    this.#addresses.delete(client);
  }

  #oldest(): Client | undefined {
    const byAddress = new Map<string, Client[]>();
    for (const [client, address] of this.#addresses) {
      const clients = byAddress.get(address) ?? [];
      clients.push(client);
      byAddress.set(address, clients);
    }
    const groups = [...byAddress.values()].sort((some, others) => others.length - some.length);
    return groups[0]?.[0];
  }
}
