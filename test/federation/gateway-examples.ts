import { readFileSync } from "node:fs";

/**
 * The configuration of a gateway in docs/federation.md: the value of the block below the gateway's name, in which the names
 * of `given` mean what they mean there.
 */
export function configured(gateway: string, given: Readonly<Record<string, unknown>>): unknown {
  const page = readFileSync(new URL("../../../docs/federation.md", import.meta.url), "utf8");
  const code = page.split(`\n${gateway} `)[1]?.match(/```js\n(.*?)```/s)?.[1] ?? "";
  const value = code
    .replaceAll(/^import .*\n/gm, "")
    .trim()
    .replace(/^export const \w+ = /, "");
  if (value === "") throw new Error(`docs/federation.md has no configuration of ${gateway}`);
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the document is ours
  const evaluate = new Function(...Object.keys(given), `return ${value}`) as (...values: readonly unknown[]) => unknown;
  return evaluate(...Object.values(given));
}
