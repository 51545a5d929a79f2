const TYPE_BYTES = 1;
const LENGTH_BYTES = 4;

/**
 * Reads what a client says to PostgreSQL, and knows a commit when it sees one: the command, or the Sync that ends an append
 * outside of a transaction. PostgreSQL manual, "Message Formats".
 */
export class FrontendMessages {
  #unread = Buffer.alloc(0);
  #isStarted = false;
  #isInTransaction = false;
  #isAppending = false;

  /** Whether the chunk completes a commit. */
  read(chunk: Buffer): boolean {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    let isCommit = false;
    for (let message = this.#next(); message !== undefined; message = this.#next()) {
      isCommit = this.#commits(message) || isCommit;
    }
    return isCommit;
  }

  /** The next whole message; the first one of a connection has no type. */
  #next(): { readonly type: string; readonly body: Buffer } | undefined {
    const typeBytes = this.#isStarted ? TYPE_BYTES : 0;
    if (this.#unread.length < typeBytes + LENGTH_BYTES) return undefined;
    const end = typeBytes + this.#unread.readUInt32BE(typeBytes);
    if (this.#unread.length < end) return undefined;
    const type = this.#unread.toString("latin1", 0, typeBytes);
    const body = this.#unread.subarray(typeBytes + LENGTH_BYTES, end);
    this.#unread = this.#unread.subarray(end);
    this.#isStarted = true;
    return { type, body };
  }

  #commits({ type, body }: { readonly type: string; readonly body: Buffer }): boolean {
    if (type === "Q") return this.#commitsByCommand(body.toString("latin1"));
    // Bind: the portal's name, which is empty, and the statement's.
    if (type === "B") this.#isAppending = body.toString("latin1", 0, 8) === "\0append\0";
    return type === "S" && this.#isAppending && !this.#isInTransaction;
  }

  #commitsByCommand(command: string): boolean {
    this.#isAppending = false;
    this.#isInTransaction = command.startsWith("BEGIN");
    return command.startsWith("COMMIT");
  }
}
