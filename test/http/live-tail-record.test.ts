import { describe, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { TrustedDocuments } from "../../src/graphql/trusted-documents.js";
import { fill } from "../engine/test-log.js";
import { parsed } from "../operations/samples.js";
import { keptLines } from "./kept-lines.js";
import { transports } from "./tail-clients.js";
import { indexesOf, nextOf, tailTest, take } from "./tail-test.js";

const tails = tailTest();
const NAMED = "subscription Tail { entryLogged(fromLeafIndex: 0) { leafIndex } }";

describe.each(transports)("a live tail over %s", (transport) => {
  test("leaves one line when it has ended, and counts among the operations", async () => {
    const { logger, lines } = keptLines();
    await fill(tails.service, 3);
    const gateway = await tails.opened({ logger });
    const stream = tails.client(transport, gateway).iterate({ query: NAMED });
    for (let at = 0; at < 3; at++) await nextOf(stream);
    expect(lines()).toEqual([]);
    await stream.return?.();
    for (let waitedMs = 0; lines().length === 0 && waitedMs < 2_000; waitedMs += 10)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(lines()).toMatchObject([
      {
        ...{ operation: "Tail", type: "subscription", code: "OK", events: 3 },
        ...{ credential: "loopback", requestId: expect.stringMatching(/^[0-9a-f-]{36}$/), ms: expect.any(Number) },
      },
    ]);
    const metrics = parsed(await (await fetch(`${gateway.url}/metrics`)).text());
    const counted = 'auditql_operation_duration_seconds_count{operation="Tail",type="subscription",code="OK"}';
    expect(metrics[counted]).toBe(1);
  });

  test("that is refused leaves a line with its code, and nothing of what was asked", async () => {
    const { logger, lines, text } = keptLines();
    const gateway = await tails.opened({ logger });
    const asked = 'subscription { entryLogged(query: "hunter2 (") { leafIndex } }';
    await take(tails.client(transport, gateway).iterate({ query: asked })).catch(() => undefined);
    expect(lines()).toMatchObject([{ type: "subscription", code: "BAD_USER_INPUT", credential: "loopback" }]);
    expect(text()).not.toContain("hunter2");
  });
});

describe.each(transports)("with trusted documents, a live tail over %s", (transport) => {
  const hash = createHash("sha256").update(NAMED).digest("hex");
  const trusting = () => tails.opened({ trusted: TrustedDocuments.parse({ [hash]: NAMED }) });

  test.each([
    ["by its text", { query: NAMED }],
    ["by its hash", { query: "", extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }],
    ["by its id", { query: "", documentId: `sha256:${hash}` }],
  ])("is opened %s", async (_how, operation) => {
    await fill(tails.service, 2);
    const stream = tails.client(transport, await trusting()).iterate(operation);
    expect(indexesOf(await take(stream, 2))).toEqual([0, 1]);
  });

  test.each([
    ["a text that is not among them", { query: NAMED.replace("Tail", "Other") }],
    ["a hash that is not among them", { query: "", extensions: { persistedQuery: { sha256Hash: "0".repeat(64) } } }],
    ["no document", { query: "" }],
  ])("is refused by %s", async (_how, operation) => {
    const stream = tails.client(transport, await trusting()).iterate(operation);
    const refused = await take(stream).then(JSON.stringify, JSON.stringify);
    expect(refused).toContain("UNTRUSTED_DOCUMENT");
  });
});

test("a live tail is opened by the id of a trusted document alone, in a body or in a URL", async () => {
  await fill(tails.service, 1);
  const documentId = createHash("sha256").update(NAMED).digest("hex");
  const { url } = await tails.opened({ trusted: TrustedDocuments.parse({ [documentId]: NAMED }) });
  const headers = { accept: "text/event-stream", "content-type": "application/json", "apollo-require-preflight": "1" };
  const extensions = JSON.stringify({ persistedQuery: { sha256Hash: documentId } });
  const requests = [
    new Request(`${url}/graphql`, { method: "POST", headers, body: JSON.stringify({ documentId }) }),
    new Request(`${url}/graphql?documentId=${documentId}`, { headers }),
    new Request(`${url}/graphql?extensions=${encodeURIComponent(extensions)}`, { headers }),
  ];
  for (const request of requests) {
    const { body } = await fetch(request);
    const reader = (body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("leafIndex") && !text.includes("errors")) text += (await reader.read()).value ?? "";
    expect(text).toContain('{"data":{"entryLogged":{"leafIndex":0}}}');
    await reader.cancel();
  }
});

test("a live tail that names a document is refused where there are no trusted ones, and told what to send", async () => {
  const { url } = await tails.opened();
  const headers = { accept: "text/event-stream", "content-type": "application/json" };
  const answer = await fetch(`${url}/graphql`, { method: "POST", headers, body: '{"documentId":"x"}' });
  expect(await answer.text()).toContain("query: expected the text of a GraphQL document, got none");
});
