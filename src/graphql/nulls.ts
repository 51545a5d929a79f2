type WithoutNulls<T> = { readonly [K in keyof T]?: NonNullable<T[K]> };

/** The object without its null members: to a client of this API an explicit null is the same as saying nothing. */
export function withoutNulls<T extends object>(value: T): WithoutNulls<T> {
  const present: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value))
    if (member !== null && member !== undefined) present[name] = member;
  return present as WithoutNulls<T>;
}
