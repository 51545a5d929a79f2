import { CommandError } from "./output.js";

/** Of one event: an entry may have a mebibyte, which JSON may escape twice. */
const MAX_EVENT_CHARACTERS = 32 * 2 ** 20;

/** A server-sent event (HTML standard, section 9.2). */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/**
 * The events of a stream, as they come; comments, which keep it alive, are passed over, and so is an event that it breaks off in.
 * Throws CommandError on an event that is too large.
 */
export async function* eventsIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  let [name, data, length] = ["message", new Array<string>(), 0];
  for await (const line of linesIn(chunks)) {
    if (line === "") {
      if (data.length > 0) yield { name, data: data.join("\n") };
      [name, data, length] = ["message", [], 0];
      continue;
    }
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") name = value;
    if (field === "data") data.push(value);
    length = bounded(length + value.length);
  }
}

async function* linesIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let [pieces, length] = [new Array<string>(), 0];
  for await (const chunk of chunks) {
    const [first = "", ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    pieces.push(first);
    length += first.length;
    for (const next of others) {
      yield pieces.join("").replace(/\r$/, "");
      [pieces, length] = [[next], next.length];
    }
    bounded(length);
  }
}

function bounded(length: number): number {
  if (length <= MAX_EVENT_CHARACTERS) return length;
  throw new CommandError(`an event has more than ${MAX_EVENT_CHARACTERS} characters`);
}
