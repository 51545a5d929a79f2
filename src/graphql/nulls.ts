type WithoutNulls<T> = { readonly [K in keyof T]?: NonNullable<T[K]> };

/** The object without its null members: to a client of this API an explicit null is the same as saying nothing. */
export function withoutNulls<T extends object>(value: T): WithoutNulls<T> {
  const present = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(present) as WithoutNulls<T>;
}
