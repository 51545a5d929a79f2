/** The shells that a script can be written for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What stands behind an option, or in place of an argument. */
export type Value =
  | { readonly kind: "none" }
  | { readonly kind: "text" }
  | { readonly kind: "file" }
  | { readonly kind: "choice"; readonly choices: readonly string[] };

/** What can be typed after a command. */
export interface Place {
  /** The command's words behind the program's name, such as `key create`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Named[];
  readonly options: readonly (Named & { readonly value: Value })[];
  readonly argument: Value;
}

interface Named {
  readonly name: string;
  readonly description: string;
}

/** Needs bash alone, 3.2 or newer: no other package of completions. */
export function bashScript(program: string, places: readonly Place[]): string {
  const words = (names: readonly string[]): string => quoted(names.join(" "));
  const lists = places.map(({ path, commands, options, argument }) => {
    const choices = argument.kind === "choice" ? argument.choices : [];
    const others = words([...commands.map(({ name }) => name), ...choices]);
    return `    ${quoted(path)}) options=${words(options.map(({ name }) => name))} others=${others} ;;`;
  });
  return `# Completion of ${program} in bash
_${program}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} place= options= others= values= i
  # Bash takes = for a word of its own.
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$place \${COMP_WORDS[i]}" in
    ${alternatives(places)}) place="\${place:+$place }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$place $prev" in
${cases(places, bashValue)}
  esac
  case "$place" in
${lists.join("\n")}
  esac
  if [[ $cur == -* ]]; then values=$options; else values=$others; fi
  COMPREPLY=($(compgen -W "$values" -- "$cur"))
}
# Where nothing is proposed, bash proposes files.
complete -o bashdefault -o default -F _${program} ${program}
`;
}

/** What is behind an option: nothing to say leaves the files to bash, which also knows no better for other text. */
function bashValue(value: Value): string {
  if (value.kind !== "choice") return "COMPREPLY=(); return";
  return `COMPREPLY=($(compgen -W ${quoted(value.choices.join(" "))} -- "$cur")); return`;
}

export function zshScript(program: string, places: readonly Place[]): string {
  const lists = places.map(({ path, commands, options, argument }) => {
    const rest = argument.kind === "none" ? "" : ` ${zshValue(argument).replace("; return", "")}`;
    const named = commands.length === 0 ? rest : ` others=(${described(commands)}); _describe command others`;
    return `    (${quoted(path)}) options=(${described(options)}); if [[ $cur == -* ]]; then _describe option options; else${named || " :"}; fi ;;`;
  });
  return `#compdef ${program}
# Completion of ${program} in zsh
_${program}() {
  local cur=$words[CURRENT] prev=$words[CURRENT-1] place= i
  local -a options others
  for ((i = 2; i < CURRENT; i++)); do
    case "$place $words[i]" in
    ${alternatives(places)}) place="\${place:+$place }$words[i]" ;;
    esac
  done
  case "$place $prev" in
${cases(places, zshValue)}
  esac
  case "$place" in
${lists.join("\n")}
  esac
}
compdef _${program} ${program}
`;
}

function zshValue(value: Value): string {
  if (value.kind === "none") return ":";
  if (value.kind === "text") return "_message value; return";
  return value.kind === "file" ? "_files; return" : `compadd -- ${value.choices.map(quoted).join(" ")}; return`;
}

/** As `_describe` reads them: a colon ends the name. */
function described(named: readonly Named[]): string {
  return named.map(({ name, description }) => quoted(`${name}:${description}`)).join(" ");
}

export function fishScript(program: string, places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options, argument }) => {
    const isHere = `complete -c ${program} -n ${fishQuoted(fishCondition(path, commands))}`;
    return [
      ...commands.map((one) => `${isHere} -f -a ${fishQuoted(one.name)} -d ${fishQuoted(one.description)}`),
      ...options.map(
        ({ name, description, value }) =>
          `${isHere} ${fishOption(name)}${fishValue(value)} -d ${fishQuoted(description)}`,
      ),
      ...(argument.kind === "choice" ? [`${isHere} -f -a ${fishQuoted(argument.choices.join(" "))}`] : []),
      ...(argument.kind === "text" ? [`${isHere} -f`] : []),
    ];
  });
  return `# Completion of ${program} in fish\n${lines.join("\n")}\n`;
}

/** All words of the place are there; at a place with commands, none of these. */
function fishCondition(path: string, commands: readonly Named[]): string {
  const seen = path.split(" ").map((word) => (word === "" ? "" : `__fish_seen_subcommand_from ${word}`));
  const below = commands.map(({ name }) => name).join(" ");
  const none = below === "" ? "" : `not __fish_seen_subcommand_from ${below}`;
  return [...seen, none].filter((part) => part !== "").join("; and ");
}

function fishOption(name: string): string {
  return name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`;
}

function fishValue(value: Value): string {
  if (value.kind === "none") return "";
  if (value.kind === "file") return " -r -F";
  return value.kind === "text" ? " -x" : ` -x -a ${fishQuoted(value.choices.join(" "))}`;
}

/** What is completed behind each option that has a value: one case for all that are completed alike. */
function cases(places: readonly Place[], completed: (value: Value) => string): string {
  const found = new Map<string, string[]>();
  for (const { path, options } of places)
    for (const { name, value } of options)
      if (value.kind !== "none") {
        const action = completed(value);
        found.set(action, [...(found.get(action) ?? []), quoted(`${path} ${name}`)]);
      }
  return [...found].map(([action, patterns]) => `    ${patterns.join(" | ")}) ${action} ;;`).join("\n");
}

/** The words that lead from one place to the next, as patterns of `case`. */
function alternatives(places: readonly Place[]): string {
  return places.flatMap(({ path, commands }) => commands.map(({ name }) => quoted(`${path} ${name}`))).join(" | ");
}

/** Quoted for bash and zsh: nothing in it means anything to them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
