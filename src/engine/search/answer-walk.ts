import { countBits, setPlaces } from "../../core/segment/bits.js";
import { decidingPart, type Answer, type Decided, type Question } from "../../core/segment/answer.js";
import { leavesOf, piecesIn } from "../../core/segment/search.js";
import type { LeafRange } from "../../core/tree.js";
import { evaluated, type Steps } from "./matches.js";
import type { SegmentSession } from "./open-segment.js";

/**
 * Answers a question as `decide` does, segment by segment in the question's direction, in steps between which others have
 * their turn. Reads what `decide` reads over the same segments, and hardly more: what is read becomes the proof.
 */
export class AnswerWalk {
  readonly #leaves: number[] = [];
  #count = 0;
  readonly #most: number | undefined;

  constructor(
    private readonly question: Question,
    private readonly range: LeafRange,
    private readonly steps: Steps,
  ) {
    const { wanted } = question;
    this.#most = wanted.kind === "page" ? wanted.limit : wanted.cap;
  }

  /** Whether what follows cannot change the answer. */
  isDecided(): boolean {
    return this.#most !== undefined && this.#leaves.length >= this.#most;
  }

  /** Goes through one segment, the next in the direction. Rejects as the session does, and with the reason of the signal. */
  async through(session: SegmentSession): Promise<void> {
    const { filter, descending } = this.question;
    const { reader, evaluation } = await evaluated(filter, session, this.steps);
    if (evaluation.most === 0) return;
    const { start, end } = leavesOf(reader.header);
    const within = { start: Math.max(this.range.start, start) - start, end: Math.min(this.range.end, end) - start };
    if (this.#most === undefined && evaluation.isExact === true && within.end - within.start === reader.documents) {
      this.#count += evaluation.most;
      return;
    }
    for (const piece of piecesIn(reader, within, descending && this.#most !== undefined)) {
      const bits = await session.read(() => evaluation.bits(piece.piece, piece.mask));
      await this.steps.pause();
      if (this.#most === undefined) this.#count += countBits(bits);
      else if (this.#take(start + piece.start, setPlaces(bits), this.#most)) return;
    }
  }

  #take(first: number, places: readonly number[], most: number): boolean {
    for (const place of this.question.descending ? [...places].reverse() : places) {
      if (this.#leaves.length === most) return true;
      this.#leaves.push(first + place);
    }
    return this.#leaves.length === most;
  }

  /** The answer, when every segment of the range was gone through, or it is decided. */
  get decided(): Decided {
    const { range } = this;
    const { wanted, descending } = this.question;
    if (this.#most === undefined)
      return { answer: { kind: "count", count: this.#count, isExact: true }, deciding: range };
    const deciding = decidingPart(this.#leaves, { most: this.#most, range, descending });
    return { answer: answerOf(wanted, this.#leaves, this.#most), deciding };
  }
}

function answerOf({ kind }: Question["wanted"], leaves: readonly number[], most: number): Answer {
  if (kind === "page") return { kind, leaves };
  return { kind, count: leaves.length, isExact: leaves.length < most };
}
