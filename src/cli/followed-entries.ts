import type { TreeEntry } from "../audit/service.js";
import { isPlainObject } from "../core/json.js";
import {
  ApiError,
  apiErrorIn,
  causeOf,
  dataOf,
  MAX_ANSWER_BYTES,
  membersIn,
  posted,
  UnreachableError,
  type Gateway,
  type Members,
} from "./api.js";
import { entryIn } from "./entry-printer.js";
import { eventsIn } from "./event-stream.js";
import { CommandError } from "./output.js";

/** What is followed, and how long. */
export interface Following {
  readonly gateway: Gateway;
  readonly query: string;
  readonly log: string | undefined;
  readonly stop: AbortSignal;
  /** A gateway says every 12 s that it is there. After so long without a word, the connection is taken for lost. */
  readonly silentMs: number;
}

const FOLLOW = /* GraphQL */ `
  subscription Tail($query: String!, $log: ID, $from: AuditLeafIndex!) {
    entryLogged(query: $query, log: $log, fromLeafIndex: $from) {
      leafIndex
      hash
      canonical
    }
  }
`;

/**
 * The entries from an index on, over one connection. Throws UnreachableError when that is lost or ended, ApiError with what
 * the gateway says is wrong, CommandError on what is no answer, and whatever `stop` was aborted with.
 */
export async function* entriesFrom(from: number, following: Following): AsyncGenerator<TreeEntry> {
  const { gateway, query, log, stop } = following;
  const silence = new Silence(following.silentMs);
  try {
    const signal = AbortSignal.any([stop, silence.signal]);
    const operation = { query: FOLLOW, variables: { query, log, from }, signal };
    silence.begin();
    const response = await posted(gateway, operation, "text/event-stream").finally(() => {
      silence.end();
    });
    for await (const { name, data } of eventsIn(chunksOf(await streamIn(response, gateway), silence))) {
      if (name === "next") yield eventEntry(membersIn(data));
      if (name === "complete") break;
    }
  } catch (error) {
    stop.throwIfAborted();
    if (silence.signal.aborted)
      throw new UnreachableError(`${gateway.url.origin} was silent for ${following.silentMs / 1_000} s`);
    throw error;
  }
  throw new UnreachableError(`${gateway.url.origin} ended the stream`);
}

/** The body of an answer that is a stream. */
async function streamIn(response: Response, gateway: Gateway): Promise<AsyncIterable<Uint8Array>> {
  const { status, headers, body } = response;
  if (body !== null && headers.get("content-type")?.startsWith("text/event-stream") === true) return body;
  try {
    await dataOf(response, gateway, MAX_ANSWER_BYTES);
  } catch (error) {
    // A proxy says in its own words that the gateway is not there.
    if (status < 500 || error instanceof ApiError) throw error;
    throw new UnreachableError(`${gateway.url.origin} answered ${status}`);
  }
  throw new CommandError(`${gateway.url.href} answered without a stream`);
}

async function* chunksOf(body: AsyncIterable<Uint8Array>, silence: Silence): AsyncGenerator<Uint8Array> {
  try {
    silence.begin();
    for await (const chunk of body) {
      silence.end();
      yield chunk;
      silence.begin();
    }
  } catch (error) {
    throw new UnreachableError(`the stream broke off: ${causeOf(error)}`);
  } finally {
    silence.end();
  }
}

/** The entry of one event. A corrupt one is told by an error, and the stream goes on behind it. */
function eventEntry(event: Members): TreeEntry {
  const corrupt = corruptIndex(event);
  if (corrupt !== undefined) return { kind: "corrupt", leafIndex: corrupt };
  const refused = apiErrorIn(event);
  if (refused !== undefined) throw refused;
  const { data } = event;
  return entryIn(isPlainObject(data) ? data["entryLogged"] : undefined);
}

function corruptIndex({ errors }: Members): number | undefined {
  const error: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const extensions = isPlainObject(error) ? error["extensions"] : undefined;
  if (!isPlainObject(extensions) || extensions["code"] !== "ENTRY_CORRUPT") return undefined;
  const { leafIndex } = extensions;
  return typeof leafIndex === "number" ? leafIndex : undefined;
}

/** Gives up a connection that says nothing while it is waited for; a slow reader of the output is not its fault. */
class Silence {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly ms: number) {}

  begin(): void {
    this.#timer = setTimeout(() => {
      this.#controller.abort();
    }, this.ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
