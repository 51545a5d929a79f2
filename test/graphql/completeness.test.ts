import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AuditService } from "../../src/audit/service.js";
import { serviceOf } from "../../src/audit/backend.js";
import { base64, digestBytes, parseBase64, utf8, type Digest } from "../../src/core/bytes.js";
import { logFormat } from "../../src/core/format.js";
import { readRecord } from "../../src/core/segment/index-log.js";
import { readQuestion, questionText } from "../../src/core/segment/question.js";
import { isInTree } from "../../src/core/segment/verify-answer.js";
import { trustVerifierKey, type TrustedLog } from "../../src/core/verify.js";
import { verifyCompleteness, type CompletenessClaim, type ShownAnswer } from "../../src/core/verify-completeness.js";
import { openMemory } from "../../src/stores/memory/open.js";
import { gatewayOver, growTo } from "../engine/search/completeness-contract.js";
import { BUILD_MS } from "../engine/search/segment-indexes.js";
import { testGateway, type TestGateway } from "./gateway.js";

const SIZE = 4_096 + 700;
const PROOF =
  "question proof upTo tailSize root { checkpoint treeSize } index { treeSize rootHash checkpoint } verdict { status reason }";
const PAGE = `resultId totalCount pageInfo { startCursor endCursor } edges { node { leafIndex } } root { index { treeSize rootHash checkpoint } }`;

interface Completeness extends CompletenessClaim {
  readonly upTo: number;
  readonly tailSize: number;
  readonly verdict: { readonly status: string };
  readonly index: { readonly treeSize: number; readonly rootHash: string; readonly checkpoint: string };
}

interface Page {
  readonly resultId: string;
  readonly totalCount: number;
  readonly pageInfo: { readonly startCursor: string; readonly endCursor: string };
  readonly edges: readonly { readonly node: { readonly leafIndex: number } }[];
  readonly root: { readonly index: unknown };
  readonly page: Completeness;
  readonly count: Completeness;
}

let gateway: TestGateway;
let log: TrustedLog;
let closeIndex: () => Promise<void>;
beforeAll(async () => {
  const { service, index } = await gatewayOver(openMemory());
  closeIndex = () => index.close();
  gateway = await testGateway(service);
  await growTo(service, SIZE);
  while ((await index.indexedSize("default")) < 4_096) await sleep(20);
  log = trustVerifierKey((await service.identity("default")).verifierKey, "rfc6962");
}, BUILD_MS);
afterAll(async () => {
  await gateway.close();
  await closeIndex();
});

async function search(args: string, of = "page: completeness { " + PROOF + " }"): Promise<Page> {
  const { data, errors } = await gateway.text(`{ search(${args}) { ${PAGE} ${of} } }`);
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data?.["search"] as Page;
}

const shown = ({ edges }: Page): ShownAnswer => ({ leafIndexes: edges.map(({ node }) => node.leafIndex) });
const verdict = (claim: CompletenessClaim, answer: ShownAnswer): string => {
  const { completeness, checkpoint, indexCheckpoint } = verifyCompleteness(log, claim, answer);
  expect([checkpoint.kind, indexCheckpoint.kind]).toEqual(["VALID", "VALID"]);
  return completeness.kind === "VALID" ? "VALID" : completeness.reason;
};

describe("completeness", () => {
  test("of a page and of its count is verified from what the API returns, and the log's key, alone", async () => {
    const both = `page: completeness { ${PROOF} } count: completeness(of: TOTAL_COUNT) { ${PROOF} }`;
    const first = await search('query: "rarely", first: 3', both);
    expect(first.page).toMatchObject({ upTo: 18 * 256, tailSize: SIZE - 18 * 256, verdict: { status: "VALID" } });
    expect(first.count.verdict.status).toBe("VALID");
    expect(first.page.index).toEqual(first.root.index);
    expect(verdict(first.page, shown(first))).toBe("VALID");
    expect(verdict(first.count, { totalCount: first.totalCount })).toBe("VALID");
    const next = await search(`query: "rarely", first: 3, after: "${first.pageInfo.endCursor}"`);
    expect(readQuestion(next.page.question)).toMatchObject({
      after: first.edges.at(-1)?.node.leafIndex,
      descending: true,
    });
    expect(verdict(next.page, shown(next))).toBe("VALID");
    const back = await search(`query: "rarely", last: 2, before: "${next.pageInfo.startCursor}"`);
    expect(readQuestion(back.page.question)).toMatchObject({ after: next.edges[0]?.node.leafIndex, descending: false });
    expect(verdict(back.page, shown(back))).toBe("VALID");
    const none = await search('query: "nowhere", restriction: { tenantId: ["tenant1"] }, window: { last: "1h" }');
    expect(verdict(none.page, { leafIndexes: [] })).toBe("VALID");
  });

  test("is refused with its reason when the answer, the question, the proof or a root is another", async () => {
    const found = await search('query: "status:failed", first: 9');
    const old = await search('query: "rarely", first: 9');
    const { leafIndexes } = shown(found) as { leafIndexes: readonly number[] };
    expect(verdict(found.page, { leafIndexes: leafIndexes.filter((_, at) => at !== 4) })).toBe("RANGE_MISMATCH");
    expect(verdict(found.page, { leafIndexes: leafIndexes.map((leaf) => leaf - 1) })).toBe("ANSWER_MISMATCH");
    expect(verdict(found.page, { totalCount: 9 })).toBe("ANSWER_MISMATCH");
    const question = readQuestion(found.page.question);
    if (question === undefined) throw new Error("no question");
    const other = { ...question, filter: { kind: "exact", field: "status", value: "ok" } } as const;
    expect(verdict({ ...found.page, question: questionText(other) }, shown(found))).not.toBe("VALID");
    expect(verdict({ ...found.page, question: ` ${found.page.question}` }, shown(found))).toBe("MALFORMED_QUESTION");
    const bytes = parseBase64(found.page.proof) ?? new Uint8Array();
    for (const at of [3, bytes.length >> 1, bytes.length - 1]) {
      const changed = bytes.map((byte, place) => (place === at ? byte ^ 1 : byte));
      expect(verdict({ ...found.page, proof: base64(changed) }, shown(found))).not.toBe("VALID");
    }
    const earlier = await gateway.service.indexRoot("default", 17 * 256);
    expect(verdict({ ...old.page, index: earlier }, shown(old))).toBe("ENTRY_MISMATCH");
    const lacking = { question: old.page.question, proof: old.page.proof };
    expect(verifyCompleteness(log, lacking, shown(old)).completeness).toEqual({ kind: "UNKNOWN", reason: "NO_PROOF" });
    const swapped = verifyCompleteness(log, { ...old.page, index: old.page.root }, shown(old));
    expect(swapped.indexCheckpoint).toEqual({ kind: "INVALID", reason: "UNKNOWN_KEY" });
  });

  test("is proven four times in a request, and no more", async () => {
    const proofs = Array.from({ length: 6 }, (_, place) => `p${place}: completeness { upTo }`).join(" ");
    const { data, errors } = await gateway.text(`{ search(query: "rarely", first: 1) { ${proofs} } }`);
    const shown = Object.values(data?.["search"] as Record<string, unknown>);
    expect(shown.map((proof) => proof !== null)).toEqual([true, true, true, true, false, false]);
    expect(errors?.map(({ message }) => message)).toEqual(
      Array.from({ length: 2 }, () => "One request may ask for at most 4 proofs of completeness."),
    );
  });

  test("is refused, and the page is there, for times that no question can name", async () => {
    const { data, errors } = await gateway.text(
      `{ search(query: "timestamp<=9999-12-31", first: 1) { totalCount completeness { proof } } }`,
    );
    expect(data).toMatchObject({ search: { completeness: null } });
    expect(errors?.map(({ extensions }) => extensions["code"])).toEqual(["BAD_USER_INPUT"]);
  });

  test("is null with an error for a page in the order of a field, whose count is proven", async () => {
    const order = "first: 2, orderBy: { field: ACTOR }";
    const { data, errors } = await gateway.text(
      `{ search(${order}) { totalCount edges { node { leafIndex } } page: completeness { ${PROOF} } count: completeness(of: TOTAL_COUNT) { ${PROOF} } } }`,
    );
    const page = data?.["search"] as Page;
    expect(page.page).toBeNull();
    expect(page.edges).toHaveLength(2);
    expect(errors).toMatchObject([{ path: ["search", "page"], extensions: { code: "BAD_USER_INPUT" } }]);
    expect(verdict(page.count, { totalCount: page.totalCount })).toBe("VALID");
  });
});

test("completeness is UNSUPPORTED where the service behind the gateway has no proofs of it, and the page is there", async () => {
  const { service } = gateway;
  const bare: AuditService = serviceOf({
    ...{ name: "The hosted audit service", identity: (...asked) => service.identity(...asked) },
    ...{ close: () => Promise.resolve(), reading: service, searching: service, proving: service },
  });
  const other = await testGateway(bare);
  const { data, errors } = await other.text(
    `{ search(first: 2) { edges { node { leafIndex } } completeness { proof } root { treeSize index { treeSize } } } }`,
  );
  await other.close();
  expect(data).toMatchObject({ search: { completeness: null, root: { treeSize: SIZE, index: null } } });
  expect(errors?.map(({ extensions }) => extensions["code"])).toEqual(["UNSUPPORTED", "UNSUPPORTED"]);
});

describe("records of the index", () => {
  const RECORDS = "index { treeSize rootHash records(FROM) { from texts path } }";
  interface Page {
    readonly from: number;
    readonly texts: readonly string[];
    readonly path: readonly string[];
  }
  async function records(
    args: string,
  ): Promise<{ readonly treeSize: number; readonly rootHash: string; readonly records: Page }> {
    const { data, errors } = await gateway.text(`{ root { ${RECORDS.replace("(FROM)", args)} } }`);
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    return (data?.["root"] as { index: { treeSize: number; rootHash: string; records: Page } }).index;
  }

  test("are those that it names, proven under its root: some, all, and none behind the last", async () => {
    for (const [args, from, count] of [
      ["", 0, 18],
      ["(first: 1000)", 0, 18],
      ["(from: 5, first: 3)", 5, 3],
      ["(from: 17)", 17, 1],
      ["(from: 18)", 18, 0],
    ] as const) {
      const { treeSize, rootHash, records: page } = await records(args);
      expect([treeSize, page.from, page.texts.length]).toEqual([18, from, count]);
      const leaves = page.texts.map((text, place) => ({ index: from + place, bytes: utf8(text) }));
      const proven = { leaves, hashes: page.path.map((hash) => digestBytes(hash as Digest)) };
      expect(isInTree(proven, { treeSize, rootHash: digestBytes(rootHash as Digest) }, logFormat("rfc6962"))).toBe(
        true,
      );
      for (const [place, text] of page.texts.entries()) expect(readRecord(from + place, utf8(text))).toBeDefined();
    }
  });

  test.each(["(from: 19)", "(first: 0)", "(first: 1001)"])(
    "are refused for %s, and the root is shown",
    async (args) => {
      const { data, errors } = await gateway.text(`{ root { treeSize ${RECORDS.replace("(FROM)", args)} } }`);
      expect(errors?.map(({ extensions }) => extensions["code"])).toEqual(["BAD_USER_INPUT"]);
      expect(data).toMatchObject({ root: { treeSize: SIZE, index: { treeSize: 18, records: null } } });
    },
  );

  test("are refused where the index is not as large here, or another", async () => {
    const index = await gateway.service.indexRoot("default", SIZE);
    const asked = (root: typeof index): Promise<unknown> => gateway.service.indexRecords({ root, from: 0, count: 1 });
    await expect(asked({ ...index, treeSize: 19 })).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(asked({ ...index, treeSize: 17 })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
