import { auditEvent, type WebhookEvent } from "./audit-event.js";
import { readWebhooks } from "./payloads.js";

const BATCH = 100;

const LOG_BULK = /* GraphQL */ `
  mutation ImportWebhooks($events: [AuditEventInput!]!) {
    logBulk(events: $events) {
      entries {
        leafIndex
      }
      root {
        treeSize
        hash
      }
    }
  }
`;

interface Answer {
  readonly data?: { readonly logBulk: Receipt } | null;
  readonly errors?: readonly { readonly message: string }[];
}

interface Receipt {
  readonly entries: readonly { readonly leafIndex: number }[];
  readonly root: { readonly treeSize: number; readonly hash: string };
}

const url = process.argv[2] ?? "http://127.0.0.1:4000/graphql";
const token = process.env["AUDITQL_TOKEN"];
const translations = readWebhooks().map(auditEvent);

for (const { event, leftOut } of translations) {
  for (const field of leftOut) console.warn(`"${event.message}": its \`${field}\` is too long and is not logged`);
}
for (let start = 0; start < translations.length; start += BATCH) {
  const { entries, root } = await logBulk(translations.slice(start, start + BATCH).map(({ event }) => event));
  console.log(`logged ${entries.length} events; the root of ${root.treeSize} entries is ${root.hash}`);
}
console.log(`imported ${translations.length} webhooks`);

async function logBulk(events: readonly WebhookEvent[]): Promise<Receipt> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query: LOG_BULK, variables: { events } }),
  });
  const answer = (await response.json()) as Answer;
  if (!answer.data) throw new Error(answer.errors?.map(({ message }) => message).join("\n") ?? response.statusText);
  return answer.data.logBulk;
}
