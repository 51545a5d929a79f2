import { describe, expect, test } from "@jest/globals";
import { digestOf, utf8 } from "../../src/core/bytes.js";
import { logFormat } from "../../src/core/format.js";
import { treeRoot } from "../../src/core/tree.js";
import type { StoredEntry } from "../e2e/log-reader.js";
import { judgeCopy, judgeRequests, judgeTail, unknownOutcomes, type LogCopy } from "./judge.js";
import type { Outcome, SentRequest } from "./load.js";

const format = logFormat("rfc6962");
const actor = "writer";

function entry(leafIndex: number, message = `event ${leafIndex}`): StoredEntry {
  const canonical = JSON.stringify({ event: { actor, message }, receivedAt: "2026-11-28T00:00:00.000000Z" });
  return { leafIndex, hash: digestOf(format.leafHash(utf8(canonical))), canonical };
}

/** Core's own root: the judge computes it in another way. */
function rootOf(entries: readonly StoredEntry[]): { readonly treeSize: number; readonly hash: string } {
  const leaves = entries.map(({ canonical }) => format.leafHash(utf8(canonical)));
  return { treeSize: entries.length, hash: digestOf(treeRoot(format, leaves)) };
}

function copyOf(entries: readonly StoredEntry[]): LogCopy {
  const { treeSize, hash } = rootOf(entries);
  return { node: "node1", entries, size: treeSize, rootHash: hash };
}

function request(outcome: Outcome, messages: readonly string[]): SentRequest {
  const events = messages.map((message) => ({ message, actor }));
  return { scenario: "leader killed", events, isKeyed: true, sentAt: 0, outcome };
}

/** As it is right: each entry acknowledged alone, under the root that it made. */
const acknowledged = (entries: readonly StoredEntry[]): readonly SentRequest[] =>
  entries.map((one, place) =>
    request(
      {
        kind: "acknowledged",
        receipt: { entries: [one], root: rootOf(entries.slice(0, place + 1)) },
        gateway: "http://127.0.0.1:1",
        at: 1,
      },
      [`event ${place}`],
    ),
  );

const log = Array.from({ length: 9 }, (_, leafIndex) => entry(leafIndex));
const kinds = (findings: readonly { readonly kind: string }[]): readonly string[] => findings.map(({ kind }) => kind);

describe("what judges the run on a cluster", () => {
  test("finds nothing where every entry is as it was acknowledged", () => {
    expect(judgeRequests(acknowledged(log), log)).toEqual([]);
    expect(judgeCopy(copyOf(log))).toEqual([]);
    expect(judgeTail("tail", log, log)).toEqual([]);
  });

  test("names the scenario in which an entry was lost, and the root that held it", () => {
    const findings = judgeRequests(acknowledged(log), log.slice(0, -1));
    expect(kinds(findings)).toEqual(["lost", "wrong root"]);
    expect(findings.map(({ scenario }) => scenario)).toEqual(["leader killed", "leader killed"]);
  });

  test("finds an acknowledged entry whose place another one took", () => {
    const replaced = log.with(4, entry(4, "of somebody else"));
    expect(kinds(judgeRequests(acknowledged(log).slice(0, 5), replaced))).toEqual(["lost", "wrong root"]);
  });

  test("finds an entry that is there twice, acknowledged or not", () => {
    const twice = [...log, entry(9, "event 3")];
    expect(kinds(judgeRequests(acknowledged(log), twice))).toEqual(["doubled"]);
    expect(kinds(judgeRequests([request({ kind: "unknown" }, ["event 3"])], twice))).toEqual(["doubled"]);
  });

  test("finds an entry that is there with another content, or at another place than was acknowledged", () => {
    const [first] = acknowledged(log);
    const other = first && { ...first, events: [{ message: "event 0", actor: "somebody else" }] };
    expect(kinds(judgeRequests(other ? [other] : [], log))).toEqual(["changed"]);
    const moved = [entry(0, "event 1"), entry(1, "event 0")];
    const root = rootOf(moved);
    const outcome = { kind: "acknowledged", receipt: { entries: [entry(0)], root }, gateway: "", at: 1 } as const;
    expect(kinds(judgeRequests([request(outcome, ["event 0"])], moved))).toEqual(["changed"]);
  });

  test("finds a root that is not the log's, and one too small to hold what it was given for", () => {
    const outcome = (root: { treeSize: number; hash: string }): Outcome => ({
      ...{ kind: "acknowledged", gateway: "", at: 1 },
      receipt: { entries: log.slice(5, 6), root },
    });
    const foreign = outcome({ treeSize: 6, hash: "00".repeat(32) });
    const small = outcome(rootOf(log.slice(0, 5)));
    for (const wrong of [foreign, small])
      expect(kinds(judgeRequests([request(wrong, ["event 5"])], log))).toEqual(["wrong root"]);
  });

  test("finds what was refused as not logged and is, and a request of which only a part is", () => {
    expect(kinds(judgeRequests([request({ kind: "refused" }, ["event 1"])], log))).toEqual(["denied"]);
    expect(kinds(judgeRequests([request({ kind: "unknown" }, ["event 1", "event 99"])], log))).toEqual(["torn"]);
  });

  test("counts the requests of unknown outcome, and those that are logged after all", () => {
    const unknown = ["event 1", "event 98", "event 99"].map((message) => request({ kind: "unknown" }, [message]));
    expect(unknownOutcomes([...acknowledged(log), ...unknown], log)).toEqual({ requests: 3, logged: 1 });
  });

  test.each<readonly [what: string, copy: LogCopy]>([
    ["a gap", copyOf([...log.slice(0, 3), ...log.slice(4)])],
    ["a leaf that its text does not hash to", { ...copyOf(log), entries: log.with(2, { ...entry(2), hash: "00" }) }],
    ["a head that counts more", { ...copyOf(log), size: 10 }],
    ["a head with another root", { ...copyOf(log), rootHash: "00".repeat(32) }],
  ])("finds %s in a copy of the log", (_what, copy) => {
    expect(kinds(judgeCopy(copy))).toContain("unsound log");
  });

  test.each([
    ["a gap", [...log.slice(0, 3), ...log.slice(4)]],
    ["a repeat", [...log.slice(0, 3), ...log.slice(2)]],
    ["another text", log.with(2, entry(2, "other"))],
    ["an end before the log's", log.slice(0, -1)],
    ["an entry that the log does not have", [...log, entry(9)]],
  ])("finds %s in what a live tail was shown", (_what, seen) => {
    expect(kinds(judgeTail("tail", seen, log))).toEqual(["wrong tail"]);
  });
});
