import { expect, test } from "@jest/globals";
import { parseSchema } from "../../../src/core/event-schema.js";
import { testGateway } from "../../graphql/gateway.js";
import { openBehind } from "./circle.js";

test("the fields of a service's schema, and what did not fit it, are found, shown and verified; they are not logged", async () => {
  const message = { id: "message", type: "string", required: true };
  const parsed = parseSchema({ save_malformed: "all", fields: [message, { id: "amount", type: "integer" }] }, "");
  if (parsed.kind === "invalid") throw new Error("no schema");
  const behind = await openBehind(["default"], parsed.schema);
  const events = [
    { message: "fits", amount: 7 },
    { message: "not", amount: "7" },
  ].map((event) => ({ event }));
  await behind.engine.append({ log: "default", events, sign: false, path: "events" });
  const front = await testGateway(behind.front("default"));
  const shown = await front.text(
    '{ search(query: "fits OR not") { edges { node { event { message custom } malformed } verification { hash { status } membership { status } } } } }',
  );
  const found = await front.text('{ search(query: "amount:7") { totalCount } }');
  const logged = await front.error(
    'mutation { log(event: { message: "m", custom: { amount: 1 } }) { entry { hash } } }',
  );
  await front.close();
  await behind.close();
  const VALID = { hash: { status: "VALID" }, membership: { status: "VALID" } };
  const error = "expected an integer of at most 2^53 - 1, got text";
  expect([shown.errors, shown.data]).toEqual([
    undefined,
    {
      search: {
        edges: [
          {
            node: { event: { message: "not", custom: null }, malformed: [{ error, field: "amount", value: "7" }] },
            verification: VALID,
          },
          { node: { event: { message: "fits", custom: { amount: 7 } }, malformed: null }, verification: VALID },
        ],
      },
    },
  ]);
  expect(found.data).toEqual({ search: { totalCount: 1 } });
  expect(logged.message).toMatch(/^event\.custom\.amount: .* got an unknown field$/);
});
