import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { bulkId, parseBulkId } from "../../src/audit/bulk-id.js";

const spelled = (text: string): string => Buffer.from(text).toString("base64url");

describe("the id of a bulk request", () => {
  test("names the log and the key that it was made of, whatever they are", () => {
    const text = fc.string({ unit: "binary", minLength: 1, maxLength: 128 });
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 64 }), text, (log, idempotencyKey) => {
        expect(parseBulkId(bulkId(log, idempotencyKey))).toEqual({ kind: "key", log, idempotencyKey });
      }),
    );
  });

  test("of an earlier version names the log and a hash", () => {
    const digest = "0f".repeat(32);
    expect(parseBulkId(spelled(`BulkRequest:${digest}:default`))).toEqual({ kind: "digest", log: "default", digest });
  });

  test.each([
    ["nothing", ""],
    ["no base64", "%%%"],
    ["another node's", spelled("Entry:0:default")],
    ["no list", spelled('BulkRequest:key:{"0":"default","1":"k"}')],
    ["a list of something else", spelled('BulkRequest:key:["default",1]')],
    ["another spelling of a list", spelled('BulkRequest:key:["default", "k"]')],
    ["a short hash", spelled("BulkRequest:0f:default")],
    ["padded", `${bulkId("default", "k")}=`],
    ["longer than any", bulkId("default", "k".repeat(10_000))],
  ])("is none of ours: %s", (_, id) => {
    expect(parseBulkId(id)).toBeUndefined();
  });
});
