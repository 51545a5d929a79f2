import { lazy, Suspense, type ReactElement } from "react";
import { ButtonDialog } from "./dialog.js";

const QueryHelp = lazy(() => import("./query-help.js"));

export function HelpDialog(): ReactElement {
  return (
    <ButtonDialog button="?" label="Help with queries" title="The query language">
      <Suspense fallback={<p className="quiet">Loading …</p>}>
        <QueryHelp />
      </Suspense>
    </ButtonDialog>
  );
}
