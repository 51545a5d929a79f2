import { parseArgs } from "node:util";

const PAGE = 100;

/** As `auditql` ends when it was started wrongly. */
const MISUSE = 2;

const USAGE = `Usage: save.js KEY [--url URL] [--log NAME] [--query QUERY] [--format rfc6962|pangea] [--from-size SIZE]
KEY is the verifier key of that log: each log has its own.`;

const EVIDENCE = /* GraphQL */ `
  query Evidence($query: String!, $log: ID, $first: Int!, $after: String, $fromSize: LeafIndex!) {
    search(query: $query, log: $log, first: $first, after: $after, orderBy: { field: RECEIVED_AT, direction: ASC }) {
      root {
        treeSize
        hash
        checkpoint
        consistencyProof(fromSize: $fromSize) {
          fromSize
          toSize
          fromHash
          toHash
          path
        }
      }
      nodes {
        leafIndex
        hash
        canonical
        membershipProof {
          leafIndex
          treeSize
          leafHash
          rootHash
          path
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

interface Page {
  /** One root for all pages: a search is pinned to the tree that it began with. */
  readonly root: unknown;
  readonly nodes: readonly unknown[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

interface Answer {
  readonly data?: { readonly search: Page } | null;
  readonly errors?: readonly { readonly message: string }[];
}

const { values, publicKey } = givenOrExit();

const pages: Page[] = [];
for (let after: string | null = null, more = true; more;) {
  const page: Page = await fetchPage(after);
  pages.push(page);
  after = page.pageInfo.endCursor;
  more = page.pageInfo.hasNextPage;
}
const [origin = ""] = publicKey.split("+", 1);
const entries = pages.flatMap(({ nodes }) => nodes);
const roots = pages.slice(0, 1).map(({ root }) => root);
console.log(JSON.stringify({ format: values.format, origin, publicKey, entries, roots }, null, 2));

function givenOrExit() {
  try {
    return given();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(MISUSE);
  }
}

/** Throws a TypeError that names what is unknown, missing or too much. */
function given() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: "string", default: "http://127.0.0.1:4000/graphql" },
      log: { type: "string" },
      query: { type: "string", default: "" },
      format: { type: "string", default: "rfc6962" },
      "from-size": { type: "string", default: "1" },
    },
  });
  const [publicKey, ...more] = positionals;
  if (publicKey === undefined) throw new TypeError("Give the log's key, as you got it over a way you trust.");
  if (more.length > 0) throw new TypeError(`Give one key: ${more.join(" ")} is too much.`);
  return { values, publicKey };
}

async function fetchPage(after: string | null): Promise<Page> {
  const { query, log, "from-size": fromSize } = values;
  const variables = { query, log, first: PAGE, after, fromSize: Number(fromSize) };
  const response = await fetch(values.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: EVIDENCE, variables }),
  });
  const answer = (await response.json()) as Answer;
  if (!answer.data || answer.errors) {
    throw new Error(answer.errors?.map(({ message }) => message).join("\n") ?? response.statusText);
  }
  return answer.data.search;
}
