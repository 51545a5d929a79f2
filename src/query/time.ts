/** A window on receivedAt, [start, end). Each text is RFC 3339 or relative to now (`7d`, `120min`). */
export interface TimeWindow {
  readonly start?: string;
  readonly end?: string;
  /** The newest stretch, instead of start and end: a relative time. */
  readonly last?: string;
}
