import type { ReactElement } from "react";
import reference from "../docs/query-language.md";

/** The table of the section "In one minute" of the reference, whose examples a test parses. */
const EXAMPLES = reference
  .slice(reference.indexOf("## In one minute"), reference.indexOf("## Words"))
  .split("\n")
  .flatMap((line) => {
    const [, query, meaning] = /^\| `(.+?)`\s+\| (.+?)\s+\|/.exec(line) ?? [];
    return query === undefined || meaning === undefined ? [] : [{ query, meaning: meaning.replaceAll("`", "") }];
  });

export default function QueryHelp(): ReactElement {
  return (
    <div className="query-help">
      <table>
        <thead>
          <tr>
            <th scope="col">Query</th>
            <th scope="col">Finds entries where</th>
          </tr>
        </thead>
        <tbody>
          {EXAMPLES.map(({ query, meaning }) => (
            <tr key={query}>
              <td>
                <code>{query}</code>
              </td>
              <td>{meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="quiet">
        Fields: message, actor, action, new, old, source, status, target, timestamp, tenant_id. Matching ignores case;
        after = the whole value counts. Press / for the search box, arrows and Enter in the table, Escape to close an
        entry.
      </p>
    </div>
  );
}
