import { describe, expect, test } from "@jest/globals";
import { checkRequest } from "../../src/audit/checked-request.js";
import { AuditError } from "../../src/audit/errors.js";
import { base64, utf8 } from "../../src/core/bytes.js";
import { eventRules } from "../../src/core/event-rules.js";
import { logFormat } from "../../src/core/format.js";
import type { FieldProblem } from "../../src/core/json.js";
import { publicKeyPem } from "../../src/core/signature.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";

const ed25519 = nodeEd25519();
const seed = new Uint8Array(32).fill(9);
const format = logFormat("rfc6962");
const event = { message: "m" };
const signature = base64(ed25519.sign(utf8(format.signedText(event)), seed));
const pem = publicKeyPem(ed25519.publicKey(seed));

function check(publicKey: string): unknown {
  const request = { log: "default", events: [{ event, signature, publicKey }], sign: false, path: "events" } as const;
  return checkRequest(request, { format, rules: eventRules("rfc6962") }, { seed, ed25519 });
}

test.each(["\ufeff", "\u00a0", "\u2028", "\u001c", "\u0085", "\f"])(
  "a key is refused with %j after its PEM, which some verifiers read and others do not",
  (stray) => {
    expect(() => check(pem + stray)).toThrow(AuditError);
    expect(() => check(pem + stray)).toThrow("events[0].publicKey");
  },
);

test("a key is taken with the blanks and newlines after its PEM that the format names", () => {
  expect(check(`${pem} \t\r\n`)).toMatchObject({
    accepted: [{ checked: { event, signature, publicKey: `${pem} \t\r\n` } }],
  });
});

describe("a skipped event", () => {
  const problemsOf = (bad: unknown): readonly FieldProblem[] => {
    const request = { log: "default", events: [{ event }, { event: bad }], sign: false, path: "events" } as const;
    const skipping = { ...request, skipInvalid: true };
    const { accepted, refused } = checkRequest(skipping, { format, rules: eventRules("rfc6962") }, { seed, ed25519 });
    expect([accepted.length, refused.length]).toEqual([1, 1]);
    return refused[0]?.problems ?? [];
  };
  /** A message with a text that cannot be kept, at `events[1].message`, 45 names of ten and one more. */
  const nested = (last: string): unknown =>
    Array.from({ length: 45 }).reduce<unknown>(
      (inner) => ({ abcdefghij: inner }),
      last === "" ? "\ud800" : { [last]: "\ud800" },
    );
  const PATH = `events[1].message${".abcdefghij".repeat(45)}`;

  test("is told of by its first ten problems", () => {
    const message = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`k${i}`, "\ud800"]));
    expect(problemsOf({ message }).map(({ path }) => path)).toEqual(
      Array.from({ length: 10 }, (_, i) => `events[1].message.k${i}`),
    );
  });

  test("is told of by paths of up to 512 characters", () => {
    expect(PATH).toHaveLength(512);
    expect(problemsOf({ message: nested("") })[0]?.path).toBe(PATH);
    expect(problemsOf({ message: nested("z") })[0]?.path).toBe(`${PATH.slice(0, 511)}…`);
  });
});
