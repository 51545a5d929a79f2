import { expect, test } from "@jest/globals";
import { checkRequest } from "../../src/audit/checked-request.js";
import { AuditError } from "../../src/audit/errors.js";
import { base64 } from "../../src/core/base64.js";
import { utf8 } from "../../src/core/bytes.js";
import { eventRules } from "../../src/core/event-rules.js";
import { logFormat } from "../../src/core/format.js";
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
