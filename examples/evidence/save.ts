import { parseArgs } from "node:util";

const PAGE = 100;

const EVIDENCE = /* GraphQL */ `
  query Evidence($query: String!, $first: Int!, $after: String, $fromSize: LeafIndex!) {
    search(query: $query, first: $first, after: $after, orderBy: { field: RECEIVED_AT, direction: ASC }) {
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

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: "string", default: "http://127.0.0.1:4000/graphql" },
    query: { type: "string", default: "" },
    format: { type: "string", default: "rfc6962" },
    "from-size": { type: "string", default: "1" },
  },
});
const [publicKey] = positionals;
if (publicKey === undefined) throw new Error("give the log's key, as you got it over a way you trust");

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

async function fetchPage(after: string | null): Promise<Page> {
  const variables = { query: values.query, first: PAGE, after, fromSize: Number(values["from-size"]) };
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
