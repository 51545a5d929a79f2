import type { Access } from "../access/authenticate.js";
import { accessSentence } from "../access/open-access.js";

export interface Started {
  readonly store: string;
  readonly access: Access;
  readonly url: string;
  readonly verifierKey: string;
}

const FIRST_MUTATION = `mutation {
  log(event: { message: "hello", actor: "me", action: "try" }) {
    entry { leafIndex hash }
    root { treeSize hash }
    verification { membership { status } }
  }
}`;

/** What the operator sees when the gateway is up: where everything is, and something to paste. */
export function banner({ store, access, url, verifierKey }: Started): string {
  const query = JSON.stringify({ query: FIRST_MUTATION.replace(/\s+/g, " ") });
  return `AuditQL is ready.

  Viewer     ${url}/
  GraphQL    ${url}/graphql
  GraphiQL   ${url}/graphiql/
  Log        ${withoutPassword(store)}${/^pangea[+:]/.test(store) ? " (that service keeps it; verified here)" : ""}
  Log's key  ${verifierKey}
  Access     ${accessSentence(access)}

A first event, to paste into GraphiQL:

${FIRST_MUTATION.replace(/^/gm, "  ")}

or into a terminal:

  curl -s ${url}/graphql -H 'content-type: application/json' \\
${access.kind === "open" ? "" : "    -H 'authorization: Bearer YOUR-CREDENTIAL' \\\n"}    -d '${query}'

`;
}

/** The banner ends up in log files. */
export function withoutPassword(storeUrl: string): string {
  return storeUrl.replace(/^([a-z+]+:\/\/[^:@/?#]*):.*@/, "$1:***@").replace(/([?&]password=)[^&#]*/g, "$1***");
}
