const MAX_CHARACTERS = 40;

/** A piece of input as an error shows it: in quotes, escaped, cut when long. No more of a long text is read. */
export function excerpt(text: string): string {
  const first = Array.from(text.slice(0, 2 * (MAX_CHARACTERS + 1)));
  return JSON.stringify(first.length <= MAX_CHARACTERS ? text : `${first.slice(0, MAX_CHARACTERS).join("")}…`);
}
