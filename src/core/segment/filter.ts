import type { FieldName } from "../event.js";
import type { InstantRange } from "../instant.js";

/**
 * What a search asks of an entry, as segments evaluate it. Words are those of `words`, edition 2. An entry that is no
 * envelope has no field.
 */
export type SegmentFilter =
  | { readonly kind: "all" }
  /** Adjacent words in this order inside one field, or any single one; at least one; the last may be a prefix. */
  | {
      readonly kind: "phrase";
      readonly field: FieldName | undefined;
      readonly words: readonly string[];
      readonly prefix: boolean;
    }
  /** The whole value, as `fieldText` gives it. */
  | { readonly kind: "exact"; readonly field: FieldName; readonly value: string }
  | { readonly kind: "present"; readonly field: FieldName }
  /** The event's own time, from `start` up to but not including `end`. */
  | ({ readonly kind: "time" } & InstantRange)
  /** Candidates for a leaf: compare the hash. */
  | { readonly kind: "leaf"; readonly hash: Uint8Array }
  | { readonly kind: "and"; readonly filters: readonly SegmentFilter[] }
  | { readonly kind: "or"; readonly filters: readonly SegmentFilter[] }
  | { readonly kind: "not"; readonly filter: SegmentFilter };
