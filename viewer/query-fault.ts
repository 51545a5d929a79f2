import { StateEffect, StateField, type EditorState } from "@codemirror/state";
import { Decoration, EditorView, WidgetType, type DecorationSet } from "@codemirror/view";

/** Says where the query's fault is, in characters from 1; undefined: there is none. */
export const markFault = StateEffect.define<number | undefined>();

/** Underlines the fault, until the text changes. */
export const faultMarks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) if (effect.is(markFault)) return marksAt(transaction.state, effect.value);
    return transaction.docChanged ? Decoration.none : marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function marksAt(state: EditorState, column: number | undefined): DecorationSet {
  if (column === undefined) return Decoration.none;
  const text = state.doc.toString();
  // The API counts code points, the editor UTF-16 units.
  const from = Array.from(text)
    .slice(0, column - 1)
    .join("").length;
  if (from >= text.length) return Decoration.set(atEnd.range(text.length));
  const length = /^(?:\s+|[^\s]+)/.exec(text.slice(from))?.[0].length ?? 1;
  return Decoration.set(Decoration.mark({ class: "cm-fault" }).range(from, from + length));
}

/** What is missing at the end has no text to underline. */
class EndWidget extends WidgetType {
  toDOM(): HTMLElement {
    const mark = document.createElement("span");
    mark.className = "cm-fault";
    mark.textContent = "\u00a0\u00a0";
    mark.setAttribute("aria-hidden", "true");
    return mark;
  }
}

const atEnd = Decoration.widget({ widget: new EndWidget(), side: 1 });
