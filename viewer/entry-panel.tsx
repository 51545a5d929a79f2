import * as Dialog from "@radix-ui/react-dialog";
import type { KeyboardEvent, ReactElement } from "react";
import { EntryView } from "./entry-view.js";
import { useNarrow } from "./frame.js";
import { useMount } from "./mount.js";
import type { SignedTree } from "./trust.js";
import type { Trust } from "./use-trust.js";
import type { Navigate, View } from "./view.js";

interface EntryPanelProps {
  readonly view: View;
  readonly navigate: Navigate;
  readonly leafIndex: number;
  /** The tree of the result, which the entry is proven in where it is old enough. */
  readonly tree: SignedTree | undefined;
  readonly trust: Trust;
  readonly onOpen: (entry: number | undefined) => void;
  /** Takes the focus back. */
  readonly onClosed: () => void;
}

/** One entry beside the table; on a phone, in its place. */
export function EntryPanel({ onOpen, onClosed, ...shown }: EntryPanelProps): ReactElement {
  const isNarrow = useNarrow();
  const { overlay } = useMount();
  const close = (): void => {
    onOpen(undefined);
  };
  return (
    <Dialog.Root
      open
      modal={isNarrow}
      onOpenChange={(isOpen) => {
        if (!isOpen) close();
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
        onEscapeKeyDown={(event) => {
          if (!isFrom(event, overlay)) event.preventDefault();
        }}
        onKeyDown={(event) => {
          // Of several open entries on a page, Radix closes the last that was opened.
          if (event.key === "Escape" && isInside(event)) close();
        }}
        onCloseAutoFocus={(event) => {
          event.preventDefault();
          onClosed();
        }}
      >
        <EntryView {...shown} onOpen={onOpen} close={<Dialog.Close aria-label="Close entry">✕</Dialog.Close>} />
      </Dialog.Content>
    </Dialog.Root>
  );
}

/** In another application, keys that are pressed elsewhere on its page are not for the viewer. */
function isFrom(event: Event, overlay: HTMLElement | null): boolean {
  return overlay === null || event.composedPath().includes(overlay.getRootNode());
}

/** Not in a menu that belongs to it and lies over it. */
function isInside({ currentTarget, target }: KeyboardEvent): boolean {
  return target instanceof Node && currentTarget.contains(target);
}
