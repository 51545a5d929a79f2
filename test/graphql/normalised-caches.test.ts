import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { fill, openTestService } from "../engine/test-log.js";
import { CLIENTS, type CachingClient, type Operations } from "./caching-clients.js";
import { testGateway, type TestGateway } from "./gateway.js";

const ROOT = "root { id treeSize hash }";
const PROOF = `membershipProof { id leafIndex treeSize rootHash ${ROOT} }`;
const EDGE = `id cursor ${PROOF} verification { membership { status } } node { id leafIndex }`;
const PAGE = `${ROOT} edges { ${EDGE} } pageInfo { hasNextPage endCursor }`;
const FIRST = "first: 3, orderBy: { direction: ASC }";

/** What the screens of one page of a front end ask for; the names are as Relay wants them. */
const OPERATIONS: Operations = {
  ScreensFirstQuery: `query ScreensFirstQuery { search(${FIRST}) { ${PAGE} } }`,
  ScreensFoundQuery: `query ScreensFoundQuery { search(query: "event", ${FIRST}) { ${PAGE} } }`,
  ScreensNewestQuery: `query ScreensNewestQuery { search(first: 20) { ${PAGE} } }`,
  ScreensNodesQuery:
    "query ScreensNodesQuery { search(first: 20) { edges { id node { id } } pageInfo { endCursor } } }",
  ScreensSizesQuery: `query ScreensSizesQuery { search(first: 20) { edges { id membershipProof { id treeSize } node { id } } } }`,
  ScreensRootQuery: `query ScreensRootQuery { search(first: 20) { ${ROOT} } }`,
  ScreensEntryQuery: `query ScreensEntryQuery { entry(leafIndex: 0) { id leafIndex ${PROOF} } }`,
  ScreensSizeQuery: "query ScreensSizeQuery { entry(leafIndex: 0) { id membershipProof { id treeSize } } }",
  ScreensPagesQuery: `query ScreensPagesQuery($after: String) {
    search(query: "event", first: 20, after: $after) @connection(key: "Screens_search") {
      resultId expiresAt edges { id cursor node { id leafIndex } } pageInfo { hasNextPage endCursor } } }`,
};

interface Root {
  readonly treeSize: number;
  readonly hash: string;
}

interface Proof {
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly rootHash: string;
  readonly root: Root;
}

interface Page {
  readonly root: Root;
  readonly edges: readonly {
    readonly membershipProof: Proof;
    readonly verification: unknown;
    readonly node: { readonly leafIndex: number };
  }[];
  readonly pageInfo: { readonly endCursor: string };
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await testGateway(await openTestService());
  await fill(gateway.service, 90);
});
afterAll(() => gateway.close());

describe.each(CLIENTS)("%s", (_name, open) => {
  let client: CachingClient;
  beforeEach(async () => {
    client = await open(`${gateway.url}/graphql`, OPERATIONS);
  });
  afterEach(() => {
    client.close();
  });

  /** Asks as one screen, then as another when the log has grown. */
  async function fetchAcrossGrowth(screen: string, other: string): Promise<void> {
    await client.fetch(screen);
    await gateway.text('mutation { log(event: { message: "event of the meantime" }) { root { treeSize } } }');
    await client.fetch(other);
  }

  test.each(["ScreensFoundQuery", "ScreensEntryQuery", "ScreensNewestQuery"])(
    "shows a page with the proofs of its root when %s read the same entries in a later tree",
    async (other) => {
      await fetchAcrossGrowth("ScreensFirstQuery", other);
      const { root, edges } = shownPage(client, "ScreensFirstQuery");
      expect(root.treeSize).toBe((await gateway.service.root("default")).treeSize - 1);
      expect(edges.map(({ node }) => node.leafIndex)).toEqual([0, 1, 2]);
      for (const { membershipProof, verification } of edges) {
        expect(membershipProof).toMatchObject({ treeSize: root.treeSize, rootHash: root.hash });
        expect(verification).toMatchObject({ membership: { status: "VALID" } });
      }
    },
  );

  // Objects without an id are merged member by member: the newer answer's entry would stand beside the older one's proof.
  test.each(["ScreensNodesQuery", "ScreensSizesQuery", "ScreensRootQuery"])(
    "shows no entry beside another's proof, and no proof beside another tree's root, when %s had some of the same search again",
    async (other) => {
      await fetchAcrossGrowth("ScreensNewestQuery", other);
      const shown = client.cached("ScreensNewestQuery") as { readonly search: Page } | null;
      const edges = shown?.search.edges ?? [];
      for (const { node, membershipProof } of edges) {
        expect(membershipProof.leafIndex).toBe(node.leafIndex);
        expectWhole(membershipProof);
      }
      expect(new Set(edges.map(({ membershipProof }) => membershipProof.treeSize)).size).toBeLessThanOrEqual(1);
      await client.fetch("ScreensNewestQuery");
      expect(shownPage(client, "ScreensNewestQuery").edges).toHaveLength(20);
    },
  );

  test("shows a proof under the newest root whole, or asks for it again", async () => {
    await fetchAcrossGrowth("ScreensEntryQuery", "ScreensSizeQuery");
    const entry = () =>
      client.cached("ScreensEntryQuery") as { readonly entry: { readonly membershipProof: Proof } } | null;
    const early = entry();
    if (early !== null) expectWhole(early.entry.membershipProof);
    await client.fetch("ScreensEntryQuery");
    const { treeSize } = await gateway.service.root("default");
    expect(entry()?.entry.membershipProof).toMatchObject({ treeSize, root: { treeSize } });
  });

  test("adds page to page of a result whose resultId is selected", async () => {
    let after: string | null = null;
    const counts: number[] = [];
    for (let page = 0; page < 4; page++) {
      await client.fetch("ScreensPagesQuery", { after });
      const { edges, pageInfo } = shownPage(client, "ScreensPagesQuery");
      counts.push(new Set(edges.map(({ node }) => node.leafIndex)).size);
      after = pageInfo.endCursor;
    }
    expect(counts).toEqual([20, 40, 60, 80]);
  });
});

function shownPage(client: CachingClient, screen: string): Page {
  const shown = client.cached(screen) as { readonly search: Page } | null;
  if (shown === null) throw new Error(`the cache lacks some of ${screen}`);
  return shown.search;
}

function expectWhole({ treeSize, rootHash, root }: Proof): void {
  expect(root).toMatchObject({ treeSize, hash: rootHash });
}
