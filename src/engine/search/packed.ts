/** Many byte arrays as one that can be handed to another thread without a copy, and where each ends. */
export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: readonly number[];
}

export function packed(parts: readonly Uint8Array[]): Packed {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  const ends = parts.map((part) => {
    bytes.set(part, end);
    return (end += part.length);
  });
  return { bytes, ends };
}

export function unpacked({ bytes, ends }: Packed): readonly Uint8Array[] {
  return ends.map((end, place) => bytes.subarray(place === 0 ? 0 : ends[place - 1], end));
}
