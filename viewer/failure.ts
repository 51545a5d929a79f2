import type { CombinedError } from "@urql/core";

/** Why something is not shown. */
export type Failure =
  /** The gateway wants a credential, or another one. */
  | { readonly kind: "credential"; readonly message: string }
  /** The query cannot be read. `column` counts characters from 1. */
  | { readonly kind: "query"; readonly message: string; readonly column: number | undefined }
  /** An entry's stored bytes were changed, so the gateway cannot say what was asked. */
  | { readonly kind: "damage"; readonly message: string }
  /** Anything else, in words for people. */
  | { readonly kind: "other"; readonly message: string };

/** As an error of the API says it (docs/errors.md). */
interface Problem {
  readonly path?: unknown;
  readonly expected?: unknown;
  readonly got?: unknown;
}

export class ApiError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export function failureOf(error: unknown): Failure {
  return error instanceof ApiError ? error.failure : { kind: "other", message: String(error) };
}

/** What urql says of a request, and what the gateway said. */
export function readError({ graphQLErrors: [first], networkError }: CombinedError): Failure {
  if (first === undefined) return { kind: "other", message: unreachable(networkError?.message) };
  return readGraphqlError(first);
}

/** An entry that the gateway cannot show, because its stored bytes were changed. */
export interface Damage {
  /** Where the response has null for it, such as `search.edges.3.node`. */
  readonly path: string;
  readonly leafIndex: number | undefined;
  readonly message: string;
}

/** Undefined where an error says something else. */
export function readDamage({ message, path = [], extensions = {} }: GraphqlError): Damage | undefined {
  if (extensions["code"] !== "ENTRY_CORRUPT") return undefined;
  const { leafIndex } = extensions;
  return {
    path: path.join("."),
    leafIndex: typeof leafIndex === "number" ? leafIndex : undefined,
    message: sentence(message),
  };
}

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

export function readGraphqlError({ message, extensions = {} }: GraphqlError): Failure {
  if (extensions["code"] === "UNAUTHENTICATED") return { kind: "credential", message };
  if (extensions["code"] === "ENTRY_CORRUPT") return { kind: "damage", message: sentence(message) };
  const problems: readonly Problem[] = Array.isArray(extensions["problems"]) ? extensions["problems"] : [];
  const problem = problems.find(({ path }) => path === "query");
  if (problem === undefined) return { kind: "other", message: sentence(message) };
  const [expected, got] = [String(problem.expected), String(problem.got)];
  const column = /^at column (\d+) /.exec(expected);
  const wanted = expected.slice(column?.[0].length ?? 0);
  return {
    kind: "query",
    message: `Expected ${wanted}, got ${got}.`,
    column: column?.[1] === undefined ? undefined : Number(column[1]),
  };
}

function unreachable(reason = "no answer"): string {
  return `The gateway cannot be reached (${reason}). Check the connection, then try again.`;
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
