import { membershipText, consistencyText } from "../../../src/core/proof-text.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { canonicalJson, type Json, type JsonObject } from "../../../src/core/json.js";
import { membershipRanges, subtreeRanges } from "../../../src/core/proof.js";
import { treeRoot, type LeafRange } from "../../../src/core/tree.js";
import { responding, scriptedServer, type SeenRequest } from "./scripted-server.js";

const format = logFormat("pangea");
const TREE_NAME = "ab".repeat(32);

/** What becomes of a request that is not answered as the protocol says. */
export type Failure = "cut" | "html" | { readonly http: number; readonly status: string; readonly result: JsonObject };

export interface FakeOptions {
  /** How many events make one leaf of the published tree. Default 1: every event is a leaf. */
  readonly hotSize?: number;
  /** Whether events are published as they are logged; else by `publish`. Default true. */
  readonly publishesAtOnce?: boolean;
}

interface Stored {
  readonly envelope: JsonObject;
  readonly hash: Uint8Array;
}

interface Body extends Readonly<Record<string, unknown>> {
  readonly event?: JsonObject;
  readonly events?: readonly Body[];
  readonly signature?: string;
  readonly public_key?: string;
}

/** A service of the Pangea protocol in memory: real hashes, one tree, real proofs; its search knows words only. */
export class FakeService {
  readonly stored: Stored[] = [];
  /** Puts another result in place of an endpoint's, for lies. */
  tamper: (endpoint: string, result: JsonObject) => JsonObject = (_, result) => result;
  /** Puts a failure in place of a response; `cut` breaks the connection. */
  fail: (endpoint: string) => Failure | undefined = () => undefined;
  #published = 0;
  #clock = 1_767_225_600_000_000;
  readonly #searches = new Map<string, { readonly hits: readonly number[]; readonly restriction: string }>();
  readonly #accepted = new Map<string, { polls: number; readonly result: JsonObject }>();

  constructor(readonly options: FakeOptions = {}) {}

  /** Closes the open hot tree, and publishes all that is logged. */
  publish(): void {
    this.#published = this.stored.length;
  }

  respond(seen: SeenRequest): {
    readonly http: number;
    readonly status: string;
    readonly result: unknown;
    readonly id?: string;
  } {
    if (seen.method === "GET") return this.#polled(seen.path.replace("/request/", ""));
    const body = JSON.parse(seen.body) as Body;
    const made = this.#made(seen.path, body);
    if (made.http !== 200) return made;
    const result = this.tamper(seen.path, made.result as JsonObject);
    if (seen.path !== "/v2/log_async") return { ...made, result };
    const id = `prq_${this.#accepted.size}`;
    this.#accepted.set(id, { polls: 0, result });
    return {
      http: 202,
      status: "Accepted",
      id,
      result: { ttl_mins: 9, retry_counter: 0, location: `x/request/${id}` },
    };
  }

  #polled(id: string): ReturnType<FakeService["respond"]> {
    const one = this.#accepted.get(id);
    if (one === undefined) return { http: 404, status: "NotFound", result: null };
    const isDone = one.polls++ > 0;
    const result = isDone ? one.result : { ttl_mins: 9, retry_counter: one.polls, location: "x" };
    return { http: isDone ? 200 : 202, status: isDone ? "Success" : "Accepted", result, id };
  }

  #made(endpoint: string, body: Body): ReturnType<FakeService["respond"]> {
    switch (endpoint) {
      case "/v1/log":
        return success(this.#logged(body, body["prev_root"]));
      case "/v2/log":
      case "/v2/log_async": {
        const results = (body.events ?? []).map((one) => this.#logged(one, undefined));
        return success({ results: results.map(({ hash = "", envelope = {} }) => ({ hash, envelope })) });
      }
      case "/v1/search":
        return this.#searched(body);
      case "/v1/results":
        return this.#page(String(body["id"]), Number(body["offset"] ?? 0), Number(body["limit"] ?? 20));
      case "/v1/root":
        return this.#rootAnswer(body["tree_size"] as number | undefined);
      default:
        return { http: 404, status: "NotFound", result: null };
    }
  }

  #logged({ event = {}, signature, public_key }: Body, previous: unknown): JsonObject {
    if (event["message"] === "") return refusal("BelowMinLength", "/event/message");
    const before = this.#roots().get(String(previous));
    this.#clock += 7;
    const received_at = `${new Date(this.#clock / 1_000).toISOString().slice(0, 19)}.${String(this.#clock % 1_000_000).padStart(6, "0")}Z`;
    const signed = signature === undefined || public_key === undefined ? {} : { signature, public_key };
    const envelope: JsonObject = { event, received_at, ...signed };
    const hash = format.leafHash(utf8(canonicalJson(envelope)));
    this.stored.push({ envelope, hash });
    if (this.options.publishesAtOnce !== false) this.publish();
    const leaves = this.#leaves(this.stored.length);
    const item = this.#item(this.stored.length - 1);
    return {
      ...{ hash: digestOf(hash), envelope, membership_proof: item["membership_proof"] ?? "" },
      unpublished_root: digestOf(treeRoot(format, leaves)),
      ...(before === undefined || before >= leaves.length ? {} : { consistency_proof: step(leaves, before) }),
    };
  }

  /** The hashes of the tree over the first events: each leaf is the root of its hot tree. */
  #leaves(events: number): readonly Uint8Array[] {
    const { hotSize = 1 } = this.options;
    const count = Math.ceil(events / hotSize);
    return Array.from({ length: count }, (_, i) =>
      treeRoot(
        format,
        this.stored.slice(i * hotSize, Math.min(events, (i + 1) * hotSize)).map(({ hash }) => hash),
      ),
    );
  }

  #roots(): ReadonlyMap<string, number> {
    const sizes = Array.from({ length: this.#leaves(this.stored.length).length }, (_, i) => i + 1);
    return new Map(
      sizes.map((size) => [digestOf(treeRoot(format, this.#leaves(this.stored.length).slice(0, size))), size]),
    );
  }

  #item(index: number): JsonObject {
    const { hotSize = 1 } = this.options;
    const { envelope, hash } = this.stored[index] ?? never();
    const published = index < this.#published;
    const events = published ? this.#published : this.stored.length;
    const leaf = Math.floor(index / hotSize);
    const hot = this.stored.slice(leaf * hotSize, Math.min(events, (leaf + 1) * hotSize)).map((one) => one.hash);
    const paths = [membership(hot, index % hotSize), membership(this.#leaves(events), leaf)];
    const membership_proof = paths.filter((path) => path !== "").join(",");
    return { envelope, hash: digestOf(hash), published, membership_proof, ...(published ? { leaf_index: leaf } : {}) };
  }

  #searched(body: Body): ReturnType<FakeService["respond"]> {
    const {
      query = "",
      start = "0",
      end = "9",
      order = "desc",
      max_results = 10_000,
    } = body as Readonly<Record<string, string>>;
    const allowed = Object.entries((body["search_restriction"] ?? {}) as Readonly<Record<string, readonly string[]>>);
    if (query.includes(")")) return { http: 400, status: "ValidationError", result: refusal("BadFormat", "/query") };
    const words = query
      .replaceAll('"', "")
      .split(" ")
      .map((word) => word.replace(/^.*:/, ""));
    const isHit = ({ envelope }: Stored): boolean => {
      const event = envelope["event"] as Readonly<Record<string, Json>>;
      const at = envelope["received_at"] as string;
      const isAllowed = allowed.every(([field, values]) => values.includes((event[field] ?? "") as string));
      return (
        at >= start &&
        at < end &&
        isAllowed &&
        words.every((word) => Object.values(event).some((text) => canonicalJson(text).includes(word)))
      );
    };
    const hits = this.stored.flatMap((stored, index) => (isHit(stored) ? [index] : []));
    const id = `pas_${this.#searches.size}`;
    const kept = (order === "asc" ? hits : hits.reverse()).slice(0, Number(max_results));
    this.#searches.set(id, { hits: kept, restriction: JSON.stringify(allowed) });
    return this.#page(id, 0, Number(body["limit"] ?? 20));
  }

  #page(id: string, offset: number, limit: number): ReturnType<FakeService["respond"]> {
    const search = this.#searches.get(id);
    if (search === undefined) return { http: 400, status: "ValidationError", result: refusal("DoesNotExist", "/id") };
    const { hits } = search;
    if (offset > hits.length) return { http: 400, status: "BadOffset", result: null };
    const events = hits.slice(offset, offset + limit).map((index) => this.#item(index));
    const all = this.#leaves(this.stored.length);
    const unpublished = { size: all.length, root_hash: digestOf(treeRoot(format, all)), tree_name: TREE_NAME };
    return success({
      ...{ id, expires_at: new Date(Date.now() + 172_800_000).toISOString(), count: hits.length, events },
      ...(this.#published === 0 ? {} : { root: this.#root(this.#leaves(this.#published)) }),
      ...(events.some((event) => event["published"] === false) ? { unpublished_root: unpublished } : {}),
    });
  }

  #rootAnswer(size: number | undefined): ReturnType<FakeService["respond"]> {
    const leaves = this.#leaves(this.#published);
    const wanted = size ?? leaves.length;
    if (wanted < 1 || wanted > leaves.length) return { http: 400, status: "TreeNotFound", result: null };
    return success({ data: this.#root(leaves.slice(0, wanted)) });
  }

  #root(leaves: readonly Uint8Array[]): JsonObject {
    const { length: size } = leaves;
    const root_hash = digestOf(treeRoot(format, leaves));
    const published_at = "2026-01-01T01:00:00.000000Z";
    const proof = size > 1 ? { consistency_proof: step(leaves, size - 1) } : {};
    return { tree_name: TREE_NAME, size, root_hash, url: `https://arweave.example/${size}`, published_at, ...proof };
  }
}

export interface StartedFake {
  readonly url: string;
  readonly fake: FakeService;
  readonly seen: readonly SeenRequest[];
  close(): Promise<void>;
}

/** Starts a service of the protocol, and says where it is. */
export async function startService(options: FakeOptions = {}): Promise<StartedFake> {
  const fake = new FakeService(options);
  const server = await scriptedServer((response, request) => {
    const failure = fake.fail(request.path);
    if (failure === "cut") return void response.destroy();
    if (failure === "html") return void response.writeHead(200, { "content-type": "text/html" }).end("<p>sorry</p>");
    if (failure !== undefined) {
      responding(failure.http, failure.status, failure.result)(response, request);
      return;
    }
    const { http, status, result, id = "prq_1" } = fake.respond(request);
    responding(http, status, result, id)(response, request);
  });
  return { ...server, fake };
}

function success(result: JsonObject): ReturnType<FakeService["respond"]> {
  if (Array.isArray(result["errors"])) return { http: 400, status: "ValidationError", result };
  return { http: 200, status: "Success", result };
}

function refusal(code: string, source: string): JsonObject {
  return { errors: [{ code, detail: `syntax error at ${source}`, source }] };
}

function membership(leaves: readonly Uint8Array[], leafIndex: number): string {
  const path = membershipRanges(leafIndex, leaves.length).map((range) => rangeHash(leaves, range));
  return membershipText({ leafIndex, treeSize: leaves.length, path });
}

function step(leaves: readonly Uint8Array[], fromSize: number): readonly Json[] {
  const toSize = leaves.length;
  const subtreePaths = subtreeRanges(fromSize, toSize).map(({ subtree, path }) => ({
    ...{ start: subtree.start, size: subtree.end - subtree.start, hash: rangeHash(leaves, subtree) },
    path: path.map((range) => rangeHash(leaves, range)),
  }));
  return consistencyText({ fromSize, toSize, subtreePaths });
}

function rangeHash(leaves: readonly Uint8Array[], { start, end }: LeafRange): Uint8Array {
  return treeRoot(format, leaves.slice(start, end));
}

function never(): never {
  throw new Error("no such event");
}
