const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** It is looked for, for to match a whole text of megabytes takes more stack than there is. */
const NO_DIGIT = /[^A-Za-z0-9+/]/;

/**
 * Encodes standard base64 with padding (RFC 4648 section 4). Written here because core uses neither Node nor the DOM.
 */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) text += encodeGroup(bytes.subarray(i, i + 3));
  return text;
}

/** Decodes the one spelling that `base64` writes; returns undefined for blanks, missing padding or stray last bits. */
export function parseBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.slice(0, text.length - padding);
  if (text.length % 4 !== 0 || NO_DIGIT.test(digits)) return undefined;
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = byteAt(digits, i);
  const last = bytes.subarray(bytes.length - (padding === 0 ? 0 : 3 - padding));
  return padding === 0 || text.endsWith(base64(last)) ? bytes : undefined;
}

function encodeGroup(group: Uint8Array): string {
  const [a = 0, b = 0, c = 0] = group;
  const digits = [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63];
  return digits.map((digit, i) => (i <= group.length ? ALPHABET.charAt(digit) : "=")).join("");
}

/** Byte i spans two neighbouring digits of six bits each. */
function byteAt(digits: string, i: number): number {
  const first = Math.floor((i * 4) / 3);
  const pair = (ALPHABET.indexOf(digits.charAt(first)) << 6) | ALPHABET.indexOf(digits.charAt(first + 1));
  return (pair >> (4 - 2 * (i % 3))) & 0xff;
}
