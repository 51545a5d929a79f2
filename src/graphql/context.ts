import { setImmediate as turn } from "node:timers/promises";
import DataLoader from "dataloader";
import type { MakeLink } from "../audit/download-link.js";
import { AuditError } from "../audit/errors.js";
import type { CompletenessProof, CompletenessRequest, EntryProof, MembershipRequest } from "../audit/proofs.js";
import type { AuditService, EntryOutcome, ResultPage, Root } from "../audit/service.js";
import type { Digest } from "../core/bytes.js";
import type { LogFormat } from "../core/format.js";
import type { Verdict } from "../core/verdict.js";
import { asError } from "./errors.js";
import type { OperationObserver } from "./operation-observer.js";

/** A place in a log: a leaf index or a tree size. */
export interface Place {
  readonly log: string;
  readonly at: number;
}

/** A leaf and the tree of its proof. */
export interface ProofKey {
  readonly log: string;
  readonly treeSize: number;
  readonly leafIndex: number;
  /** The entry's hash: another service may have several entries under one leaf. */
  readonly hash: Digest;
}

type Batch<V> = readonly (V | Error)[];

/**
 * The maximum number of past roots per request. Each is computed, signed and proven, which takes a millisecond, and an
 * operation's cost cannot tell the ids of roots from those of entries.
 */
export const MAX_ROOTS = 100;
/** The maximum number of completeness proofs per request: each can take a second, and 16 MiB. */
export const MAX_COMPLETENESS_PROOFS = 4;
/** How many roots are made before other requests get their turn. */
const ROOTS_AT_ONCE = 10;

const inOneTree = ({ log, treeSize }: ProofKey) => `${treeSize}/${log}`;
const placeKey = ({ log, at }: Place) => `${at}/${log}`;

/**
 * One request's loaders, each in front of something that costs a round trip: what the fields of a page ask for one by
 * one becomes one call per log and tree. An error belongs to the keys of its own group.
 */
export class Loaders {
  readonly #newest = new Map<string, Promise<Root>>();
  readonly #formats = new Map<string, Promise<LogFormat>>();
  readonly #reads: EntryReads;
  readonly #pages = new WeakMap<ResultPage, Promise<readonly EntryOutcome[]>>();
  readonly #roots: DataLoader<Place, Root, string>;
  /** Distinct ones, because the loader asks for each once. */
  #rootsAsked = 0;
  #proofsAsked = 0;
  readonly entries: DataLoader<Place, EntryOutcome, string>;
  readonly membership: DataLoader<ProofKey, EntryProof, string>;
  readonly membershipVerdicts: DataLoader<ProofKey, Verdict>;
  readonly #consistency: DataLoader<Place, Verdict>;
  readonly #consistent = new Map<string, Promise<Verdict>>();

  constructor(private readonly service: AuditService) {
    this.#reads = new EntryReads(service);
    this.#roots = new DataLoader((keys) => inTurns(keys, (place) => this.#pastRoot(place)), {
      cacheKeyFn: placeKey,
    });
    this.entries = new DataLoader((keys) => inGroups(keys, ({ log }) => log, this.#loadEntries), {
      cacheKeyFn: placeKey,
    });
    this.membership = new DataLoader((keys) => inGroups(keys, inOneTree, this.#loadProofs), {
      cacheKeyFn: (key) => `${key.leafIndex}/${key.hash}/${inOneTree(key)}`,
    });
    this.membershipVerdicts = new DataLoader((keys) => inGroups(keys, inOneTree, this.#loadVerdicts), { cache: false });
    this.#consistency = new DataLoader((keys) => inTurns(keys, ({ log, at }) => service.consistency(log, at)), {
      cache: false,
    });
  }

  /** The root at a size; by default the newest, which stays the same for the whole request. */
  root(log: string, treeSize?: number): Promise<Root> {
    if (treeSize !== undefined) return this.#roots.load({ log, at: treeSize });
    const known = this.#newest.get(log);
    if (known !== undefined) return known;
    const newest = this.service.root(log).then((root) => this.#kept(root));
    this.#newest.set(log, newest);
    return newest;
  }

  /** The newest root; read again if the one that the request has is older than the entry. */
  async rootWith(log: string, leafIndex: number): Promise<Root> {
    const known = this.#newest.get(log);
    if (known !== undefined && (await known).treeSize <= leafIndex && this.#newest.get(log) === known)
      this.#newest.delete(log);
    return this.root(log);
  }

  /** Remembers a root that came with another result. */
  keepRoot(root: Root): Root {
    this.#newest.set(root.log, Promise.resolve(root));
    return this.#kept(root);
  }

  /** Its size need not be asked for again. */
  #kept(root: Root): Root {
    this.#roots.prime({ log: root.log, at: root.treeSize }, root);
    return root;
  }

  /** The format of a log's entries, requested once for everything that a page verifies. */
  format(log: string): Promise<LogFormat> {
    const known = this.#formats.get(log) ?? this.service.identity(log).then(({ format }) => format);
    this.#formats.set(log, known);
    return known;
  }

  /** Whether a tree is a prefix of the newest: one promise for all entries of a page, where a loader would make each its own. */
  consistency(log: string, at: number): Promise<Verdict> {
    const place = { log, at };
    const known = this.#consistent.get(placeKey(place)) ?? this.#consistency.load(place);
    this.#consistent.set(placeKey(place), known);
    return known;
  }

  /** A page's entries, read once whether `edges`, `nodes` or both are selected. */
  page(page: ResultPage): Promise<readonly EntryOutcome[]> {
    const known = this.#pages.get(page);
    if (known !== undefined) return known;
    const { entries: given } = page;
    const entries = given === undefined ? this.#reads.read(page.result.log, page.leafIndexes) : Promise.resolve(given);
    this.#pages.set(page, entries);
    return entries;
  }

  /** Rejects with BAD_USER_INPUT for one proof too many. */
  async completeness(request: CompletenessRequest): Promise<CompletenessProof> {
    this.#proofsAsked++;
    if (this.#proofsAsked <= MAX_COMPLETENESS_PROOFS) return this.service.completeness(request);
    const message = `One request may ask for at most ${MAX_COMPLETENESS_PROOFS} proofs of completeness.`;
    throw new AuditError("BAD_USER_INPUT", message);
  }

  async #pastRoot(place: Place): Promise<Root> {
    this.#rootsAsked++;
    if (this.#rootsAsked <= MAX_ROOTS) return this.service.root(place.log, place.at);
    throw new AuditError("BAD_USER_INPUT", `One request may ask for at most ${MAX_ROOTS} past roots.`);
  }

  readonly #loadEntries = ([first, ...rest]: Group<Place>): Promise<readonly EntryOutcome[]> =>
    this.#reads.read(
      first.log,
      [first, ...rest].map(({ at }) => at),
    );

  readonly #loadProofs = (group: Group<ProofKey>): Promise<readonly EntryProof[]> =>
    this.service.membershipProofs(wantedOf(group));

  readonly #loadVerdicts = (group: Group<ProofKey>): Promise<readonly Verdict[]> =>
    this.service.membershipVerdicts(wantedOf(group));
}

type Group<K> = readonly [K, ...K[]];

function wantedOf(group: Group<ProofKey>): MembershipRequest {
  const [{ log, treeSize }] = group;
  return { log, treeSize, leafIndexes: group.map((key) => key.leafIndex), hashes: group.map((key) => key.hash) };
}

/** Loads each key by itself, a few at once, and lets other requests have their turn between. */
async function inTurns<K, V>(keys: readonly K[], load: (key: K) => Promise<V>): Promise<Batch<V>> {
  const loaded: (V | Error)[] = [];
  for (let start = 0; start < keys.length; start += ROOTS_AT_ONCE) {
    if (start > 0) await turn();
    const some = keys.slice(start, start + ROOTS_AT_ONCE);
    loaded.push(...(await Promise.all(some.map((key) => load(key).catch(asError)))));
  }
  return loaded;
}

/** Loads each group of keys in one call and returns the values in the order of the keys. */
async function inGroups<K, V>(
  keys: readonly K[],
  groupOf: (key: K) => string,
  load: (group: Group<K>) => Promise<readonly V[]>,
): Promise<Batch<V>> {
  const groups = new Map<string, { readonly group: [K, ...K[]]; readonly places: number[] }>();
  keys.forEach((key, place) => {
    const name = groupOf(key);
    const known = groups.get(name);
    if (known === undefined) groups.set(name, { group: [key], places: [place] });
    else {
      known.group.push(key);
      known.places.push(place);
    }
  });
  const loaded = new Array<V | Error>(keys.length); // each place is in a group
  await Promise.all(
    [...groups.values()].map(async ({ group, places }) => {
      const values = await load(group).catch(asError);
      places.forEach((place, i) => (loaded[place] = values instanceof Error ? values : (values[i] ?? missing())));
    }),
  );
  return loaded;
}

function missing(): Error {
  return new Error("a batch returned fewer values than were asked for");
}

/**
 * The maximum characters of all entries that one request reads: more than the longest page has. All of them stay in
 * memory until the response is made, and an operation's cost does not include the length of texts.
 */
export const MAX_READ_CHARACTERS = 128 * 1024 * 1024;

/** An entry can have several MiB, and its size is known only once it is read. */
const ENTRIES_AT_ONCE = 250;

/** Reads entries for one request, one read after the other, until they have too many characters in total. */
export class EntryReads {
  #left: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly service: Pick<AuditService, "entries">,
    maxCharacters = MAX_READ_CHARACTERS,
  ) {
    this.#left = maxCharacters;
  }

  /** Like AuditService.entries, but rejects with BAD_USER_INPUT from the first read that exceeds the limit. */
  read(log: string, leafIndexes: readonly number[]): Promise<readonly EntryOutcome[]> {
    const reading = this.#last.then(() => this.#readAll(log, leafIndexes));
    this.#last = reading.catch(ignore);
    return reading;
  }

  async #readAll(log: string, leafIndexes: readonly number[]): Promise<readonly EntryOutcome[]> {
    const outcomes: EntryOutcome[] = [];
    for (let start = 0; start < leafIndexes.length; start += ENTRIES_AT_ONCE) {
      if (this.#left < 0) throw tooMuch();
      const read = await this.service.entries(log, leafIndexes.slice(start, start + ENTRIES_AT_ONCE));
      for (const outcome of read) if (outcome.kind === "entry") this.#left -= outcome.entry.canonical.length;
      outcomes.push(...read);
    }
    if (this.#left < 0) throw tooMuch();
    return outcomes;
  }
}

function tooMuch(): AuditError {
  const message = `The entries that one request reads may have at most ${MAX_READ_CHARACTERS} characters in total: ask for fewer at once.`;
  return new AuditError("BAD_USER_INPUT", message);
}

function ignore(): void {
  // The caller of the failed read gets the error.
}

/** What all resolvers of one request share. Made for each request, so that no loader outlives it. */
export interface AuditContext {
  readonly service: AuditService;
  readonly loaders: Loaders;
  /** Whether the caller may see the schema. */
  readonly maySeeSchema: boolean;
  /** False for an operation that is only being prepared. */
  readonly executes: boolean;
  /** Observes the request's operation. */
  readonly operation?: OperationObserver;
  /** Makes links to files; undefined where that is impossible. */
  readonly downloadLink?: MakeLink;
  /** The bytes of the request's body. Default 0. */
  readonly bodyBytes?: number;
}

/** The context of a subscription's event source. */
export interface StreamContext extends AuditContext {
  /** Aborts when no one follows any more. */
  readonly signal: AbortSignal;
}

export function auditContext(service: AuditService, maySeeSchema = false): AuditContext {
  return { service, loaders: new Loaders(service), maySeeSchema, executes: true };
}
