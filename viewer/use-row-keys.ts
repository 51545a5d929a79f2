import type { KeyboardEvent } from "react";

export interface RowKeys {
  readonly active: number;
  readonly count: number;
  /** How many rows a page has. */
  readonly page: number;
  readonly move: (to: number) => void;
  readonly open: () => void;
  readonly close: () => void;
}

/** Arrows, pages, both ends, Enter and Escape, where the table itself has the focus. */
export function useRowKeys({ active, count, page, move, open, close }: RowKeys) {
  const ways: Readonly<Record<string, () => void>> = {
    ArrowDown: () => {
      move(Math.min(count - 1, active + 1));
    },
    ArrowUp: () => {
      move(Math.max(0, active - 1));
    },
    PageDown: () => {
      move(Math.min(count - 1, active + page));
    },
    PageUp: () => {
      move(Math.max(0, active - page));
    },
    Home: () => {
      move(0);
    },
    End: () => {
      move(count - 1);
    },
    Enter: open,
    Escape: close,
  };
  return (event: KeyboardEvent): void => {
    const act = ways[event.key];
    if (act === undefined || count === 0 || event.target !== event.currentTarget) return;
    event.preventDefault();
    act();
  };
}
