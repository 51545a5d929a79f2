/** A port with some of its methods replaced; the others run on the port itself, private fields included. */
export function replaced<T extends object>(port: T, methods: Partial<T>): T {
  return wrapped(port, (name, call) => {
    const replacement: unknown = Reflect.get(methods, name);
    return typeof replacement === "function" ? (...args) => Reflect.apply(replacement, methods, args) as unknown : call;
  });
}

export type Call = (...args: readonly unknown[]) => unknown;

/** A port with each of its methods wrapped on first call; other members are read from the port. */
export function wrapped<T extends object>(port: T, wrap: (name: string, call: Call) => Call): T {
  const calls = new Map<string, Call>();
  return new Proxy(port, {
    get(target, name) {
      const known = typeof name === "string" ? calls.get(name) : undefined;
      if (known !== undefined) return known;
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || typeof name !== "string") return member;
      const call = wrap(name, (...args) => Reflect.apply(member, target, args) as unknown);
      calls.set(name, call);
      return call;
    },
  });
}
