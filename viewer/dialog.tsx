import * as Dialog from "@radix-ui/react-dialog";
import type { ReactElement, ReactNode } from "react";
import { useMount } from "./mount.js";

interface OpenedDialogProps {
  readonly button: ReactNode;
  /** For screen readers, where the button is a sign. */
  readonly label?: string;
  readonly title: string;
  readonly children: ReactNode;
}

/** A button that opens a dialog. What dims the page is our own: Radix's would need inline styles. */
export function ButtonDialog({ button, label, title, children }: OpenedDialogProps): ReactElement {
  const { overlay } = useMount();
  return (
    <Dialog.Root>
      <Dialog.Trigger aria-label={label}>{button}</Dialog.Trigger>
      <Dialog.Portal container={overlay}>
        <div className="veil" />
        <Dialog.Content className="dialog" aria-describedby={undefined}>
          <div className="dialog-head">
            <Dialog.Title>{title}</Dialog.Title>
            <Dialog.Close aria-label="Close">✕</Dialog.Close>
          </div>
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
