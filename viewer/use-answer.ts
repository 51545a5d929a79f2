import { useEffect, useState } from "react";
import { failureOf, type Failure } from "./failure.js";

export interface Answered<T> {
  /** What was answered last; while another question waits, still the answer to the one before. */
  readonly answer: T | undefined;
  readonly failure: Failure | undefined;
}

const NOTHING = { answer: undefined, failure: undefined };

/** Asks each time that `question` is another text. Undefined: nothing is asked. */
export function useAnswer<T>(question: string | undefined, ask: (question: string) => Promise<T>): Answered<T> {
  const [answered, setAnswered] = useState<Answered<T>>(NOTHING);
  useEffect(() => {
    if (question === undefined) return;
    let isCurrent = true;
    const show = (next: Answered<T>): void => {
      if (isCurrent) setAnswered(next);
    };
    ask(question).then(
      (answer) => {
        show({ answer, failure: undefined });
      },
      (error: unknown) => {
        show({ answer: undefined, failure: failureOf(error) });
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [question, ask]);
  return question === undefined ? NOTHING : answered;
}
