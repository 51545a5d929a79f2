import type { ReactElement } from "react";
import type { Json } from "../src/core/json.js";
import type { Change } from "./changes.js";
import { prettyOf } from "./entry.js";

/** The state before and after, side by side, where they differ. */
export function ChangeTable({ changes }: { readonly changes: readonly Change[] }): ReactElement {
  return (
    <table className="changes">
      <thead>
        <tr>
          <th scope="col">Member</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ path, kind, old, new: now }) => (
          <tr key={path} className={kind}>
            <th scope="row">
              {path === "" ? "the whole value" : path} <span className="unseen">({kind})</span>
            </th>
            <td className="old">{old === undefined ? <Absent /> : <del>{prettyValue(old)}</del>}</td>
            <td className="new">{now === undefined ? <Absent /> : <ins>{prettyValue(now)}</ins>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Absent(): ReactElement {
  return <span className="quiet">absent</span>;
}

/** A text beside a number of the same digits must not look the same. */
function prettyValue(value: Json): string {
  return typeof value === "string" && /^(\s*|-?[\d.]+|true|false|null)$/.test(value)
    ? JSON.stringify(value)
    : prettyOf(value);
}
