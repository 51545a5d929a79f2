import {
  pickedCompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  type CompletionSource,
} from "@codemirror/autocomplete";
import type { EditorView } from "@codemirror/view";
import { queryFor } from "./entry.js";
import type { ValuesSeen } from "./values-seen.js";

const FIELDS: readonly (readonly [name: string, detail: string])[] = [
  ["actor", "who did it"],
  ["action", "what was done"],
  ["target", "what it was done to"],
  ["status", "how it ended"],
  ["source", "where it came from"],
  ["message", "what happened"],
  ["tenant_id", "for whom"],
  ["old", "the value before"],
  ["new", "the value after"],
  ["timestamp", "the event's own time"],
];

/** Completes names of fields, and after `field:` or `field=` the values that the page has shown. */
export function completeQuery(seen: () => ValuesSeen): CompletionSource {
  return (context) => completeValue(context, seen()) ?? completeField(context);
}

function completeValue(context: CompletionContext, seen: ValuesSeen): CompletionResult | null {
  const typed = context.matchBefore(/\b[a-z_]+[:=][^\s"()]*$/);
  const [, field = "", begun = ""] = /^([a-z_]+)[:=](.*)$/.exec(typed?.text ?? "") ?? [];
  const values = seen.get(field);
  if (typed === null || values === undefined || values.size === 0) return null;
  // What is typed of the value is compared with the values; accepted, the whole term is written as the language spells it.
  const insert = insertAt(typed.from);
  return {
    from: typed.to - begun.length,
    options: [...values].map((label) => ({ label, apply: insert(`${queryFor(field, label)} `) })),
  };
}

function insertAt(from: number) {
  return (insert: string) => (view: EditorView, completion: Completion) => {
    const { head } = view.state.selection.main;
    view.dispatch({
      changes: { from, to: head, insert },
      selection: { anchor: from + insert.length },
      annotations: pickedCompletion.of(completion),
    });
  };
}

function completeField(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/(^|[\s(!-])[a-z_]*$/);
  if (word === null || (word.text.trim() === "" && !context.explicit)) return null;
  const from = word.from + (/^[\s(!-]/.test(word.text) ? 1 : 0);
  return {
    from,
    options: FIELDS.map(([name, detail]) => ({ label: name, detail, apply: `${name}:` })),
    validFor: /^[a-z_]*$/,
  };
}
