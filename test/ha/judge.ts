import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { StoredEntry } from "../e2e/log-reader.js";
import type { SentEvent } from "../e2e/log-bulk.js";
import type { SentRequest } from "./load.js";

/** A log as SQL shows it on one node; hashes in hex. */
export interface LogCopy {
  readonly node: string;
  readonly entries: readonly StoredEntry[];
  readonly size: number;
  readonly rootHash: string;
}

/** Something that must not be. `scenario` is missing where it is the log as a whole that is wrong. */
export interface Finding {
  readonly kind: "lost" | "changed" | "doubled" | "torn" | "denied" | "wrong root" | "unsound log" | "wrong tail";
  readonly scenario?: string;
  readonly text: string;
}

/**
 * Holds what the clients were told to what is in the log. It computes every root itself, by RFC 6962 section 2.1 and from the
 * stored texts alone, and shares no code with what it judges.
 */
export function judgeRequests(requests: readonly SentRequest[], entries: readonly StoredEntry[]): readonly Finding[] {
  const places = placesByMessage(entries);
  const promised = requests.flatMap(({ outcome }) =>
    outcome.kind === "acknowledged" ? [outcome.receipt.root.treeSize] : [],
  );
  const roots = rootsOf(entries, new Set(promised));
  return requests.flatMap((request) => {
    const findings = [...doubled(request, places), ...judgeOutcome(request, { entries, places, roots })];
    return findings.map((finding) => ({ ...finding, scenario: request.scenario }));
  });
}

/** Whether a copy is a log: indexes without gaps, leaves that hash to what is stored, and the head's root over all of them. */
export function judgeCopy({ node, entries, size, rootHash }: LogCopy): readonly Finding[] {
  const unsound = (text: string): Finding => ({ kind: "unsound log", text: `${node}: ${text}` });
  const gap = entries.findIndex(({ leafIndex }, place) => leafIndex !== place);
  const forged = entries.filter(({ canonical, hash }) => leafHash(canonical).toString("hex") !== hash);
  return [
    ...(gap === -1 ? [] : [unsound(`entry ${entries[gap]?.leafIndex ?? NaN} is where ${gap} should be`)]),
    ...forged.map(({ leafIndex }) => unsound(`entry ${leafIndex} does not hash to its leaf`)),
    ...(entries.length === size ? [] : [unsound(`the head says ${size} entries, there are ${entries.length}`)]),
    ...(rootsOf(entries, new Set([size])).get(size) === rootHash ? [] : [unsound("the head has another root")]),
  ];
}

/** Whether a reader who followed the log was shown each of its entries once, in order. */
export function judgeTail(
  name: string,
  seen: readonly StoredEntry[],
  entries: readonly StoredEntry[],
): readonly Finding[] {
  const wrong = (text: string): readonly Finding[] => [{ kind: "wrong tail", text: `${name}: ${text}` }];
  const place = seen.findIndex((entry, at) => !isDeepStrictEqual(plain(entry), entries[at]));
  if (place !== -1)
    return wrong(`was shown entry ${seen[place]?.leafIndex ?? NaN} as number ${place}, or another text`);
  return seen.length === entries.length ? [] : wrong(`was shown ${seen.length} of ${entries.length} entries`);
}

/** The requests of unknown outcome, and how many of them are in the log after all. */
export function unknownOutcomes(
  requests: readonly SentRequest[],
  entries: readonly StoredEntry[],
): { readonly requests: number; readonly logged: number } {
  const places = placesByMessage(entries);
  const unknown = requests.filter(({ outcome }) => outcome.kind === "unknown");
  return { requests: unknown.length, logged: unknown.filter(({ events }) => isLogged(events, places)).length };
}

type Places = ReadonlyMap<string, readonly number[]>;

interface Known {
  readonly entries: readonly StoredEntry[];
  readonly places: Places;
  readonly roots: ReadonlyMap<number, string>;
}

function doubled({ events }: SentRequest, places: Places): readonly Finding[] {
  return events.flatMap(({ message }): readonly Finding[] => {
    const at = places.get(message) ?? [];
    return at.length > 1 ? [{ kind: "doubled", text: `${message} is at ${at.join(" and ")}` }] : [];
  });
}

function judgeOutcome(request: SentRequest, known: Known): readonly Finding[] {
  const { events, outcome } = request;
  const logged = events.filter(({ message }) => known.places.has(message)).length;
  switch (outcome.kind) {
    case "acknowledged":
      return [...judgeEntries(events, outcome.receipt.entries, known), ...judgeRoot(outcome.receipt, known.roots)];
    case "refused":
      return logged === 0 ? [] : [{ kind: "denied", text: `${nameOf(events)} was refused as not logged, and is` }];
    case "unknown":
      return logged === 0 || logged === events.length
        ? []
        : [{ kind: "torn", text: `${logged} of ${events.length} events of ${nameOf(events)} are logged` }];
  }
}

function judgeEntries(
  events: readonly SentEvent[],
  promised: readonly StoredEntry[],
  { entries, places }: Known,
): readonly Finding[] {
  return events.flatMap(({ message, actor }, place): readonly Finding[] => {
    if (!places.has(message)) return [{ kind: "lost", text: `${message} of ${actor} was acknowledged` }];
    const entry = promised[place];
    const stored = entry && entries[entry.leafIndex];
    const isThere =
      isDeepStrictEqual(stored, entry && plain(entry)) && isDeepStrictEqual(eventIn(stored), { message, actor });
    return isThere
      ? []
      : [{ kind: "changed", text: `${message} is not at ${entry?.leafIndex ?? NaN} as it was acknowledged` }];
  });
}

function judgeRoot(
  { entries, root }: { readonly entries: readonly StoredEntry[]; readonly root: { treeSize: number; hash: string } },
  roots: ReadonlyMap<number, string>,
): readonly Finding[] {
  const isHeld = entries.every(({ leafIndex }) => leafIndex < root.treeSize);
  if (isHeld && roots.get(root.treeSize) === root.hash) return [];
  return [{ kind: "wrong root", text: `the root of ${root.treeSize} entries is not one of this log` }];
}

function placesByMessage(entries: readonly StoredEntry[]): Places {
  const places = new Map<string, number[]>();
  for (const entry of entries) {
    const message = String(eventIn(entry)?.["message"]);
    places.set(message, [...(places.get(message) ?? []), entry.leafIndex]);
  }
  return places;
}

const isLogged = (events: readonly SentEvent[], places: Places): boolean =>
  events.some(({ message }) => places.has(message));

const nameOf = (events: readonly SentEvent[]): string => `the request with ${events[0]?.message ?? "nothing"}`;

/** Without the prototype that a driver or a client gave it. */
const plain = ({ leafIndex, hash, canonical }: StoredEntry): StoredEntry => ({ leafIndex, hash, canonical });

function eventIn(entry: StoredEntry | undefined): Readonly<Record<string, unknown>> | undefined {
  const envelope = entry && (JSON.parse(entry.canonical) as { readonly event?: Readonly<Record<string, unknown>> });
  return envelope?.event;
}

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

const leafHash = (canonical: string): Buffer => sha256(Uint8Array.of(0), canonical);
const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Uint8Array.of(1), left, right);

/** The roots, in hex, of the trees of these sizes over a log's stored texts. A size that the log has not reached has none. */
function rootsOf(entries: readonly StoredEntry[], sizes: ReadonlySet<number>): ReadonlyMap<number, string> {
  const roots = new Map([[0, sha256().toString("hex")]]);
  const subtrees: { readonly leaves: number; readonly hash: Buffer }[] = [];
  entries.forEach(({ canonical }, place) => {
    let grown = { leaves: 1, hash: leafHash(canonical) };
    for (let left = subtrees.at(-1); left?.leaves === grown.leaves; left = subtrees.at(-1)) {
      subtrees.pop();
      grown = { leaves: 2 * left.leaves, hash: nodeHash(left.hash, grown.hash) };
    }
    subtrees.push(grown);
    if (!sizes.has(place + 1)) return;
    const root = subtrees.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right));
    roots.set(place + 1, root.toString("hex"));
  });
  return roots;
}
