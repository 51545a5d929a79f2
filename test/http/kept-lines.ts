import { pino, type Logger } from "pino";

/** One line of a gateway's log. */
export type Line = Readonly<Record<string, unknown>>;

/** A logger, and what was written to it. */
export interface KeptLines {
  readonly logger: Logger;
  readonly lines: () => readonly Line[];
  /** All of it as it was written. */
  readonly text: () => string;
  readonly forget: () => void;
}

export function keptLines(): KeptLines {
  const written: string[] = [];
  return {
    logger: pino({ level: "debug" }, { write: (line: string) => void written.push(line) }),
    lines: () => written.map((line) => JSON.parse(line) as Line),
    text: () => written.join(""),
    forget: () => {
      written.length = 0;
    },
  };
}
