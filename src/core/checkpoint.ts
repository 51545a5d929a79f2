import { base64, parseBase64, HASH_BYTES, equalBytes, utf8, nobleSha256 } from "./bytes.js";
import { isWeakKey, SIGNATURE_BYTES, type Ed25519 } from "./signature.js";
import { isTreeSize } from "./tree.js";
import type { ReasonCode } from "./verdict.js";

/** A log's root at one size: what a checkpoint states and signs. */
export interface TreeHead {
  /** The log's name, unique in the world: no blanks, no `+`. */
  readonly origin: string;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
}

/** Signs for a log. `name` is the log's origin. */
export interface NoteSigner {
  readonly name: string;
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** Checks a log's signatures. `name` is the log's origin. */
export interface NoteVerifier {
  readonly name: string;
  readonly publicKey: Uint8Array;
  verify(signature: Uint8Array, message: Uint8Array): boolean;
}

export type OpenedCheckpoint =
  ({ readonly kind: "opened" } & TreeHead) | { readonly kind: "rejected"; readonly reason: ReasonCode };

/** The Ed25519 signature type of the C2SP signed-note specification. */
const ED25519_TYPE = 0x01;
const KEY_ID_BYTES = 4;
const PUBLIC_KEY_BYTES = 32;
/** Bounds the work on hostile text. C2SP signed-note requires room for 16 signatures of up to nearly 5 kB each. */
const MAX_CHECKPOINT_BYTES = 131_072;

const KEY_NAME = /^[^\s+\p{Cc}\p{Cs}]+$/u;
const NOTE = /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n\n((?:— [^\n]+\n)+)$/;
const VERIFIER_KEY = /^([^\s+\p{Cc}\p{Cs}]+)\+[0-9a-f]{8}\+([A-Za-z0-9+/]+=*)$/u;
const SIGNATURE_LINE = /^— ([^\s+\p{Cc}\p{Cs}]+) ([A-Za-z0-9+/]+=*)$/u;

/** A signer from a private key's 32-byte seed. Throws a TypeError on a name that a signed note does not allow. */
export function noteSigner(name: string, seed: Uint8Array, ed25519: Ed25519): NoteSigner {
  return {
    name: checkedName(name),
    publicKey: ed25519.publicKey(seed),
    sign: (message) => ed25519.sign(message, seed),
  };
}

/** Throws a TypeError on a name that a signed note does not allow. */
export function noteVerifier(name: string, publicKey: Uint8Array, ed25519: Ed25519): NoteVerifier {
  return {
    name: checkedName(name),
    publicKey,
    verify: (signature, message) => ed25519.verify(signature, message, publicKey),
  };
}

/** A key as the command lines of C2SP tools take it: `<name>+<key id>+<base64 of 0x01 and the key>`. */
export function verifierKeyText(key: NoteVerifier | NoteSigner): string {
  const id = Array.from(keyId(key), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${key.name}+${id}+${base64(Uint8Array.of(ED25519_TYPE, ...key.publicKey))}`;
}

/**
 * Reads what `verifierKeyText` writes. Undefined for anything else, a weak key or the key id of another name or key
 * included.
 */
export function parseVerifierKey(text: string, ed25519: Ed25519): NoteVerifier | undefined {
  const [, name, encoded = ""] = VERIFIER_KEY.exec(text) ?? [];
  const [type, ...publicKey] = parseBase64(encoded) ?? [];
  if (name === undefined || type !== ED25519_TYPE || publicKey.length !== PUBLIC_KEY_BYTES) return undefined;
  const key = noteVerifier(name, Uint8Array.from(publicKey), ed25519);
  return verifierKeyText(key) === text && !isWeakKey(key.publicKey) ? key : undefined;
}

/**
 * The signed checkpoint of a tree: C2SP tlog-checkpoint without extension lines, inside a C2SP signed note with a line for
 * each key, all of the log's name. Throws a
 * TypeError when the origin is not the key's name, the size is not a tree size, or the root is not 32 bytes.
 */
export function signCheckpoint(head: TreeHead, ...keys: readonly NoteSigner[]): string {
  const stranger = keys.find(({ name }) => name !== head.origin);
  if (stranger !== undefined) throw new TypeError(`the key belongs to ${stranger.name}, not to ${head.origin}`);
  if (!isTreeSize(head.treeSize) || head.rootHash.length !== HASH_BYTES)
    throw new TypeError("not a tree head: expected a tree size and a root of 32 bytes");
  const body = `${head.origin}\n${head.treeSize}\n${base64(head.rootHash)}\n`;
  const lines = keys.map((key) => {
    const signature = base64(new Uint8Array([...keyId(key), ...key.sign(utf8(body))]));
    return `— ${key.name} ${signature}\n`;
  });
  return `${body}\n${lines.join("")}`;
}

/**
 * Reads an untrusted checkpoint and checks the log's signature. Accepts only the spelling that `signCheckpoint` writes;
 * signature lines of witnesses may follow and are not checked.
 */
export function openCheckpoint(text: string, key: NoteVerifier): OpenedCheckpoint {
  const note = parseNote(text);
  if (note === undefined) return rejected("MALFORMED_CHECKPOINT");
  const ownId = keyId(key);
  const signatures = note.signatures.filter((line) => line.name === key.name && equalBytes(line.keyId, ownId));
  const [signature, second] = signatures;
  if (signature === undefined) return rejected("UNKNOWN_KEY");
  if (second !== undefined || signature.bytes.length !== SIGNATURE_BYTES) return rejected("MALFORMED_CHECKPOINT");
  if (!key.verify(signature.bytes, utf8(note.body))) return rejected("SIGNATURE_MISMATCH");
  return note.head.origin === key.name ? { kind: "opened", ...note.head } : rejected("CHECKPOINT_MISMATCH");
}

interface SignatureLine {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly bytes: Uint8Array;
}

interface Note {
  readonly head: TreeHead;
  /** The signed bytes: the head's three lines, each with its newline. */
  readonly body: string;
  readonly signatures: readonly SignatureLine[];
}

function parseNote(text: string): Note | undefined {
  const parts = isShort(text) ? NOTE.exec(text) : null;
  if (parts === null) return undefined;
  const [, origin = "", size = "", hash = "", lines = ""] = parts;
  const rootHash = parseBase64(hash);
  const treeSize = Number(size);
  const signatures = lines
    .slice(0, -1)
    .split("\n")
    .map(parseSignatureLine)
    .filter((line) => line !== undefined);
  const isWhole = signatures.length === lines.split("\n").length - 1;
  if (!KEY_NAME.test(origin) || !isTreeSize(treeSize) || rootHash === undefined || !isWhole) return undefined;
  return { head: { origin, treeSize, rootHash }, body: `${origin}\n${size}\n${hash}\n`, signatures };
}

/** A text has at least as many bytes as UTF-16 units, so a long one is refused before it is encoded. */
function isShort(text: string): boolean {
  return text.length <= MAX_CHECKPOINT_BYTES && utf8(text).length <= MAX_CHECKPOINT_BYTES;
}

function parseSignatureLine(line: string): SignatureLine | undefined {
  const [, name = "", text = ""] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = parseBase64(text);
  if (bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined;
  return { name, keyId: bytes.subarray(0, KEY_ID_BYTES), bytes: bytes.subarray(KEY_ID_BYTES) };
}

/** C2SP signed-note: the first four bytes of SHA-256 of the name, a newline, the signature type and the key. */
function keyId(key: NoteVerifier | NoteSigner): Uint8Array {
  const named = new Uint8Array([...utf8(key.name), 0x0a, ED25519_TYPE, ...key.publicKey]);
  return nobleSha256(named).subarray(0, KEY_ID_BYTES);
}

function checkedName(name: string): string {
  if (!KEY_NAME.test(name))
    throw new TypeError(`a log's origin has no blanks, no "+" and no control characters: ${JSON.stringify(name)}`);
  return name;
}

function rejected(reason: ReasonCode): OpenedCheckpoint {
  return { kind: "rejected", reason };
}
