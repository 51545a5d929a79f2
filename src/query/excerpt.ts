const MAX_CHARACTERS = 40;

/** A piece of input as an error shows it: in quotes, escaped, cut when long. */
export function excerpt(text: string): string {
  const characters = Array.from(text);
  return JSON.stringify(
    characters.length <= MAX_CHARACTERS ? text : `${characters.slice(0, MAX_CHARACTERS).join("")}…`,
  );
}
