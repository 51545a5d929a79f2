import byId from "./operations/by-id.graphql";
import download from "./operations/download.graphql";
import entry from "./operations/entry.graphql";
import findBurst from "./operations/find-burst.graphql";
import follow from "./operations/follow.graphql";
import logBurst from "./operations/log-burst.graphql";
import logSeveral from "./operations/log-several.graphql";
import log from "./operations/log.graphql";
import resultPage from "./operations/result-page.graphql";
import result from "./operations/result.graphql";
import root from "./operations/root.graphql";
import search from "./operations/search.graphql";
import verify from "./operations/verify.graphql";

export interface ExampleTab {
  readonly query: string;
  readonly variables: string;
}

/** What a first visitor finds in the tabs, in the order to try it: each operation of the API stands in one of them. */
export const exampleTabs: readonly ExampleTab[] = [
  {
    query: log,
    variables: json({
      event: {
        actor: "dana@example.com",
        action: "change",
        target: "invoice 1007",
        status: "success",
        source: "graphiql",
        message: "Dana changed the amount of invoice 1007",
        old: { amount: 100, currency: "EUR" },
        new: { amount: 120, currency: "EUR" },
      },
    }),
  },
  { query: search, variables: json({ query: "invoice", first: 5, after: null }) },
  { query: verify, variables: json({ first: 3 }) },
  { query: root, variables: json({ fromSize: 1 }) },
  { query: follow, variables: json({ from: 0 }) },
  { query: result, variables: json({ query: "" }) },
  { query: resultPage, variables: json({ id: "the resultId of CountAndKeep", offset: 0, first: 5 }) },
  { query: download, variables: json({ id: "the resultId of CountAndKeep", format: "CSV" }) },
  { query: entry, variables: json({ leafIndex: 0, treeSize: null }) },
  { query: byId, variables: json({ id: "the id of OneEntry", ids: ["the id of OneEntry"] }) },
  {
    query: logSeveral,
    variables: json({
      events: [{ actor: "erin", message: "first" }, { message: { text: "second" } }, { message: "" }],
    }),
  },
  { query: logBurst, variables: json({ events: [{ message: "one of many" }, { message: "another" }] }) },
  { query: findBurst, variables: json({ id: "the id of LogBurst" }) },
];

function json(variables: object): string {
  return JSON.stringify(variables, null, 2);
}
