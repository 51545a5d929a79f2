type WithoutNulls<T> = { readonly [K in keyof T]?: NonNullable<T[K]> };

/** The object without its null members: in this API an explicit null means the same as an absent value. */
export function withoutNulls<T extends object>(value: T): WithoutNulls<T> {
  const present: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value))
    if (member !== null && member !== undefined) present[name] = member;
  return present as WithoutNulls<T>;
}
