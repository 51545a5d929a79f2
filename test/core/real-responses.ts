import type { AuditService } from "../../src/audit/service.js";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { parseSchema } from "../../src/core/event-schema.js";
import type { FormatName } from "../../src/core/format.js";
import { openLocalService } from "../../src/engine/local-service.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openStore } from "../../src/stores/index.js";
import { KEYRING } from "../keyring.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import type { Value } from "./mutable-value.js";

/** What a gateway returned, as `verifyResponse` takes it; a download as text. */
export type RealResponse =
  | { readonly kind: "entry"; readonly entry: Value }
  | { readonly kind: "page"; readonly page: Value }
  | { readonly kind: "receipt"; readonly receipt: Value }
  | { readonly kind: "root"; readonly root: Value }
  | { readonly kind: "roots"; readonly older: Value; readonly newer: Value }
  | { readonly kind: "download"; readonly download: string };

/** One of a log's responses, with a root of the log that its reader may remember. */
export interface RealCase {
  readonly format: FormatName;
  readonly verifierKey: string;
  readonly response: RealResponse;
  readonly known: { readonly treeSize: number; readonly hash: string };
}

const SCHEMA = parseSchema(
  {
    save_malformed: "all",
    fields: [
      { id: "message", type: "string", required: true },
      { id: "amount", type: "integer" },
      { id: "due", type: "datetime" },
      { id: "note", type: "text" },
    ],
  },
  "",
);

const LOGS = ["default", "payments", "invoices"] as const;

const EVENTS: readonly object[] = [
  { actor: "dana", action: "login", status: "failed", message: "wrong password" },
  { actor: "erin", message: { text: "Grüße, 世界 🎉", numbers: [1.5, 1e-7, 12] }, new: { "€": [null, true] } },
  { message: "a change", old: "before", new: "after", source: "10.0.0.1", target: "invoice 7", tenantId: "acme" },
  { message: "long ".repeat(60), timestamp: "2026-01-01T00:00:00+01:00" },
];

/** Of the log with a schema of its own: the last one does not fit it. */
const INVOICES: readonly object[] = [
  { message: "paid", custom: { amount: 7, due: "2026-01-31T09:00:00Z" } },
  { message: "noted", custom: { note: "ünïcode text with words" } },
  { message: "malformed", custom: { amount: "seven" } },
];

const PARTS = /* GraphQL */ `
  fragment EntryParts on AuditEntry {
    leafIndex
    hash
    canonical
  }
  fragment PathParts on AuditMembershipProof {
    leafIndex
    treeSize
    leafHash
    rootHash
    path
    root {
      ...RootParts
    }
  }
  fragment RootParts on AuditRoot {
    treeSize
    hash
    checkpoint
    consistencyProof(fromSize: 3) {
      fromSize
      toSize
      fromHash
      toHash
      path
    }
  }
`;

const LOG = /* GraphQL */ `
  mutation ($event: AuditEventInput!, $log: ID!) {
    log(event: $event, log: $log) {
      entry {
        ...EntryParts
      }
      membershipProof {
        ...PathParts
      }
      root {
        ...RootParts
      }
    }
  }
  ${PARTS}
`;

const LOG_BULK = /* GraphQL */ `
  mutation ($events: [AuditEventInput!]!, $log: ID!, $sign: Boolean!) {
    logBulk(events: $events, log: $log, sign: $sign) {
      entries {
        ...EntryParts
      }
      receipts {
        entry {
          ...EntryParts
        }
        membershipProof {
          ...PathParts
        }
      }
      root {
        treeSize
        hash
        checkpoint
      }
    }
  }
  ${PARTS}
`;

const READ = /* GraphQL */ `
  query ($log: ID!) {
    old: root(treeSize: 3, log: $log) {
      treeSize
      hash
      checkpoint
    }
    middle: root(treeSize: 6, log: $log) {
      ...RootParts
    }
    root(log: $log) {
      ...RootParts
    }
    entry(leafIndex: 2, log: $log) {
      ...EntryParts
      membershipProof {
        ...PathParts
      }
    }
    earlier: entry(leafIndex: 1, log: $log) {
      ...EntryParts
      membershipProof(treeSize: 5) {
        ...TextParts
      }
    }
    search(first: 5, log: $log) {
      resultId
      root {
        ...RootParts
      }
      edges {
        node {
          ...EntryParts
        }
        membershipProof {
          ...PathParts
        }
      }
    }
    short: search(first: 2, log: $log, orderBy: { field: RECEIVED_AT, direction: ASC }) {
      root {
        ...RootParts
      }
      edges {
        node {
          ...EntryParts
        }
        membershipProof {
          ...TextParts
        }
      }
    }
    nodes: search(first: 3, log: $log) {
      nodes {
        ...EntryParts
        membershipProof {
          ...PathParts
        }
      }
    }
  }
  fragment TextParts on AuditMembershipProof {
    leafIndex
    treeSize
    leafHash
    rootHash
    text
    root {
      ...RootParts
    }
  }
  ${PARTS}
`;

const DOWNLOAD = /* GraphQL */ `
  mutation ($id: ID!) {
    json: downloadResults(id: $id, format: JSON) {
      url
    }
    lines: downloadResults(id: $id, format: EVIDENCE) {
      url
    }
  }
`;

/** Logs events over HTTP in logs of both formats and in one with a schema of its own, and reads what the gateway returns of them. */
export async function realResponses(): Promise<readonly [RealCase, ...RealCase[]]> {
  if (SCHEMA.kind === "invalid") throw new Error(JSON.stringify(SCHEMA.problems));
  const { log: store, index } = indexed(await openStore("memory:"), KEYRING);
  const service = await openLocalService({
    ...{ store, index, cache: new MemoryRootCache(), keyring: KEYRING, origin: "test.example/auditql" },
    logs: [
      { log: "default", format: "rfc6962" },
      { log: "payments", format: "pangea" },
      { log: "invoices", format: "pangea", schema: SCHEMA.schema },
    ],
  });
  const gateway = await testGateway(service);
  try {
    const cases: RealCase[] = [];
    // One after the other: a requester has few downloads at once.
    for (const log of LOGS) cases.push(...(await casesOf(gateway, service, log)));
    const [first, ...others] = cases;
    if (first === undefined) throw new Error("no log has a response");
    return [first, ...others];
  } finally {
    await gateway.close();
    await index.close();
    await store.close();
  }
}

async function casesOf(gateway: TestGateway, service: AuditService, log: string): Promise<readonly RealCase[]> {
  const { verifierKey, format } = await service.identity(log);
  const events = log === "invoices" ? INVOICES : EVENTS;
  const unsigned = await asked(gateway, LOG_BULK, { events, log, sign: false });
  const signed = await asked(gateway, LOG_BULK, { events, log, sign: true });
  const { log: logged = null } = await asked(gateway, LOG, { log, event: events[0] });
  const { old = null, middle = null, root = null, ...read } = await asked(gateway, READ, { log });
  const { entry = null, earlier = null, search = null, short = null, nodes = null } = read;
  const { json, lines } = await asked(gateway, DOWNLOAD, { id: memberOf(search, "resultId") });
  const responses: readonly RealResponse[] = [
    ...[entry, earlier].map((one) => ({ kind: "entry" as const, entry: one })),
    ...[search, short, nodes].map((page) => ({ kind: "page" as const, page })),
    ...[unsigned["logBulk"] ?? null, signed["logBulk"] ?? null, logged].map((receipt) => ({
      kind: "receipt" as const,
      receipt,
    })),
    { kind: "receipt", receipt: withoutReceipts(signed["logBulk"] ?? null) },
    { kind: "root", root },
    { kind: "roots", older: old, newer: root },
    { kind: "roots", older: old, newer: middle },
    { kind: "download", download: await downloaded(json) },
    { kind: "download", download: await downloaded(lines) },
  ];
  const known = { treeSize: Number(memberOf(old, "treeSize")), hash: textOf(memberOf(old, "hash")) };
  return responses.map((response) => ({ format: format.name, verifierKey, response, known }));
}

async function asked(gateway: TestGateway, query: string, variables: object): Promise<Readonly<Record<string, Value>>> {
  const { data, errors } = await gateway.text(query, variables);
  if (errors !== undefined || !data) throw new Error(JSON.stringify(errors));
  return data as Readonly<Record<string, Value>>;
}

async function downloaded(link: Value | undefined): Promise<string> {
  const response = await fetch(textOf(memberOf(link, "url")), { headers: { connection: "close" } });
  if (!response.ok) throw new Error(`a download is answered with ${response.status}`);
  return response.text();
}

function textOf(value: Value): string {
  if (typeof value !== "string") throw new Error("the gateway returned what is no text");
  return value;
}

/** As a client that selects `entries` alone. */
function withoutReceipts(receipt: Value): Value {
  return { entries: memberOf(receipt, "entries"), root: memberOf(receipt, "root") };
}

function memberOf(value: Value | undefined, name: string): Value {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !(name in value))
    throw new Error(`the gateway returned nothing with ${name}`);
  return value[name] ?? null;
}
