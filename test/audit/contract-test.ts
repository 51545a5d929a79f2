import { test } from "@jest/globals";
import { expectCode } from "../engine/rejection.js";

/** How a contract makes its tests: `test` itself, or one that knows what a backend cannot do. */
export interface ContractTest {
  (name: string, body: () => Promise<void>): void;
  readonly each: typeof test.each;
}

export interface LimitedTest extends ContractTest {
  /** The declared names that no test of the contract has had. */
  readonly unused: () => readonly string[];
}

/** Runs the declared tests like all others, but expects of each to end with UNSUPPORTED: what begins to work is noticed. */
export function testWithout(
  unsupported: readonly string[],
  expectUnsupported = (body: Promise<void>): Promise<void> => expectCode(body, "UNSUPPORTED"),
): LimitedTest {
  const unused = new Set(unsupported);
  const limited = (name: string, body: () => Promise<void>): void => {
    if (unused.delete(name)) test(`${name}: is UNSUPPORTED`, () => expectUnsupported(body()));
    else test(name, body);
  };
  return Object.assign(limited, { each: test.each, unused: () => [...unused] });
}
