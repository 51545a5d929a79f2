import { createHash } from "node:crypto";
import type { FormattedExecutionResult, GraphQLFormattedError, OperationDefinitionNode } from "graphql";
import type { OperationObserver } from "./operation-observer.js";

/** Reports a subscription to the observer, as Apollo reports other operations. */
export class StreamRecord {
  #hash: string | undefined;

  constructor(private readonly observer: OperationObserver) {}

  document(text: string): void {
    this.#hash = createHash("sha256").update(text).digest("hex");
  }

  operation({ name, operation }: OperationDefinitionNode): void {
    this.observer.resolved({ name: name?.value, type: operation });
  }

  refused(errors: readonly GraphQLFormattedError[]): void {
    this.observer.answered(codeOf(errors), this.#hash);
  }

  /** Passes the events through and counts them. */
  async *watched(events: AsyncIterable<FormattedExecutionResult>): AsyncGenerator<FormattedExecutionResult, void> {
    let code = "OK";
    let count = 0;
    try {
      for await (const event of events) {
        if (code === "OK") code = codeOf(event.errors);
        if (event.data !== undefined) count++;
        yield event;
      }
    } finally {
      this.observer.answered(code, this.#hash, count);
    }
  }
}

/** `OK`, or the code of the first error. */
function codeOf([error]: readonly GraphQLFormattedError[] = []): string {
  return error === undefined ? "OK" : String(error.extensions?.["code"]);
}
