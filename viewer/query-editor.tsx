import { autocompletion, completionKeymap, closeCompletion } from "@codemirror/autocomplete";
import { history, historyKeymap } from "@codemirror/commands";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { useEffect, useRef, type ReactElement, type RefObject } from "react";
import { completeQuery } from "./query-completion.js";
import { faultMarks, markFault } from "./query-fault.js";
import { QUERY_HINT, QUERY_LABEL, useSearchFocus, type QueryFieldProps } from "./query-field.js";
import { queryTheme } from "./query-theme.js";

/** The search box: one line, with completion, undo, and the place of a fault underlined. */
export default function QueryEditor(props: QueryFieldProps): ReactElement {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView>(null);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    if (place.current === null) return;
    const view = openEditor(place.current, latest);
    editor.current = view;
    return () => {
      view.destroy();
    };
  }, []);
  const { text, column } = props;
  useEffect(() => {
    const view = editor.current;
    if (view === null) return;
    const shown = view.state.doc.toString();
    if (shown !== text) view.dispatch({ changes: { from: 0, to: shown.length, insert: text } });
    view.dispatch({ effects: markFault.of(column) });
  }, [text, column]);
  useSearchFocus(() => {
    editor.current?.focus();
  });
  return <div ref={place} className="query-editor" />;
}

/** In a shadow root the editor's styles are constructed sheets, which need no exception of the page's content security policy. */
function openEditor(place: HTMLElement, latest: RefObject<QueryFieldProps>): EditorView {
  const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
  return new EditorView({
    parent: root,
    root,
    state: EditorState.create({ doc: latest.current.text, extensions: extensionsOf(latest) }),
  });
}

function extensionsOf(latest: RefObject<QueryFieldProps>) {
  const search = (view: EditorView): boolean => {
    closeCompletion(view);
    latest.current.onSearch();
    return true;
  };
  return [
    history(),
    // Enter searches for what is typed, unless one of the completions was chosen.
    autocompletion({ selectOnOpen: false, override: [completeQuery(() => latest.current.seen)], icons: false }),
    keymap.of([...completionKeymap, ...historyKeymap]),
    // All else that keys do in one line, the browser does itself.
    Prec.low(keymap.of([{ key: "Enter", run: search }])),
    oneLine,
    placeholder(QUERY_HINT),
    EditorView.contentAttributes.of({
      "aria-label": QUERY_LABEL,
      "aria-multiline": "false",
      spellcheck: "false",
      tabindex: "0",
    }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) latest.current.onText(update.state.doc.toString());
    }),
    faultMarks,
    queryTheme,
  ];
}

/** Line ends of what is pasted become blanks. */
const oneLine = EditorState.transactionFilter.of((transaction) => {
  if (transaction.newDoc.lines === 1) return transaction;
  const insert = transaction.newDoc.toString().replaceAll("\n", " ");
  const changes = { from: 0, to: transaction.startState.doc.length, insert };
  return { changes, selection: { anchor: insert.length } };
});
