import * as Tooltip from "@radix-ui/react-tooltip";
import type { ReactElement } from "react";
import { useMount } from "./mount.js";
import { titleOf, type Check, type LockColor } from "./lock.js";

const CLOSED = "M4 7V5a4 4 0 0 1 8 0v2h1v7H3V7zm2 0h4V5a2 2 0 0 0-4 0z";
const OPEN = "M4 7V5a4 4 0 0 1 7.5-2l-1.7 1A2 2 0 0 0 6 5v2h7v7H3V7z";

interface LockMarkProps {
  readonly color: LockColor;
  readonly checks: readonly Check[];
}

/** A lock, with its reasons where the pointer is on it. Closed, open or pale: it does not need its color. */
export function LockMark({ color, checks }: LockMarkProps): ReactElement {
  const { overlay } = useMount();
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>
        <span className={`lock ${color}`} role="img" aria-label={labelOf(color, checks)}>
          <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <path d={color === "red" ? OPEN : CLOSED} />
          </svg>
        </span>
      </Tooltip.Trigger>
      <Tooltip.Portal container={overlay}>
        <Tooltip.Content className="tooltip" side="right" sideOffset={6} collisionPadding={8}>
          <strong>{titleOf(color)}</strong>
          <CheckList checks={checks} />
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

const SIGNS = { VALID: "✓", INVALID: "✗", UNKNOWN: "–" } as const;

export function CheckList({ checks }: { readonly checks: readonly Check[] }): ReactElement {
  return (
    <ul className="checks">
      {checks.map(({ name, kind, says }) => (
        <li key={name} className={kind.toLowerCase()}>
          <span aria-hidden="true">{SIGNS[kind]}</span> <b>{name}</b> <span className="kind">{kind}</span> {says}
        </li>
      ))}
    </ul>
  );
}

function labelOf(color: LockColor, checks: readonly Check[]): string {
  const wrong = checks.filter(({ kind }) => kind === "INVALID").map(({ name, says }) => `${name}: ${says}`);
  return [titleOf(color), ...wrong].join(". ");
}
