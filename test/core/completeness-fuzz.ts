import fc from "fast-check";
import { logFormat } from "../../src/core/format.js";
import type { Answer, Question } from "../../src/core/segment/answer.js";
import type { Segment } from "../../src/core/segment/format.js";
import { proofBytes, readProof, type ProofDocument, type ProvenLeaves } from "../../src/core/segment/proof-document.js";
import { nodeSha256 } from "../../src/keys/node-crypto.js";
import {
  completenessDocument,
  completenessVerdict,
  type Claim,
  type CompletenessDocument,
} from "../vectors/completeness-document.js";
import { bent, Random } from "./mutable-value.js";
import { PythonCompleteness } from "./python-completeness.js";
import { IndexedLog, leavesOf, nothing } from "./segment/provable-log.js";
import { questionsAbout } from "./segment/questions.js";

/** A document on which the two verifiers differ, and what each says. */
export interface Disagreement {
  readonly lie: string;
  readonly document: CompletenessDocument;
  readonly core: string;
  readonly python: string;
}

export interface CompletenessFuzz {
  readonly disagreements: readonly Disagreement[];
  /** How often each verdict was given, its reason included. */
  readonly verdicts: ReadonlyMap<string, number>;
}

const BATCH = 100;
const QUESTIONS = 400;

/** A log of the corpus: how many entries, and how many bases its index has. */
interface Subject {
  readonly log: IndexedLog;
  readonly indexSize: number;
  readonly questions: readonly Question[];
}

/** Asks core and one long-lived Python about so many answers with lies in them; the same seed makes the same ones. */
export async function fuzzCompleteness(count: number, seed: number): Promise<CompletenessFuzz> {
  const random = new Random(seed);
  const subjects = [
    subject(new IndexedLog(2 * 256 + 9), 2, seed),
    subject(new IndexedLog(17 * 256 + 3), 17, seed + 1),
    subject(new IndexedLog(256 + 7, logFormat("pangea", nodeSha256)), 1, seed + 2),
  ] as const;
  const python = new PythonCompleteness();
  const disagreements: Disagreement[] = [];
  const verdicts = new Map<string, number>();
  try {
    for (let done = 0; done < count; done += BATCH) {
      const told = Array.from({ length: Math.min(BATCH, count - done) }, () => lieAbout(random.pick(subjects), random));
      const found = await python.verdicts(told.map(({ document }) => document));
      told.forEach(({ lie, document }, i) => {
        const core = completenessVerdict(document);
        verdicts.set(core, (verdicts.get(core) ?? 0) + 1);
        if (found[i] !== core) disagreements.push({ lie, document, core, python: found[i] ?? "" });
      });
    }
  } finally {
    await python.close();
  }
  return { disagreements, verdicts };
}

function subject(log: IndexedLog, indexSize: number, seed: number): Subject {
  return { log, indexSize, questions: fc.sample(questionsAbout(log.size), { numRuns: QUESTIONS, seed }) };
}

interface Told {
  readonly lie: string;
  readonly document: CompletenessDocument;
}

/** An honest answer to one of the questions, with at most one kind of lie in it. */
function lieAbout({ log, indexSize, questions }: Subject, random: Random): Told {
  const question = questions[random.below(questions.length)] ?? nothing();
  const claim = log.prove(question, indexSize);
  const honest = completenessDocument(log.roots(indexSize), question, claim);
  const name = random.pick(LIES);
  switch (name) {
    case "none":
      return { lie: name, document: honest };
    case "answer":
      return { lie: name, document: { ...honest, answer: otherAnswer(claim.answer, random) } };
    case "bytes":
      return { lie: name, document: withProof(honest, otherBytes(claim.proof, random)) };
    case "document":
      return { lie: name, document: withProof(honest, otherDocument(claim, log, random)) };
    case "question": {
      const other = questions[random.below(questions.length)] ?? nothing();
      const text = random.chance(50)
        ? bent(honest.question, random)
        : completenessDocument(log.roots(indexSize), other, claim).question;
      return { lie: name, document: { ...honest, question: text } };
    }
    case "checkpoint":
      return random.chance(50)
        ? { lie: name, document: { ...honest, checkpoint: bent(honest.checkpoint, random) } }
        : { lie: name, document: { ...honest, indexCheckpoint: bent(honest.indexCheckpoint, random) } };
    case "segment":
      return { lie: name, document: signedLie(log, indexSize, { question, claim, random }) };
  }
}

const LIES = [
  ...(["none", "none", "answer", "bytes", "document", "document", "question", "checkpoint"] as const),
  ...(["segment", "segment", "segment", "segment", "segment"] as const),
] as const satisfies readonly [string, ...string[]];

function withProof(document: CompletenessDocument, proof: Uint8Array): CompletenessDocument {
  return { ...document, proof: Buffer.from(proof).toString("base64") };
}

function otherAnswer(answer: Answer, random: Random): Answer {
  if (random.chance(10))
    return answer.kind === "count"
      ? { kind: "page", leaves: [1, 2] }
      : { kind: "count", count: answer.leaves.length, isExact: true };
  if (answer.kind === "count")
    return random.chance(50)
      ? { ...answer, isExact: !answer.isExact }
      : { ...answer, count: answer.count + random.pick([1, -1]) };
  const leaves = [...answer.leaves];
  leaves.splice(random.below(leaves.length + 1), random.below(3), ...(random.chance(50) ? [random.below(600)] : []));
  return { kind: "page", leaves };
}

/** One to three bytes changed, left out or put in. */
function otherBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const other = [...bytes];
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(other.length);
    const byte = random.chance(50) ? random.below(256) : (other[at] ?? 0) ^ (1 << random.below(8));
    other.splice(at, random.chance(80) ? 1 : random.below(2), ...(random.chance(90) ? [byte] : []));
  }
  return Uint8Array.from(other);
}

/** The parts of a proof changed so that what is changed is well-formed. */
function otherDocument({ proof }: Claim, log: IndexedLog, random: Random): Uint8Array {
  const document = readProof(proof) ?? nothing();
  const { segments } = document;
  const place = random.below(Math.max(1, segments.length));
  const nudge = (value: number): number => Math.max(0, value + random.pick([-256, -1, 1, 2, 256]));
  const changes: readonly [() => Partial<ProofDocument>, ...(() => Partial<ProofDocument>)[]] = [
    () => ({ segments: segments.filter((_, i) => i !== place) }),
    () => ({ segments: segments.flatMap((segment, i) => (i === place ? [segment, segment] : [segment])) }),
    () => ({ segments: [...segments].reverse() }),
    () => ({ segments: segments.map((one, i) => (i === place ? { ...one, blocks: fewer(one.blocks, random) } : one)) }),
    () => ({
      segments: segments.map((one, i) => {
        const kept = one.blocks.leaves.map(({ index }) => index).filter(() => random.chance(70));
        return i === place ? { ...one, blocks: leavesOf(log.blocks(one), kept) } : one;
      }),
    }),
    () => ({ segments: segments.map((one, i) => (i === place ? { ...one, number: nudge(one.number) } : one)) }),
    () => ({ segments: segments.map((one, i) => (i === place ? { ...one, level: one.level === 0 ? 1 : 0 } : one)) }),
    () => ({ proven: { ...document.proven, start: nudge(document.proven.start) } }),
    () => ({ proven: { ...document.proven, end: nudge(document.proven.end) } }),
    () => ({ window: { ...document.window, start: nudge(document.window.start) } }),
    () => ({ window: { ...document.window, end: nudge(document.window.end) } }),
    () => ({ records: fewer(document.records, random) }),
    () => ({ entries: fewer(document.entries, random) }),
    () => ({ entries: leavesOf(log.log, document.entries.leaves.map(({ index }) => index).slice(random.below(3))) }),
  ];
  return proofBytes({ ...document, ...random.pick(changes)() });
}

function fewer({ leaves, hashes }: ProvenLeaves, random: Random): ProvenLeaves {
  const drop = <T>(list: readonly T[]): readonly T[] => list.filter((_, i) => i !== random.below(list.length));
  if (random.chance(50)) return { leaves: drop(leaves), hashes };
  return { leaves, hashes: random.chance(50) ? drop(hashes) : [...hashes, new Uint8Array(32)] };
}

/** The log signs an index in which one block of one segment is another: all hashes are right. */
function signedLie(
  log: IndexedLog,
  indexSize: number,
  { question, claim, random }: { readonly question: Question; readonly claim: Claim; readonly random: Random },
): CompletenessDocument {
  const document = readProof(claim.proof) ?? nothing();
  const { segments } = document;
  const lied = segments[random.below(Math.max(1, segments.length))];
  if (lied === undefined) return completenessDocument(log.roots(indexSize), question, claim);
  const honest = log.segment(lied);
  const number = lied.blocks.leaves[random.below(lied.blocks.leaves.length)]?.index ?? 0;
  const blocks = honest.blocks.map((block, place) => (place === number ? otherBytes(block, random) : block));
  log.put({ ...honest, blocks } satisfies Segment);
  try {
    const others = segments.map((segment) => ({
      ...segment,
      blocks: leavesOf(
        log.blocks(segment),
        segment.blocks.leaves.map(({ index }) => index),
      ),
    }));
    const records = leavesOf(
      log.index(indexSize),
      document.records.leaves.map(({ index }) => index),
    );
    const proof = proofBytes({ ...document, segments: others, records });
    return completenessDocument(log.roots(indexSize), question, { ...claim, proof });
  } finally {
    log.put(honest);
  }
}
