import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { MAX_BODY_BYTES } from "../../src/http/body.js";
import { JSON_BOUNDS } from "../../src/http/json-bounds.js";
import {
  DEAR_TEXTS,
  DEAREST,
  DOCUMENT_CHARACTERS,
  LARGEST,
  LOG,
  request,
  REVIEWED,
  searching,
  times,
} from "./hostile-bodies.js";

/** How long one request may hold the event loop of a gateway on a machine that does nothing else. */
const MAX_HELD_MS = 200;
/** Of a machine that does other things the best of so many attempts counts. */
const ATTEMPTS = 3;
/** What requests of hundreds of megabytes may leave behind: code, caches of small documents, buffers of connections. */
const MAX_LEFT_BYTES = 64 * 2 ** 20;
/** The longest answer to a request that is refused. */
const MAX_REFUSAL_BYTES = 200_000;

let gateway: ChildProcess;
let url = "";
let idleBytes = 0;

beforeAll(async () => {
  gateway = fork(fileURLToPath(new URL("hostile-gateway.js", import.meta.url)), { execArgv: ["--expose-gc"] });
  url = (await told<{ readonly url: string }>()).url;
  idleBytes = await memory();
}, 60_000);

afterAll(async () => {
  gateway.disconnect();
  await once(gateway, "exit");
});

async function told<T>(): Promise<T> {
  const [message] = (await once(gateway, "message")) as [T];
  return message;
}

async function asked<T>(what: "begin" | "end" | "memory"): Promise<T> {
  const answer = told<T>();
  gateway.send(what);
  return answer;
}

/** What the gateway holds when all garbage is collected. */
async function memory(): Promise<number> {
  return (await asked<{ readonly bytes: number }>("memory")).bytes;
}

interface Hold {
  /** Milliseconds of an idle machine. */
  readonly heldMs: number;
  readonly status: number;
  readonly answer: string;
}

const ONE_ANSWER = "application/graphql-response+json";
const EVENTS = "text/event-stream";

async function hold(body: string, accept: string): Promise<Hold> {
  const before = await asked<{ readonly slowness: number }>("begin");
  const headers = { "content-type": "application/json", accept };
  const response = await fetch(`${url}/graphql`, { method: "POST", headers, body });
  const answer = await response.text();
  const { heldMs, slowness } = await asked<{ readonly heldMs: number; readonly slowness: number }>("end");
  return { heldMs: heldMs / Math.max(before.slowness, slowness), status: response.status, answer };
}

/** Begins a document with a comment of its own, or the gateway would know it from the attempt before. */
function fresh(body: string, attempt: number): string {
  return body.replace('{"query":"', `{"query":"#${attempt}\\n`);
}

/** The shortest hold of a few attempts; later ones are only made where the one before was too long. */
async function shortestHold(body: string, accept: string): Promise<Hold> {
  let best = await hold(fresh(body, 0), accept);
  for (let attempt = 1; attempt < ATTEMPTS && best.heldMs > MAX_HELD_MS; attempt++) {
    const next = await hold(fresh(body, attempt), accept);
    if (next.heldMs < best.heldMs) best = next;
  }
  return best;
}

async function expectHarmless(body: string, accept = ONE_ANSWER): Promise<string> {
  const { heldMs, status, answer } = await shortestHold(body, accept);
  expect(answer.includes("INTERNAL_SERVER_ERROR")).toBe(false);
  expect(status).toBeLessThan(500);
  if (status !== 200) expect(answer.length).toBeLessThan(MAX_REFUSAL_BYTES);
  expect(heldMs).toBeLessThan(MAX_HELD_MS);
  return answer;
}

describe("no request holds the event loop for longer than others can wait:", () => {
  test.each(REVIEWED)(
    "%s",
    async (_, body) => {
      await expectHarmless(body().slice(0, 2 * MAX_BODY_BYTES));
    },
    60_000,
  );

  test.each(REVIEWED)(
    "%s, for a stream",
    async (_, body) => {
      await expectHarmless(body().slice(0, 2 * MAX_BODY_BYTES), EVENTS);
    },
    60_000,
  );

  test("and the memory of all of these comes back", async () => {
    expect((await memory()) - idleBytes).toBeLessThan(MAX_LEFT_BYTES);
  });

  test.each(LARGEST)(
    "the most that is let in of %s",
    async (_, body) => {
      // What a bound refuses is no example of what is let in.
      expect(await expectHarmless(body())).not.toMatch(/PAYLOAD_TOO_LARGE|The document has/);
    },
    60_000,
  );

  test.each(DEAR_TEXTS)(
    "an event of %s, and a search that reads it",
    async (_, message) => {
      expect(await expectHarmless(request(LOG, { e: { message } }))).toMatch(/^{"data":{"log":/);
      expect(await expectHarmless(searching("é* -nothing"))).toMatch(/^{"data":{"search":/);
    },
    60_000,
  );

  test.each(DEAREST)(
    "a search for %s",
    async (_, body) => {
      expect(await expectHarmless(body())).toMatch(/^{"data":{"search":{"totalCount":\d+,/);
    },
    60_000,
  );

  const piece = fc.constantFrom(
    "#\n",
    ",",
    "hash ",
    "a:hash ",
    "@a ",
    "...F ",
    "...{hash} ",
    '"" ',
    "$a ",
    "[",
    "{a",
    "9",
    "é",
  );
  const document = fc
    .tuple(
      fc.constantFrom("{root{", "query(", "{entry(index:", "fragment F on AuditRoot{hash "),
      fc.array(piece, { minLength: 1, maxLength: 4 }),
    )
    .map(([head, pieces]) => {
      const unit = pieces.join("");
      return head + unit.repeat(Math.floor((DOCUMENT_CHARACTERS - head.length) / unit.length));
    });
  const value = fc.constantFrom("1", '"k"', "[]", "{}", '{"a":1}', "1e400", "0.1", '"\\ud800"', "null");
  const variables = fc.tuple(value, fc.boolean()).map(([item, isList]) => {
    const count = Math.floor(JSON_BOUNDS.values / (item.startsWith('{"') ? 3 : 2)) - 4;
    const inside = times(count, (i) => (isList ? item : `"k${i}":${item}`), ",");
    return `{"e":{"message":${isList ? `[${inside}]` : `{${inside}}`}}}`;
  });

  test("documents of any pieces, as long as they may be", async () => {
    await fc.assert(
      fc.asyncProperty(document, async (query) => {
        await expectHarmless(request(query));
      }),
      { numRuns: 12, endOnFailure: true },
    );
  }, 300_000);

  test("variables of any shape, with as many values as there may be", async () => {
    await fc.assert(
      fc.asyncProperty(variables, async (json) => {
        await expectHarmless(`{"query":${JSON.stringify(LOG)},"variables":${json}}`);
      }),
      { numRuns: 8, endOnFailure: true },
    );
  }, 300_000);
});
