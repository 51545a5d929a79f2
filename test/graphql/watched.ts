/** The object, with some of its methods in other hands; `this` stays the object's own. */
export function replaced<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(object, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name) as unknown;
      const member = Reflect.get(object, name) as unknown;
      return typeof member === "function" ? (member.bind(object) as unknown) : member;
    },
  });
}

/** The object, and the names of its methods in the order they were called. */
export function watched<T extends object>(target: T): { readonly object: T; readonly calls: string[] } {
  const calls: string[] = [];
  const object = new Proxy(target, {
    get(inner, name) {
      const member = Reflect.get(inner, name) as unknown;
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        calls.push(String(name));
        return member.apply(inner, args) as unknown;
      };
    },
  });
  return { object, calls };
}
