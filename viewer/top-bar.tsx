import type { ReactElement } from "react";
import { ColumnsDialog } from "./columns-dialog.js";
import { DownloadMenu } from "./download-menu.js";
import { LiveButtons } from "./live-buttons.js";
import { useTheme } from "./theme.js";
import type { Live } from "./use-live.js";
import type { Found } from "./use-result.js";
import type { Navigate, View } from "./view.js";

interface TopBarProps {
  readonly view: View;
  readonly navigate: Navigate;
  readonly live: Live;
  readonly found: Found | undefined;
  /** Undefined where no credential is kept. */
  readonly onSignOut: (() => void) | undefined;
}

export function TopBar({ view, navigate, live, found, onSignOut }: TopBarProps): ReactElement {
  const [theme, nextTheme] = useTheme();
  return (
    <header className="top">
      <h1>
        <a href={window.location.pathname}>AuditQL</a>
      </h1>
      <LogName view={view} navigate={navigate} />
      <nav className="tools" aria-label="Tools">
        <LiveButtons live={live} view={view} />
        <DownloadMenu found={found} />
        <ColumnsDialog view={view} navigate={navigate} />
        <button type="button" aria-label={`Theme: ${theme}`} onClick={nextTheme}>
          <span>
            Theme<span className="wide">: {theme}</span>
          </span>
        </button>
        <a className="button" href="graphiql/">
          GraphiQL
        </a>
        {onSignOut !== undefined && (
          <button type="button" onClick={onSignOut}>
            Sign out
          </button>
        )}
      </nav>
    </header>
  );
}

/** The API lists no logs, so a log is named; the gateway's error names those that there are. */
function LogName({ view, navigate }: Pick<TopBarProps, "view" | "navigate">): ReactElement {
  const choose = (text: string): void => {
    navigate({ log: text.trim() === "default" ? "" : text.trim(), entry: undefined });
  };
  return (
    <label className="log-name">
      <span className="quiet">Log</span>
      <input
        key={view.log}
        defaultValue={view.log || "default"}
        spellCheck={false}
        autoComplete="off"
        onBlur={(event) => {
          choose(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") choose(event.currentTarget.value);
        }}
      />
    </label>
  );
}
