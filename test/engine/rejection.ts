import { expect } from "@jest/globals";
import { AuditError, type AuditErrorCode } from "../../src/audit/errors.js";

/** The AuditError that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<AuditError> {
  const error: unknown = await promise.then(
    () => "it resolved",
    (reason: unknown) => reason,
  );
  if (error instanceof AuditError) return error;
  throw new Error("expected an AuditError", { cause: error });
}

export async function expectCode(promise: Promise<unknown>, code: AuditErrorCode): Promise<void> {
  expect((await rejection(promise)).code).toBe(code);
}

/** Expects BAD_USER_INPUT with exactly these paths, and what each of them got. */
export async function expectProblems(promise: Promise<unknown>, got: Readonly<Record<string, string>>): Promise<void> {
  const error = await rejection(promise);
  expect(error.code).toBe("BAD_USER_INPUT");
  expect(Object.fromEntries(error.problems.map((problem) => [problem.path, problem.got]))).toEqual(got);
}
