import { base64, utf8 } from "../../src/core/bytes.js";
import { noteSigner, signCheckpoint } from "../../src/core/checkpoint.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { TREE_SIZE, type Attack } from "./attack.js";
import { ORIGIN, signedNote, type VectorLog } from "./document.js";

/** A lie told in the checkpoint of 7 leaves. `root` is the root in base64, `text` the honest checkpoint. */
interface Lie {
  readonly name: string;
  readonly about: string;
  readonly reason: string;
  readonly change: (honest: { readonly root: string; readonly text: string; readonly log: VectorLog }) => unknown;
}

const SPELLING_LIES: readonly Lie[] = [
  ["leading-zero", "The size has a leading zero.", (root: string) => `${ORIGIN}\n07\n${root}\n`],
  ["signed-size", "The size has a sign.", (root: string) => `${ORIGIN}\n+7\n${root}\n`],
  ["hex-size", "The size is in hex.", (root: string) => `${ORIGIN}\n0x7\n${root}\n`],
  ["size-beyond-2-53", "The size is 2^53.", (root: string) => `${ORIGIN}\n9007199254740992\n${root}\n`],
  [
    "root-in-hex",
    "The root is in hex.",
    (root: string) => `${ORIGIN}\n7\n${Buffer.from(root, "base64").toString("hex")}\n`,
  ],
  ["short-root", "The root has 31 bytes.", () => `${ORIGIN}\n7\n${base64(new Uint8Array(31))}\n`],
  ["stray-bits", "The root's base64 ends in bits that belong to no byte.", () => `${ORIGIN}\n7\n${"A".repeat(42)}B=\n`],
  ["extension-line", "A fourth line follows the root.", (root: string) => `${ORIGIN}\n7\n${root}\nmore\n`],
  ["trailing-blank", "A blank ends a line.", (root: string) => `${ORIGIN}\n7 \n${root}\n`],
  ["carriage-returns", "Lines end in CR LF.", (root: string) => `${ORIGIN}\r\n7\r\n${root}\r\n`],
  ["no-origin", "The origin is empty.", (root: string) => `\n7\n${root}\n`],
].map(([name, about, body]) => ({
  name: name as string,
  about: `${about as string} The log's key did sign it.`,
  reason: "MALFORMED_CHECKPOINT",
  change: ({ root }) => signedNote((body as (root: string) => string)(root)),
}));

const LINE_LIES: readonly Lie[] = [
  {
    name: "no-final-newline",
    about: "The last newline is missing.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => text.slice(0, -1),
  },
  {
    name: "two-final-newlines",
    about: "A newline too many stands at the end.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => `${text}\n`,
  },
  {
    name: "no-blank-line",
    about: "No blank line stands before the signatures.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => text.replace("\n\n", "\n"),
  },
  {
    name: "no-signature",
    about: "There is no signature at all.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => text.slice(0, text.indexOf("— ")),
  },
  {
    name: "hyphen",
    about: "The signature line starts with a hyphen.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => text.replace("—", "-"),
  },
  {
    name: "broken-second-line",
    about: "A second signature line is none.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => `${text}— nonsense\n`,
  },
  {
    name: "doubled-signature",
    about: "The log's signature stands twice.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => text + text.slice(text.indexOf("— ")),
  },
  {
    name: "surrogate-in-a-name",
    about: "A witness's name holds a lone surrogate, so that the note has no UTF-8.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => `${text}— \udc00w AAAAAAAA\n`,
  },
  {
    name: "no-break-space-in-a-name",
    about: "A witness's name holds U+00A0.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => `${text}— a\u00a0w AAAAAAAA\n`,
  },
  {
    name: "byte-order-mark-in-a-name",
    about: "A witness's name holds U+FEFF.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => `${text}— a\ufeffw AAAAAAAA\n`,
  },
  {
    name: "file-separator-in-a-name",
    about: "A witness's name holds U+001C.",
    reason: "MALFORMED_CHECKPOINT",
    change: ({ text }) => `${text}— a\u001cw AAAAAAAA\n`,
  },
  { name: "not-text", about: "The checkpoint is a number.", reason: "MALFORMED_CHECKPOINT", change: () => 7 },
];

const TREE_LIES: readonly Lie[] = [
  {
    name: "other-size-in-the-body",
    about: "The size was changed after signing.",
    reason: "SIGNATURE_MISMATCH",
    change: ({ text }) => text.replace("\n7\n", "\n8\n"),
  },
  {
    name: "other-tree",
    about: "The checkpoint is true, and of 6 leaves.",
    reason: "CHECKPOINT_MISMATCH",
    change: ({ log }) => log.checkpoint(6),
  },
  {
    name: "other-root-of-the-size",
    about: "The log signed another root of this size: it has shown two histories.",
    reason: "CHECKPOINT_MISMATCH",
    change: () => signedNote(`${ORIGIN}\n7\n${base64(new Uint8Array(32))}\n`),
  },
  {
    name: "other-origin",
    about: "The log's key signed a checkpoint of another log, under this log's name.",
    reason: "CHECKPOINT_MISMATCH",
    change: ({ root }) => signedNote(`vectors.example/other\n7\n${root}\n`),
  },
  {
    name: "other-key",
    about: "Another key signed, under the log's name.",
    reason: "UNKNOWN_KEY",
    change: ({ root }) => {
      const seed = new Uint8Array(32).fill(1);
      const rootHash = Uint8Array.from(Buffer.from(root, "base64"));
      return signCheckpoint({ origin: ORIGIN, treeSize: TREE_SIZE, rootHash }, noteSigner(ORIGIN, seed, nobleEd25519));
    },
  },
  {
    name: "other-key-with-the-key-id",
    about: "Another key signed, and the line carries the key id of the log's own.",
    reason: "SIGNATURE_MISMATCH",
    change: ({ root, text }) => {
      const body = `${ORIGIN}\n7\n${root}\n`;
      const own = Buffer.from(text.trimEnd().split(" ").at(-1) ?? "", "base64");
      const forged = nobleEd25519.sign(utf8(body), new Uint8Array(32).fill(1));
      return `${body}\n— ${ORIGIN} ${base64(new Uint8Array([...own.subarray(0, 4), ...forged]))}\n`;
    },
  },
];

const source = "C2SP tlog-checkpoint and signed-note";

export const CHECKPOINT_ATTACKS: readonly Attack[] = [
  {
    name: "checkpoint/none",
    about: "An honest checkpoint with a witness's signature beside the log's, which is not checked.",
    source,
    want: {},
    document: (log) =>
      log.document([], [{ ...log.root(TREE_SIZE), checkpoint: withWitness(log.checkpoint(TREE_SIZE)) }]),
  },
  {
    name: "checkpoint/large-witnesses",
    about: "An honest checkpoint with four witnesses' signatures of nearly 5 kB each, one with an astral name.",
    source,
    want: {},
    document: (log) => log.document([], [{ ...log.root(TREE_SIZE), checkpoint: withLargeWitnesses(log) }]),
  },
  ...[...SPELLING_LIES, ...LINE_LIES, ...TREE_LIES].map(({ name, about, reason, change }) => ({
    name: `checkpoint/${name}`,
    about,
    source,
    want: { "roots[0] checkpoint": `INVALID ${reason}` },
    document: (log: VectorLog) => {
      const text = log.checkpoint(TREE_SIZE);
      const checkpoint = change({ root: text.split("\n")[2] ?? "", text, log }) as string;
      return log.document([], [{ ...log.root(TREE_SIZE), checkpoint }]);
    },
  })),
];

/** C2SP signed-note asks for room for post-quantum signatures. */
function withLargeWitnesses(log: VectorLog): string {
  const names = ["witness.example/1", "witness.example/2", "witness.example/3", "\u{1f441}.example/w"];
  const lines = names.map((name) => `— ${name} ${base64(new Uint8Array(3_700))}\n`);
  return log.checkpoint(TREE_SIZE) + lines.join("");
}

function withWitness(checkpoint: string): string {
  return `${checkpoint}— witness.example/w ${base64(new Uint8Array(72))}\n`;
}
