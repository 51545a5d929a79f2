import * as Dialog from "@radix-ui/react-dialog";
import type { ReactElement } from "react";
import { CopyMenu } from "./copy-menu.js";
import { EntryBody } from "./entry-body.js";
import type { Entry } from "./entry.js";
import { checksOf, colorOf, DAMAGED } from "./lock.js";
import { CheckList, LockMark } from "./lock-mark.js";
import type { SignedTree } from "./trust.js";
import { useEntry } from "./use-entry.js";
import { useVerdicts, type Trust } from "./use-trust.js";
import type { Navigate, View } from "./view.js";

interface EntryViewProps {
  readonly view: View;
  /** Undefined where there is no table to search. */
  readonly navigate: Navigate | undefined;
  readonly leafIndex: number;
  /** The tree that the entry is proven in where it is old enough; undefined: the newest. */
  readonly tree: SignedTree | undefined;
  readonly trust: Trust;
  readonly onOpen: (entry: number) => void;
  /** What closes the dialog that it is in; undefined: it is in none. */
  readonly close: ReactElement | undefined;
}

/** One entry: its lock, its neighbours, and everything there is of it. */
export function EntryView(props: EntryViewProps): ReactElement {
  const { view, navigate, leafIndex, tree, trust, onOpen, close } = props;
  const one = useEntry({ log: view.log, leafIndex, treeSize: tree?.treeSize });
  const { entry, before, after, failure, isLoading } = one;
  const verdicts = useVerdicts(entry, trust.checker);
  const isDamaged = failure?.kind === "damage";
  const checked = verdicts === undefined ? [] : checksOf(verdicts, trust.history, entry?.proof?.treeSize ?? 0);
  const checks = isDamaged ? DAMAGED : checked;
  const title = <h2>Entry {(one.leafIndex ?? leafIndex).toLocaleString("en")}</h2>;
  return (
    <>
      <div className="panel-head">
        <LockMark color={checks.length === 0 ? "grey" : colorOf(checks)} checks={checks} />
        {close === undefined ? title : <Dialog.Title asChild>{title}</Dialog.Title>}
        <StepButton name="Entry before" to={before} onOpen={onOpen} />
        <StepButton name="Entry after" to={after} onOpen={onOpen} />
        <CopyMenu entry={entry} view={view} />
        {close}
      </div>
      {failure !== undefined && (
        <p className="wrong note" role="alert">
          {failure.message}
        </p>
      )}
      {isDamaged && (
        <div className="panel-body">
          <CheckList checks={checks} />
        </div>
      )}
      {!isLoading && failure === undefined && entry === undefined && (
        <p className="note">This log has no entry {leafIndex.toLocaleString("en")} that you may see.</p>
      )}
      {entry !== undefined && (
        <EntryBody {...{ entry, before, after, checks, view, navigate, onOpen }} checker={trust.checker} />
      )}
    </>
  );
}

interface StepButtonProps {
  readonly name: "Entry before" | "Entry after";
  readonly to: Entry | undefined;
  readonly onOpen: (entry: number) => void;
}

function StepButton({ name, to, onOpen }: StepButtonProps): ReactElement {
  const step = (): void => {
    if (to !== undefined) onOpen(to.leafIndex);
  };
  return (
    <button type="button" disabled={to === undefined} aria-label={name} title={name} onClick={step}>
      {name === "Entry before" ? "‹" : "›"}
    </button>
  );
}
