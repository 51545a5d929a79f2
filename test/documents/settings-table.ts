import { SETTINGS } from "../../src/settings/table.js";

const BEGIN = "<!-- Made from src/settings/table.ts by `npm run docs`. -->\n";
const END = "\n<!-- End of the settings. -->";

/** The README with its table of settings as the rows have it. Throws an Error where the README has no place for it. */
export function withSettingsTable(readme: string): string {
  const [before, after] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`README.md has no table between ${BEGIN.trim()} and ${END.trim()}`);
  return `${readme.slice(0, before)}${BEGIN}\n${settingsTable()}${readme.slice(after)}`;
}

function settingsTable(): string {
  const rows = SETTINGS.rows.map(({ variable, flag, default: otherwise, sentence }) => [
    `\`${variable}\``,
    flag === undefined ? "" : `\`--${flag}\``,
    otherwise === "" ? "" : `\`${otherwise}\``,
    sentence.replaceAll("|", "\\|"),
  ]);
  const lines = [["Variable", "Flag", "Default", "Meaning"], ["---", "---", "---", "---"], ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
