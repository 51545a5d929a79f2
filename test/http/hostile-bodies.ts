import { globalId } from "../../src/graphql/global-id.js";
import { LIMITS } from "../../src/graphql/limits.js";
import { JSON_BOUNDS } from "../../src/http/json-bounds.js";

/** The characters that a document may have behind that comment. */
export const DOCUMENT_CHARACTERS = LIMITS.characters - "#0\n".length;

export const request = (query: string, variables: unknown = {}): string => JSON.stringify({ query, variables });
export const times = (count: number, text: (i: number) => string, between = " "): string =>
  Array.from({ length: count }, (_, i) => text(i)).join(between);
/** The inside of an object. As text: to make an object of a million keys takes a hundred times as long. */
const members = (count: number): string => times(count, (i) => `"k${i}":1`, ",");
const MEMBERS = { members: "" };
/** The body with that many members in place of each of `MEMBERS`. */
const filled = (count: number, body: string): string =>
  body.replaceAll(JSON.stringify(MEMBERS).slice(1, -1), () => members(count));
const LONG = "a".repeat(15_000_000);
const LONGEST = "a".repeat(JSON_BOUNDS.textBytes);
export const LOG = "mutation ($e: AuditEventInput!) { log(event: $e) { entry { leafIndex } } }";
const BULK = "mutation ($e: [AuditEventInput!]!) { logBulk(events: $e) { entries { leafIndex } } }";
const rootIds = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => globalId({ type: "Root", log: "default", place: i + 1 }));
/** A text in each place that takes one, beside events, so that the body may be large. */
const beside = (arg: string, variable: string): string =>
  `mutation ($v: ${variable}, $e: AuditEventInput!) { log(event: $e) { entry { leafIndex } } downloadResults(${arg}) { url } }`;
const given = (query: string, v: unknown): string => request(query, { v, e: { message: "m" } });

const HEX = Array.from({ length: 16 }, (_, digit) => digit.toString(16));
export const searching = (query: string): string =>
  request("query($q:String!){search(query:$q,first:50){totalCount edges{node{hash}}}}", { q: query });

/** What a security review stopped gateways with, at the sizes that did. */
export const REVIEWED: readonly (readonly [string, () => string])[] = [
  ["10 MB of comments", () => request(`{__typename}${"#\n".repeat(5_000_000)}`)],
  ["800,000 variables that nothing uses", () => filled(800_000, request("{root{hash}}", MEMBERS))],
  ["400,000 variables that nothing uses", () => filled(400_000, request("{__typename}", MEMBERS))],
  ["a message of 1,000,000 members", () => filled(1_000_000, request(LOG, { e: { message: MEMBERS } }))],
  [
    "a message of 7,000,000 items",
    () => request(LOG, { e: { message: [] } }).replace("[]", `[1${",1".repeat(7_000_000 - 1)}]`),
  ],
  ["a query of 15 MB as a literal", () => request(`{search(query:"${LONG}"){totalCount}}`)],
  [
    "a query of 4 MB",
    () => request("query($q:String!){search(query:$q){totalCount}}", { q: LONG.slice(0, 4_000_000) }),
  ],
  [
    "an enum value of 15 MB",
    () => request("mutation($f:DownloadFormat!){downloadResults(format:$f){url}}", { f: LONG }),
  ],
  ["a hash of 15 MB", () => request("query($h:Digest){entry(hash:$h){leafIndex}}", { h: LONG })],
  ["a page size of 15 MB", () => request("query($h:Int){search(first:$h){totalCount}}", { h: LONG })],
  [
    "a restriction of 15 MB",
    () => request("query($a:[String!]){search(restriction:{actor:$a}){totalCount}}", { a: [LONG] }),
  ],
  ["a time of 15 MB", () => request("query($s:String){search(window:{start:$s}){totalCount}}", { s: LONG })],
  [
    "1,000 events of 300 keys that cannot be stored",
    () => {
      const message = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}\ud800`, 1]));
      return request(BULK, { e: Array.from({ length: 1_000 }, () => ({ message })) });
    },
  ],
  ["a phrase of 680 words", () => searching(`"${times(680, () => "event")}"`)],
  ["6,000 operations", () => request(times(6_000, (i) => `query Q${i}{root{hash}}`))],
  ["2,000 fragments", () => request(`{...F0} ${times(2_000, (i) => `fragment F${i} on Query{root{hash}}`)}`)],
  ["12,000 fields at the top", () => request(`{${"root{hash} ".repeat(12_000)}}`)],
  ["9,000 declared variables", () => request(`query(${times(9_000, (i) => `$v${i}:Int`)}){__typename}`)],
  ["1,000 past roots", () => request("query($i:[ID!]!){nodes(ids:$i){id}}", { i: rootIds(1_000) })],
  [
    "5,000 fragments in a chain",
    () => request(`{...F0} ${times(5_000, (i) => `fragment F${i} on Query{...F${i + 1}}`)}`),
  ],
  [
    "3,000 inline fragments inside each other",
    () => request(`{${"...{".repeat(3_000)}__typename${"}".repeat(3_000)}}`),
  ],
  [
    "3,000 fragments in a circle",
    () => request(times(3_000, (i) => `fragment F${i} on Query{...F${(i + 1) % 3_000}}`)),
  ],
  ["20,000 braces", () => request("{a".repeat(20_000))],
  [
    "6,000 lists inside each other as a type",
    () => request(`query($q:${"[".repeat(6_000)}Int${"]".repeat(6_000)}){__typename}`),
  ],
  [
    "1,000,000 lists inside each other",
    () => `{"query":"{__typename}","variables":${"[".repeat(1e6)}${"]".repeat(1e6)}}`,
  ],
];

/** The same kinds, as large as they are let in. */
export const LARGEST: readonly (readonly [string, () => string])[] = [
  ["comments", () => request("{__typename}".padEnd(DOCUMENT_CHARACTERS, "#\n"))],
  [
    "variables that nothing uses",
    () => filled(JSON_BOUNDS.values - 6, request(LOG, { e: { message: "m" }, ...MEMBERS })),
  ],
  ["a message of members", () => filled(JSON_BOUNDS.values - 6, request(LOG, { e: { message: MEMBERS } }))],
  ["unknown fields of an event", () => filled(JSON_BOUNDS.values - 5, request(LOG, { e: MEMBERS }))],
  [
    "unknown fields beside a large message",
    () => {
      const unknown = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, 1]));
      return filled(JSON_BOUNDS.values - 106, request(LOG, { e: { ...unknown, message: MEMBERS } }));
    },
  ],
  ["bad events", () => filled(98, request(BULK, { e: Array.from({ length: 1_000 }, () => MEMBERS) }))],
  [
    "events of keys that cannot be stored",
    () => {
      const message = Object.fromEntries(Array.from({ length: 97 }, (_, i) => [`k${i}\ud800`, 1]));
      return request(BULK, { e: Array.from({ length: 1_000 }, () => ({ message })) });
    },
  ],
  ["good events", () => filled(97, request(BULK, { e: Array.from({ length: 1_000 }, () => ({ message: MEMBERS })) }))],
  ["long events", () => request(BULK, { e: Array.from({ length: 1_000 }, () => ({ message: "é".repeat(8_000) })) })],
  ["items", () => request(LOG, { e: { message: Array<number>(JSON_BOUNDS.values - 6).fill(1) } })],
  ["an enum value", () => given(beside('id: "r", format: $v', "DownloadFormat!"), LONGEST)],
  ["an id", () => given(beside("id: $v, format: CSV", "ID!"), LONGEST)],
  ["a query", () => request("query($q:String!){search(query:$q){totalCount}}", { q: LONG.slice(0, 1_000_000) })],
  ["a message that is one text", () => request(LOG, { e: { message: LONGEST } })],
  ["past roots", () => request("query($i:[ID!]!){nodes(ids:$i){id}}", { i: rootIds(100) })],
  ["selections of one name", () => request(`{root{${"hash ".repeat(LIMITS.selections - 1)}}}`)],
  [
    "fragments that each spread the next ones",
    () =>
      request(
        `{root{...F0}} ${times(90, (i) => `fragment F${i} on AuditRoot{hash ${times(8, (j) => `...F${i + j + 1}`)}}`)} ${times(8, (i) => `fragment F${i + 90} on AuditRoot{hash}`)}`,
      ),
  ],
];

/** Texts of an event whose words cost most to cut, with what a search for them is. */
export const DEAR_TEXTS: readonly (readonly [string, unknown])[] = [
  ["letters with accents", "é".repeat(125_000)],
  ["a letter that stands for 18", "\ufdfa".repeat(80_000)],
  ["marks in the wrong order", `e${"\u0315\u0300".repeat(60_000)}`],
  ["different words", times(25_000, (i) => `é${i}`)],
  ["members", members(20_000)],
];

/** What costs most to find of what a search may ask for. */
export const DEAREST: readonly (readonly [string, () => string])[] = [
  ["words that begin so", () => searching(HEX.map((digit) => `${digit}*`).join(" OR "))],
  ["words that do not begin so", () => searching(HEX.map((digit) => `-${digit}*`).join(" "))],
  ["phrases that end with a prefix", () => searching(HEX.map((digit) => `event-${digit}*`).join(" OR "))],
  ["phrases", () => searching(times(8, (i) => `"${times(32, (j) => (j === 30 ? `w${i}` : "event"))}"`, " OR "))],
  ["words", () => searching(times(256, (i) => `e${i}`, " OR "))],
  ["words that are not there", () => searching(times(256, (i) => `-e${i}`))],
  [
    "values that it is restricted to",
    () =>
      request("query($a:[String!]){search(restriction:{actor:$a}){totalCount edges{node{hash}}}}", {
        a: Array.from({ length: 256 }, (_, i) => `${i}`.padEnd(1_000, "a")),
      }),
  ],
];
