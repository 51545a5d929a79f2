import { EditorView } from "@codemirror/view";

/** The page's colors: custom properties are seen from inside the editor's shadow root. */
export const queryTheme = EditorView.theme({
  "&": { font: "inherit", color: "var(--text)", height: "34px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { font: "inherit", lineHeight: "20px", overflowX: "auto", scrollbarWidth: "none" },
  ".cm-content": { padding: "7px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 10px" },
  ".cm-placeholder": { color: "var(--quiet)", maxWidth: "100%", overflow: "hidden", textOverflow: "ellipsis" },
  ".cm-fault": { textDecoration: "underline wavy var(--red)", textUnderlineOffset: "3px" },
  ".cm-tooltip": {
    background: "var(--surface)",
    border: "1px solid var(--line)",
    borderRadius: "6px",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { font: "inherit", maxHeight: "240px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "4px 10px", color: "var(--text)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--chosen)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--quiet)", fontStyle: "normal", marginLeft: "12px" },
});
