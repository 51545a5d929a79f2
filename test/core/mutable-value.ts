/** A JSON value that may be changed in place. */
export type Value = null | boolean | number | string | Value[] | Members;
export interface Members {
  [key: string]: Value;
}

/** Where a value stands in another. */
export interface Slot {
  readonly get: () => Value;
  readonly set: (value: Value) => void;
  readonly remove: () => void;
}

/** Numbers that are the same for the same seed, on every machine (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 0 to below `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    const mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    const twice = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((twice ^ (twice >>> 14)) >>> 0) % bound;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

/** Characters that readers class differently, or that end something. */
export const ODD = [
  ...'\ud800|\udc00|\ud83d|\u{1f511}|\0|\ufeff|\u0085|\u001c|\u001f|\u00a0|\u2028|\u180e|\u200b|\u0130|\u0660|\t|\r|\n|\f| |+|—|=|A|a|0|\\|"|/'.split(
    "|",
  ),
] as [string, ...string[]];

export const NUMBERS: readonly [(n: number) => number, ...((n: number) => number)[]] = [
  (n) => n + 1,
  (n) => n - 1,
  (n) => -n,
  (n) => n + 0.5,
  (n) => n * 2,
  (n) => n + 2 ** 53,
  (n) => n * 2 ** 32 + 2 ** 31,
  () => 2 ** 53 - 1,
  () => 1e300,
];

export const NUMBER_TEXTS: readonly [string, ...string[]] = [
  "9".repeat(400),
  "9".repeat(5_000),
  ..."7.0 7e0 70e-1 -0 0.0 1e400 -1E400 9007199254740992 9007199254740993 123456789012345678901 5e-324".split(" "),
  ..."1e21 1e-7 NaN Infinity -Infinity 07 +7 .5 7. 0x7 1_0 \u0667 true null 0.1 1.7976931348623157e308".split(" "),
];

export function anySlot(value: Value, random: Random): Slot | undefined {
  const slots = slotsOf(value);
  return slots[random.below(Math.max(1, slots.length))];
}

export function slotsOf(value: Value, levels = 100): readonly Slot[] {
  if (typeof value !== "object" || value === null || levels === 0) return [];
  if (Array.isArray(value)) return value.flatMap((item, i) => [listSlot(value, i), ...slotsOf(item, levels - 1)]);
  return Object.entries(value).flatMap(([key, item]) => [memberSlot(value, key), ...slotsOf(item, levels - 1)]);
}

function listSlot(list: Value[], i: number): Slot {
  return {
    get: () => list[i] ?? null,
    set: (value) => (list[i] = value),
    remove: () => list.splice(i, 1),
  };
}

function memberSlot(members: Members, key: string): Slot {
  return {
    get: () => members[key] ?? null,
    set: (value) => (members[key] = value),
    remove: () => Reflect.deleteProperty(members, key),
  };
}

export function junk(random: Random): Value {
  const values: readonly [() => Value, ...(() => Value)[]] = [
    () => null,
    () => random.chance(50),
    () => random.below(12),
    () => "",
    () => "junk",
    () => "0".repeat(64),
    () => random.pick(ODD),
    () => [],
    () => ({}),
    () => ({ key: "value", __proto__: null }),
    () => JSON.parse('{"__proto__":{"treeSize":7}}') as Value,
    () => JSON.parse(`${"[".repeat(100)}${"]".repeat(100)}`) as Value,
  ];
  return random.pick(values)();
}

export function bent(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const cut = random.below(3) === 0 ? 1 + random.below(3) : random.below(2);
  return text.slice(0, at) + (random.chance(80) ? random.pick(ODD) : "") + text.slice(at + cut);
}

export function parsed(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return null;
  }
}

export function isMembers(value: Value | undefined): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
