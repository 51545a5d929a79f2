/** How many clients of WebSockets may be open at once that have not said who they are. */
export const MAX_STRANGERS = 64;

/**
 * Clients that have not said who they are, which costs nothing: few, and apart from the places of those that have. Where
 * there are too many the oldest gives way, of the address that has the most: who floods a gateway turns itself out, and
 * clients that come through one proxy still have all places.
 */
export class Strangers<Client> {
  /** The oldest first. */
  readonly #addresses = new Map<Client, string>();

  /** Returns the one that has to go, if any. */
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
