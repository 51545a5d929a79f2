import * as Dialog from "@radix-ui/react-dialog";
import type { ReactElement } from "react";
import type { Navigate } from "./address.js";
import { CopyMenu } from "./copy-menu.js";
import { EntryBody } from "./entry-body.js";
import type { Entry } from "./entry.js";
import { checksOf, colorOf } from "./lock.js";
import { LockMark } from "./lock-mark.js";
import type { SignedTree } from "./trust.js";
import { useEntry } from "./use-entry.js";
import { useNarrow } from "./use-narrow.js";
import { useVerdicts, type Trust } from "./use-trust.js";
import type { View } from "./view.js";

interface EntryPanelProps {
  readonly view: View;
  readonly navigate: Navigate;
  readonly leafIndex: number;
  /** The tree of the result, which the entry is proven in where it is old enough. */
  readonly tree: SignedTree | undefined;
  readonly trust: Trust;
  readonly onOpen: (entry: number | undefined) => void;
}

/** One entry beside the table; on a phone, in its place. */
export function EntryPanel({ view, navigate, leafIndex, tree, trust, onOpen }: EntryPanelProps): ReactElement {
  const isNarrow = useNarrow();
  const one = useEntry({ log: view.log, leafIndex, treeSize: tree?.treeSize });
  const { entry, before, after, failure, isLoading } = one;
  // While the next one is fetched, all of the panel is still the last one.
  const shown = entry?.leafIndex ?? leafIndex;
  const verdicts = useVerdicts(entry, trust.checker);
  const checks = verdicts === undefined ? [] : checksOf(verdicts, trust.history, entry?.proof?.treeSize ?? 0);
  return (
    <Dialog.Root
      open
      modal={isNarrow}
      onOpenChange={(isOpen) => {
        if (!isOpen) onOpen(undefined);
      }}
    >
      <Dialog.Content
        className="panel"
        aria-describedby={undefined}
        onOpenAutoFocus={(event) => {
          event.preventDefault();
          if (event.target instanceof HTMLElement) event.target.focus();
        }}
        onInteractOutside={(event) => {
          event.preventDefault();
        }}
        onCloseAutoFocus={(event) => {
          event.preventDefault();
          document.getElementById("entries")?.focus();
        }}
      >
        <div className="panel-head">
          <LockMark color={verdicts === undefined ? "grey" : colorOf(checks)} checks={checks} />
          <Dialog.Title>Entry {shown.toLocaleString("en")}</Dialog.Title>
          <StepButton name="Entry before" to={before} onOpen={onOpen} />
          <StepButton name="Entry after" to={after} onOpen={onOpen} />
          <CopyMenu entry={entry} view={view} />
          <Dialog.Close aria-label="Close entry">✕</Dialog.Close>
        </div>
        {failure !== undefined && (
          <p className="wrong note" role="alert">
            {failure.message}
          </p>
        )}
        {!isLoading && failure === undefined && entry === undefined && (
          <p className="note">This log has no entry {leafIndex.toLocaleString("en")} that you may see.</p>
        )}
        {entry !== undefined && (
          <EntryBody {...{ entry, before, after, checks, view, navigate, onOpen }} checker={trust.checker} />
        )}
      </Dialog.Content>
    </Dialog.Root>
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
