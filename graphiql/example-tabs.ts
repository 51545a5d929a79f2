import follow from "./operations/follow.graphql";
import log from "./operations/log.graphql";
import root from "./operations/root.graphql";
import search from "./operations/search.graphql";
import verify from "./operations/verify.graphql";

export interface ExampleTab {
  readonly query: string;
  readonly variables: string;
}

/** What a first visitor finds in the tabs, in the order to try it. */
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
];

function json(variables: object): string {
  return JSON.stringify(variables, null, 2);
}
