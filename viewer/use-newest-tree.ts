import { useCallback } from "react";
import type { Failure } from "./failure.js";
import { NewestRootDocument } from "./generated/operations.js";
import { useMount } from "./mount.js";
import type { SignedTree } from "./trust.js";
import { useAnswer } from "./use-answer.js";

/** The tree that the log signed last, as it is when this is first drawn. */
export function useNewestTree(log: string): {
  readonly tree: SignedTree | undefined;
  readonly failure: Failure | undefined;
} {
  const { gateway } = useMount();
  const ask = useCallback(
    async () => (await gateway.ask(NewestRootDocument, { log: log || null })).root,
    [gateway, log],
  );
  const { answer, failure } = useAnswer(log, ask);
  return { tree: answer, failure };
}
