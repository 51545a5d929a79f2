import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createKey } from "../../src/access/key-file.js";
import { auditEvent, type WebhookEvent } from "../../examples/webhooks/audit-event.js";
import { readWebhooks } from "../../examples/webhooks/payloads.js";
import { type GatewayProcess, gatewayFolder, removeFolder, startGateway } from "../gateway.js";

const PROGRAM = fileURLToPath(new URL("../../examples/webhooks/import.js", import.meta.url));
/** A busy machine starts two processes, and logs every payload, slowly. */
const START_MS = 600_000;

const PAGE = /* GraphQL */ `
  query Page($query: String! = "", $restriction: AuditSearchRestriction, $first: Int, $after: String) {
    search(
      query: $query
      restriction: $restriction
      orderBy: { field: RECEIVED_AT, direction: ASC }
      first: $first
      after: $after
    ) {
      totalCount
      nodes {
        leafIndex
        event {
          actor
          action
          source
          target
          message
          new
          old
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

const VERDICTS = /* GraphQL */ `
  query Verdicts($query: String!) {
    search(query: $query, first: 50) {
      nodes {
        verification {
          hash {
            status
          }
          membership {
            status
          }
        }
      }
    }
  }
`;

interface Page {
  readonly search: {
    readonly totalCount: number;
    readonly nodes: readonly { readonly leafIndex: number; readonly event: Readonly<Record<string, unknown>> }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

interface Verdicts {
  readonly search: { readonly nodes: readonly unknown[] };
}

describe("GitHub's webhooks, imported by the example program", () => {
  const events = readWebhooks().map((webhook) => auditEvent(webhook).event);
  const folder = gatewayFolder();
  let gateway: GatewayProcess;
  let printed = "";
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    const apiKeys = join(folder, "keys.json");
    const scopes = ["audit:log", "audit:read"] as const;
    const { text } = await createKey(apiKeys, { name: "webhooks", scopes }, new Date());
    gateway = await startGateway({ folder, env: { AUDITQL_API_KEYS: apiKeys } });
    env = { ...process.env, AUDITQL_TOKEN: text };
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, `${gateway.url}/graphql`], { env });
    printed = stdout;
  }, START_MS);

  afterAll(async () => {
    await gateway.stop();
    removeFolder(folder);
  });

  async function read<Data>(query: string, variables: object): Promise<Data> {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${env["AUDITQL_TOKEN"] ?? ""}` },
      body: JSON.stringify({ query, variables }),
    });
    return ((await response.json()) as { readonly data: Data }).data;
  }
  const page = async (variables: Readonly<Record<string, unknown>>): Promise<Page["search"]> =>
    (await read<Page>(PAGE, variables)).search;
  const count = (matches: (event: WebhookEvent) => boolean): number => events.filter(matches).length;

  test("are refused without the credential in AUDITQL_TOKEN, with what to do", async () => {
    const without = { env: { ...env, AUDITQL_TOKEN: undefined } };
    const refused = promisify(execFile)(process.execPath, [PROGRAM, `${gateway.url}/graphql`], without);
    await expect(refused).rejects.toThrow("this gateway asks for a credential");
  });

  test("are several hundred, and the program says how many", () => {
    expect(events.length).toBeGreaterThan(500);
    expect(printed).toContain(`imported ${events.length} webhooks`);
  });

  test("are all there, page by page, in the order and with the objects of the payload files", async () => {
    const found: Page["search"]["nodes"][number][] = [];
    for (let after: string | null = null, more = true; more;) {
      const { nodes, pageInfo }: Page["search"] = await page({ first: 100, after });
      found.push(...nodes);
      after = pageInfo.endCursor;
      more = pageInfo.hasNextPage;
    }
    expect(found.map(({ leafIndex }) => leafIndex)).toEqual(events.map((_event, place) => place));
    expect(found.map(({ event }) => withoutNulls(event))).toEqual(events);
  });

  test.each(["issues.opened", "push", "pull_request_review_comment.created"])(
    "are found by their whole action %s as often as the files have it",
    async (action) => {
      expect(count((event) => event.action === action)).toBeGreaterThan(0);
      const { totalCount } = await page({ query: `action="${action}"` });
      expect(totalCount).toBe(count((event) => event.action === action));
    },
  );

  test("are restricted to a repository and a source as often as the files have them", async () => {
    const restriction = { target: ["Codertocat/Hello-World"], source: ["ghes-35", "ghes-34"] };
    const { totalCount } = await page({ restriction });
    expect(totalCount).toBeGreaterThan(10);
    expect(totalCount).toBe(
      count(({ target, source }) => restriction.target.includes(target ?? "") && restriction.source.includes(source)),
    );
  });

  test("are found by a word in the sentence that is no part of another word", async () => {
    const { totalCount } = await page({ query: "message:deployment -message:review" });
    const words = (event: WebhookEvent): readonly string[] => event.message.toLowerCase().split(/[^a-z0-9]+/);
    expect(totalCount).toBe(count((event) => words(event).includes("deployment") && !words(event).includes("review")));
    expect(totalCount).toBeGreaterThan(0);
  });

  test("are all VALID, hash and membership", async () => {
    const { nodes } = (await read<Verdicts>(VERDICTS, { query: "action=push OR action=fork" })).search;
    expect(nodes.length).toBeGreaterThan(5);
    const valid = { verification: { hash: { status: "VALID" }, membership: { status: "VALID" } } };
    expect(nodes).toEqual(nodes.map(() => valid));
  });
});

function withoutNulls(event: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== null));
}
