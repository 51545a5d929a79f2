import { describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { indexed } from "../../src/engine/search/open-index.js";
import { openStore } from "../../src/stores/index.js";
import { openTestService } from "../engine/test-log.js";
import { LogDocument, SearchDocument } from "../generated/operations.js";
import { KEYRING } from "../keyring.js";
import { frontEndContract } from "./front-end-contract.js";
import { testGateway } from "./gateway.js";

describe.each(["memory", "sqlite"])("a front end of a gateway on %s", (engine) => {
  frontEndContract(async () => {
    const folder = await mkdtemp(join(tmpdir(), "auditql-front-end-"));
    const store = indexed(
      await openStore(engine === "sqlite" ? `sqlite:${join(folder, "audit.db")}` : "memory:"),
      KEYRING,
    );
    const gateway = await testGateway(await openTestService({ store: store.log, index: store.index }));
    const close = async (): Promise<void> => {
      await gateway.close();
      await store.index.close();
      await store.log.close();
      await rm(folder, { recursive: true });
    };
    return { gateway, close };
  });
});

test("a search of a log without entries is answered like any other, with the root of the empty tree", async () => {
  const gateway = await testGateway(await openTestService());
  const { search } = await gateway.data(SearchDocument, {});
  expect(search).toMatchObject({ totalCount: 0, edges: [], root: { treeSize: 0 } });
  await gateway.data(LogDocument, { event: { message: "the first" } });
  const { data } = await gateway.text("{ root(treeSize: 0) { treeSize hash } }");
  expect(data?.["root"]).toEqual(search.root);
  await gateway.close();
});
