import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { base64 } from "../../src/core/bytes.js";
import { characterCount } from "../../src/core/event.js";
import { publicKeyPem } from "../../src/core/signature.js";
import { PUBLIC_KEY } from "./document.js";

const PEM = publicKeyPem(PUBLIC_KEY);

/** Names, texts and verdicts of the log's key in spellings that docs/format.md section 4 names, and in some that it does not. */
export const KEY_SPELLINGS: readonly (readonly [string, string, string, "VALID" | "INVALID MALFORMED_PUBLIC_KEY"])[] = [
  ["key-in-carriage-returns", "The PEM's lines end in CR LF.", PEM.replaceAll("\n", "\r\n"), "VALID"],
  ["key-with-blanks-after-it", "Blanks, a tab and newlines follow the PEM.", `${PEM} \t\r\n\n`, "VALID"],
  ["key-without-a-newline", "The PEM ends without a newline.", PEM.trimEnd(), "VALID"],
  ["key-with-a-byte-order-mark", "U+FEFF follows the PEM.", `${PEM}\ufeff`],
  ["key-with-a-no-break-space", "U+00A0 follows the PEM.", `${PEM}\u00a0`],
  ["key-with-a-file-separator", "U+001C follows the PEM.", `${PEM}\u001c`],
  ["key-with-a-next-line", "U+0085 follows the PEM.", `${PEM}\u0085`],
  ["key-with-a-form-feed", "U+000C follows the PEM.", `${PEM}\f`],
  ["key-after-a-blank", "A blank precedes the PEM.", ` ${PEM}`],
  ["key-of-two-lines", "The PEM has two lines of base64.", PEM.replace("VwAy", "VwAy\n")],
  ["key-beside-a-nan", "A member beside the key is NaN, which is no JSON.", keyJson('"n":NaN')],
  ["key-beside-an-infinity", "A member beside the key is Infinity, which is no JSON.", keyJson('"n":-Infinity')],
  ["key-beside-a-number-without-end", "A member beside the key has 5,000 digits.", keyJson(`"n":${"9".repeat(5_000)}`)],
  [
    "key-beside-deep-nesting",
    "A member beside the key nests 2,000 deep.",
    keyJson(`"n":${"[".repeat(2_000)}${"]".repeat(2_000)}`),
  ],
  [
    "key-of-256-characters",
    "The key's JSON has 256 characters, one of them astral.",
    keyJson('"n":"\u{1f511}"', 256),
    "VALID",
  ],
  ["key-of-257-characters", "The key's JSON has 257 characters.", keyJson('"n":""', 257)],
  ["key-twice", "The JSON has two keys, and the last counts.", keyJson('"key":"none"'), "VALID"],
].map(([name = "", about = "", text = "", verdict]) => [
  name,
  about,
  text,
  verdict === "VALID" ? verdict : "INVALID MALFORMED_PUBLIC_KEY",
]);

/** The key as JSON behind another member, filled up to a length in characters. */
function keyJson(member: string, characters = 0): string {
  const text = (filling: string): string => `{"f":"${filling}",${member},"key":${JSON.stringify(PEM)}}`;
  return text("f".repeat(Math.max(0, characters - characterCount(text("")))));
}

/** A pair under which [8]S·B = [8]R + [8]k·A holds, while S·B - k·A is R plus a point of small order. */
export function withCofactor(message: Uint8Array): {
  readonly signature: string;
  readonly public_key: string;
} {
  const { Point } = ed25519;
  const ofOrder8 = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
  const A = Point.BASE.multiply(2n).add(ofOrder8).toBytes();
  for (let r = 1n; ; r += 1n) {
    const R = Point.BASE.multiply(r).toBytes();
    const k = bytesToNumberLE(sha512.create().update(R).update(A).update(message).digest()) % Point.Fn.ORDER;
    const S = numberToBytesLE((r + k * 2n) % Point.Fn.ORDER, 32);
    if (k % 8n !== 0n) return { signature: base64(new Uint8Array([...R, ...S])), public_key: base64(A) };
  }
}
