import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { verifyResponse, type GatewayResponse } from "../../src/core/verify-response.js";
import { trustVerifierKey, type TrustedLog } from "../../src/core/verify.js";
import { realResponses, type RealCase, type RealResponse } from "./real-responses.js";

let cases: readonly RealCase[] = [];

beforeAll(async () => {
  cases = await realResponses();
}, 60_000);

function given(response: RealResponse): GatewayResponse {
  return response.kind === "download" ? { ...response, download: Buffer.from(response.download) } : response;
}

function logOf({ verifierKey, format }: Pick<RealCase, "verifierKey" | "format">): TrustedLog {
  return trustVerifierKey(verifierKey, format);
}

/** Each check as `entries[0] membership INVALID PROOF_LENGTH`. */
async function linesOf(one: RealCase, response = given(one.response), known?: RealCase["known"]): Promise<string[]> {
  const lines: string[] = [];
  for await (const { of, check, verdict } of verifyResponse(logOf(one), response, known))
    lines.push(`${of} ${check} ${verdict.kind}${verdict.kind === "VALID" ? "" : ` ${verdict.reason}`}`);
  return lines;
}

function ofKind<Kind extends RealResponse["kind"]>(kind: Kind): RealCase & { response: { kind: Kind } } {
  const found = cases.find(({ response }) => response.kind === kind);
  if (found === undefined) throw new Error(`no response is a ${kind}`);
  return found as RealCase & { response: { kind: Kind } };
}

describe("what a gateway returned", () => {
  test("has nothing INVALID in any log, and covers each kind of response", async () => {
    expect(new Set(cases.map(({ response }) => response.kind)).size).toBe(6);
    for (const one of cases) {
      const lines = await linesOf(one);
      expect([one.response, lines.filter((line) => line.includes("INVALID"))]).toEqual([one.response, []]);
      expect(lines.filter((line) => line.includes("checkpoint VALID")).length).toBeGreaterThan(0);
    }
  });

  test("is checked entry by entry, with the root beside it", async () => {
    expect(await linesOf(ofKind("receipt"))).toEqual([
      ...Array.from({ length: 4 }, (_, i) => [
        ...[`entries[${i}] hash VALID`, `entries[${i}] signature UNKNOWN NO_SIGNATURE`],
        ...[`entries[${i}] membership VALID`, `entries[${i}] checkpoint VALID`],
      ]).flat(),
      ...["roots[0] checkpoint VALID", "roots[0] consistency UNKNOWN NO_PROOF"],
    ]);
    expect(await linesOf(ofKind("roots"))).toEqual([
      ...["roots[0] checkpoint VALID", "roots[0] consistency UNKNOWN NO_PROOF"],
      ...["roots[1] checkpoint VALID", "roots[1] consistency VALID"],
    ]);
  });

  test("is of the history that the caller remembers, or is refused", async () => {
    const one = ofKind("root");
    const { known } = one;
    expect(await linesOf(one, given(one.response), known)).toContain("roots[0] consistency VALID");
    const other = { ...known, hash: "0".repeat(64) };
    expect(await linesOf(one, given(one.response), other)).toContain("roots[0] consistency INVALID OLD_ROOT_MISMATCH");
  });

  test.each(["VALID", "INVALID OLD_ROOT_MISMATCH"])(
    "needs no proof at the size that the caller remembers: %s",
    async (verdict) => {
      const one = ofKind("roots");
      const root = one.response.older;
      const known = verdict === "VALID" ? one.known : { ...one.known, hash: "0".repeat(64) };
      expect(await linesOf(one, { kind: "root", root }, known)).toEqual([
        "roots[0] checkpoint VALID",
        `roots[0] consistency ${verdict}`,
      ]);
    },
  );

  test("of which something was left out is not taken for something smaller", async () => {
    const one = ofKind("page");
    const nothing = [
      "hash INVALID NOT_CANONICAL",
      "signature UNKNOWN NOT_CANONICAL",
      "membership UNKNOWN NO_PROOF",
      "checkpoint UNKNOWN NO_PROOF",
    ];
    const empty = [
      ...nothing.map((line) => `entries[0] ${line}`),
      ...["roots[0] checkpoint UNKNOWN NO_PROOF", "roots[0] consistency UNKNOWN NO_PROOF"],
    ];
    for (const page of [
      null,
      {},
      { edges: null },
      { edges: {} },
      { edges: [null] },
      { edges: [{ node: null }] },
      { nodes: 7 },
    ])
      expect(await linesOf(one, { kind: "page", page })).toEqual(empty);
    expect(await linesOf(one, { kind: "receipt", receipt: null })).toEqual(empty);
    expect(await linesOf(one, { kind: "entry", entry: [] })).toEqual(empty);
    expect(await linesOf(one, { kind: "roots", older: null, newer: null })).toEqual(
      [0, 1].flatMap((i) => [`roots[${i}] checkpoint UNKNOWN NO_PROOF`, `roots[${i}] consistency UNKNOWN NO_PROOF`]),
    );
  });

  test("is no evidence of another log, nor when it breaks off; it says why", async () => {
    const one = ofKind("download");
    const text = one.response.download;
    const wrong = [
      text.slice(0, -9),
      text.replace(one.format, "pangea"),
      text.replace("test.example", "other.example"),
      "{}",
      "[]",
      "",
    ];
    for (const file of wrong) {
      const checks = [];
      for await (const check of verifyResponse(logOf(one), { kind: "download", download: Buffer.from(file) }))
        checks.push(check);
      const verdict = { kind: "INVALID", reason: "MALFORMED_EVIDENCE" };
      expect(checks.at(-1)).toEqual({
        of: "download",
        check: "evidence",
        verdict,
        explanation: expect.any(String) as unknown,
      });
    }
  });

  test("is of the log whose key is trusted where a download does not say of which", async () => {
    const one = ofKind("download");
    const text = one.response.download.replace(/"origin":"[^"]*"/, '"origin":null');
    expect(await linesOf(one, { kind: "download", download: Buffer.from(text) })).toEqual(await linesOf(one));
  });

  test("of a download of 10,000 entries is checked as it comes, not kept", async () => {
    const one = ofKind("download");
    const text = one.response.download;
    const document = JSON.parse(text) as { entries: readonly object[] };
    const head = JSON.stringify({ ...document, entries: "lines" });
    let [sent, checked, ahead] = [0, 0, 0];
    const chunks = async function* () {
      yield Buffer.from(`${head}\n`);
      for (; sent < 10_000; sent++) yield Buffer.from(`${JSON.stringify(document.entries[0])}\n`);
      yield Buffer.from(`{"end":10000}\n`);
    };
    for await (const { of, verdict } of verifyResponse(logOf(one), { kind: "download", download: chunks() })) {
      if (of.startsWith("entries") && verdict.kind === "VALID") checked++;
      ahead = Math.max(ahead, sent - checked);
    }
    expect([checked >= 30_000, ahead < 10]).toEqual([true, true]);
  }, 120_000);

  test("never makes it throw, whatever it is", async () => {
    const one = ofKind("page");
    const log = logOf(one);
    const name = fc.constantFrom(
      ...["root", "edges", "nodes", "node", "entry", "entries", "receipts", "membershipProof", "consistencyProof"],
      ...[
        "leafIndex",
        "treeSize",
        "hash",
        "canonical",
        "checkpoint",
        "path",
        "text",
        "leafHash",
        "rootHash",
        "fromSize",
        "__proto__",
      ],
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.jsonValue(),
        fc.anything(),
        tie("members"),
        fc.array(tie("value"), { maxLength: 3 }),
      ),
      members: fc.dictionary(name, tie("value"), { maxKeys: 8 }),
    }));
    const response = fc.oneof(
      ...["entry", "page", "receipt", "root"].map((kind) => value.map((member) => ({ kind, [kind]: member }))),
      fc.tuple(value, value).map(([older, newer]) => ({ kind: "roots", older, newer })),
      fc
        .oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        )
        .map((download) => ({ kind: "download", download })),
    ) as fc.Arbitrary<GatewayResponse>;
    const known = fc.option(fc.record({ treeSize: fc.nat(9), hash: fc.constant("0".repeat(64)) }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(response, known, async (hostile, root) => {
        let checks = 0;
        for await (const { verdict } of verifyResponse(log, hostile, root)) checks += verdict.kind === "VALID" ? 0 : 1;
        expect(checks).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  }, 120_000);
});
