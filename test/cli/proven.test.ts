import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type GatewayProcess, gatewayFolder, graphqlData, removeFolder, startGateway } from "../gateway.js";
import { MAIN } from "../gateway.js";
import { describeWith } from "../service.js";
import { ended, HAS_PYTHON, verified, verifiedByPython, type Ended } from "./verifiers.js";

// Each test waits for several processes, which a busy machine starts slowly.
jest.setTimeout(600_000);

const LOG = /* GraphQL */ `
  mutation Log($events: [AuditEventInput!]!) {
    logBulk(events: $events) {
      root {
        publicKey
      }
    }
  }
`;

interface Logged {
  readonly logBulk: { readonly root: { readonly publicKey: string } };
}

interface Proof {
  readonly question: string;
  readonly proof: string;
}

/** A line of a file, as its first one and the entries are. */
type Head = Readonly<Record<string, unknown>> & { readonly completeness: readonly Proof[] };

describe("evidence with proofs that nothing is missing", () => {
  const folder = gatewayFolder();
  let gateway: GatewayProcess;
  let key = "";
  beforeAll(async () => {
    gateway = await startGateway({ folder });
    for (let start = 0; start < 1_400; start += 700) {
      const events = Array.from({ length: 700 }, (_, i) => ({
        message: `event ${start + i}`,
        status: (start + i) % 7 === 0 ? "failed" : "ok",
      }));
      key = (await graphqlData<Logged>(gateway.url, LOG, { events })).logBulk.root.publicKey;
    }
  }, 120_000);
  afterAll(async () => {
    await gateway.stop();
    removeFolder(folder);
  });

  const save = (...args: readonly string[]): Promise<Ended> =>
    ended([process.execPath, MAIN, "save", "--key", key, "--url", `${gateway.url}/graphql`, "--prove", ...args]);

  async function saved(
    ...args: readonly string[]
  ): Promise<{ readonly head: Head; readonly entries: readonly string[] }> {
    const { status, stdout, stderr } = await save(...args);
    if (status !== 0) throw new Error(stderr);
    const [head = "", ...lines] = stdout.trimEnd().split("\n");
    return { head: JSON.parse(head) as Head, entries: lines.slice(0, -1) };
  }

  const fileOf = (head: object, entries: readonly string[]): string =>
    [JSON.stringify(head), ...entries, `{"end":${entries.length}}`, ""].join("\n");
  const check = (head: object, entries: readonly string[]) => verified(fileOf(head, entries), { key });

  test("is saved and verified, with the question in words", async () => {
    const { head, entries } = await saved("--query", "status:failed");
    const { code, lines, note } = await check(head, entries);
    expect([code, entries.length]).toEqual([0, 200]);
    expect(lines.slice(-5)).toEqual([
      "completeness[0] checkpoint VALID",
      "completeness[0] indexCheckpoint VALID",
      "completeness[0] completeness VALID",
      "completeness[0] entries VALID",
      "completeness[0] question VALID",
    ]);
    expect(note).toContain(
      "completeness[0] proves: status:failed, oldest first, all there are, of the first 1400 of the log",
    );
  });

  test("is one proof behind the other where there are more entries than a page has", async () => {
    const { head, entries } = await saved();
    expect([head.completeness.length, entries.length]).toEqual([2, 1_400]);
    const { code, lines, note } = await check(head, entries);
    expect([code, lines.at(-2)]).toEqual([0, "completeness[1] continuation VALID"]);
    expect(note).toContain('completeness[1] proves: "", oldest first, behind entry 999, all there are');
    const [first, second] = head.completeness;
    const swapped = await check({ ...head, completeness: [second, first] }, entries);
    expect([swapped.code, swapped.lines.some((line) => line.includes("INVALID"))]).toEqual([1, true]);
    const twice = await check({ ...head, completeness: [first, first, second] }, entries);
    expect(twice.lines).toContain("completeness[1] continuation INVALID QUESTION_MISMATCH");
  });

  test("does not hold when an entry is left out, the proof or the question is changed, or another search is claimed", async () => {
    const { head, entries } = await saved("--query", "status:failed");
    const reasons = async (changed: object, lines = entries): Promise<readonly string[]> => {
      const { code, lines: found } = await check({ ...head, ...changed }, lines);
      expect(code).toBe(1);
      return found.filter((line) => line.includes("INVALID"));
    };
    expect(await reasons({}, entries.toSpliced(100, 1))).toEqual([
      "completeness[0] completeness INVALID ANSWER_MISMATCH",
    ]);
    expect(await reasons({}, [])).toEqual(["completeness[0] completeness INVALID ANSWER_MISMATCH"]);
    expect(await reasons({ search: { query: "status:ok" } })).toEqual([
      "completeness[0] question INVALID QUESTION_MISMATCH",
    ]);
    const [proof] = head.completeness;
    if (proof === undefined) throw new Error("no proof");
    const asked = { ...proof, question: proof.question.replace("failed", "failing") };
    expect(await reasons({ completeness: [asked] })).toEqual([
      "completeness[0] completeness INVALID ANSWER_MISMATCH",
      "completeness[0] question INVALID QUESTION_MISMATCH",
    ]);
    const cut = { ...proof, proof: proof.proof.slice(0, -8) };
    expect(await reasons({ completeness: [cut] })).toEqual(["completeness[0] completeness INVALID MALFORMED_PROOF"]);
  });

  describeWith("python3 and its package cryptography", HAS_PYTHON, () => {
    test("gets the same lines, exit code and words from both verifiers, honest and tampered with in every way", async () => {
      const { head, entries } = await saved("--query", "status:failed timestamp:* OR status=failed");
      const pages = await saved();
      const [proof] = head.completeness;
      const [first, second] = pages.head.completeness;
      if (proof === undefined || first === undefined || second === undefined) throw new Error("no proof");
      const bytes = Buffer.from(proof.proof, "base64");
      const bent = Buffer.from(bytes.map((byte, i) => (i === bytes.length - 40 ? byte ^ 1 : byte))).toString("base64");
      const proven = (changed: object) => fileOf({ ...head, completeness: [{ ...proof, ...changed }] }, entries);
      const searched = (search: unknown) => fileOf({ ...head, search }, entries);
      const other = (from: string, to: string) => proven({ question: proof.question.replace(from, to) });
      const cases: readonly (readonly [text: string, code: number])[] = [
        [fileOf(head, entries), 0],
        [fileOf(pages.head, pages.entries), 0],
        [searched(undefined), 0],
        ...[entries.toSpliced(100, 1), entries.toReversed(), entries.slice(0, -1), []].map(
          (shown, i) => [fileOf(head, shown), i === 1 ? 0 : 1] as const,
        ),
        [fileOf(head, [...entries, pages.entries[1] ?? ""]), 1],
        [proven({ proof: proof.proof.slice(0, -8) }), 1],
        [proven({ proof: bent }), 1],
        ...[null, undefined, "", "=", 5, [], first.proof].map((changed) => [proven({ proof: changed }), 1] as const),
        [other("failed", "failing"), 1],
        [other('"limit":1000', '"limit":1'), 1],
        [other('"limit":1000', '"limit":200'), 0],
        [other('{"kind":"page","limit":1000}', '{"kind":"count"}'), 1],
        [other('"edition":2', '"edition":3'), 1],
        [other('"descending":false', '"after":7,"descending":false'), 1],
        ...[null, undefined, 5, "{}"].map((question) => [proven({ question }), 1] as const),
        ...[null, undefined, 5, {}, { checkpoint: 5 }, { checkpoint: "" }, head["roots"]].map(
          (index) => [proven({ index }), 1] as const,
        ),
        ...[null, {}, { checkpoint: "text" }].map((root) => [proven({ root }), 1] as const),
        [searched({ query: "(status:FAILED AND timestamp:*) OR status=failed" }), 0],
        ...[
          { query: "status:ok" },
          { query: "(" },
          { query: "timestamp<=9999-12-31" },
          { query: 5 },
          {},
          null,
          "x",
        ].map((search) => [searched(search), 1] as const),
        ...[[second, first], [first, first, second], [first], [second], [first, second, second]].map(
          (completeness) => [fileOf({ ...pages.head, completeness }, pages.entries), 1] as const,
        ),
        [fileOf({ ...head, completeness: [] }, entries), 0],
        [fileOf({ ...head, completeness: [5] }, entries), 2],
        [fileOf({ ...head, completeness: "lines" }, entries), 2],
      ];
      const judged = cases.flatMap(([text, code]) => [
        { text, code, args: ["--key", key], options: { key } },
        { text, code: code === 0 ? 3 : code, args: [], options: {} },
      ]);
      const python = await verifiedByPython(judged);
      for (const [i, { text, code, options }] of judged.entries()) {
        const node = await verified(text, options);
        const found = python[i];
        expect([i, found?.code, found?.lines]).toEqual([i, node.code, node.lines]);
        // Why a file could not be read, each says in its own words.
        if (code !== 2) expect([i, found?.note]).toEqual([i, node.note]);
        expect([i, node.code]).toEqual([i, code]);
      }
    });
  });
});
