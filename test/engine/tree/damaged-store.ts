import type { LogStore } from "../../../src/audit/store.js";

/** A store whose answers were changed on their way: what stands in `answers` takes the place of the honest method. */
export function damaged(honest: LogStore, answers: Partial<LogStore>): LogStore {
  return new Proxy(honest, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in answers ? answers : target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

export function flipped(bytes: Uint8Array, place: number, bit = 1): Uint8Array {
  return bytes.map((byte, i) => (i === place ? byte ^ bit : byte));
}
