import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type GatewayProcess, gatewayFolder, graphqlData, removeFolder, startGateway } from "../gateway.js";
import { MAIN } from "../gateway.js";
import { ended, verified, type Ended } from "./verifiers.js";

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

  const check = (head: object, entries: readonly string[]) =>
    verified([JSON.stringify(head), ...entries, `{"end":${entries.length}}`, ""].join("\n"), { key });

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
});
