import type { Command } from "commander";
import { isName, isScope, readRestriction } from "../access/grant.js";
import { createKey, readKeys, revokeKey, type KeyOrder } from "../access/key-file.js";
import type { StoredKey } from "../access/key-set.js";
import { SCOPES, type Scope } from "../audit/principal.js";
import type { Restriction } from "../query/filter.js";
import { jsonLine, printable } from "./printable.js";

/** Where a command writes; what a script wants to catch goes to `out` alone. */
export interface Console {
  readonly out: (text: string) => void;
  readonly note: (text: string) => void;
}

export interface CreateFlags {
  readonly name: string;
  readonly scope: readonly string[];
  readonly tenant?: string;
  /** `field=value`; values of one field are alternatives. */
  readonly restrict?: readonly string[];
  readonly expiresInDays?: string;
}

/** Where keys are made when AUDITQL_API_KEYS names no other place. */
export const DEFAULT_KEYS_FILE = "./data/api-keys.json";

const DAY_MS = 86_400_000;
const MAX_DAYS = 36_500;
/** How the process ends when a flag or the key file is wrong. */
const MISUSE = 2;

const CREATE_EXAMPLES = `
Examples:
  auditql key create --name billing --scope audit:log
  auditql key create --name auditor --scope audit:read --restrict tenant_id=acme --expires-in-days 90`;

/** Where the gateway reads its keys, and where a command writes. */
export interface KeyCommandOptions {
  readonly defaultFile: string;
  readonly to: Console;
  readonly now?: () => Date;
}

/** Adds `key create | list | revoke`, which end as `parent` does when they are misused. */
export function addKeyCommand(parent: Command, { defaultFile, to, now = () => new Date() }: KeyCommandOptions): void {
  const keys = parent.command("key").description("Make, list and revoke API keys.");
  const orExplain = (done: Promise<void>): Promise<void> =>
    done.catch((error: unknown) => keys.error(String(error), { exitCode: MISUSE }));
  const add = (name: string, text: string) =>
    keys.command(name).description(text).option("--file <path>", "the key file (AUDITQL_API_KEYS)", defaultFile);
  add("create", "Make a key and print it: the only time that it can be seen.")
    .requiredOption("--name <text>", "who or what uses it")
    .requiredOption("--scope <scope...>", `what it may do: ${SCOPES.join(", ")}`)
    .option("--tenant <id>", "log for this tenant only, and see no other's entries")
    .option("--restrict <field=value...>", "see only entries with one of these values in the field")
    .option("--expires-in-days <n>", "refuse it after so many days; without it, it lasts until it is revoked")
    .addHelpText("after", CREATE_EXAMPLES)
    .action((flags: CreateFlags & FileFlag) => orExplain(create(flags, to, now())));
  add("list", "Show the keys, without their secrets.")
    .option("--json", "print each as one line of JSON")
    .addHelpText("after", "\nExample:\n  auditql key list --file keys.json")
    .action(({ file, json = false }: FileFlag & { readonly json?: boolean }) =>
      orExplain(list(file, to, { now: now(), json })),
    );
  add("revoke", "Refuse a key from now on; running gateways follow within a second.")
    .argument("<id>", "the id that list shows")
    .addHelpText("after", "\nExample:\n  auditql key revoke 3f9a0c51d2e7")
    .action((id: string, { file }: FileFlag) => orExplain(revoke(id, file, { to, now: now() })));
}

interface FileFlag {
  readonly file: string;
}

async function create({ file, ...flags }: CreateFlags & FileFlag, to: Console, now: Date): Promise<void> {
  const { stored, text } = await createKey(file, keyOrder(flags, now), now);
  to.note(`key ${stored.id} is in ${file}. Keep the text below: it is shown this once and stored nowhere.`);
  to.out(text);
}

interface ListOptions {
  readonly now: Date;
  readonly json: boolean;
}

async function list(file: string, to: Console, { now, json }: ListOptions): Promise<void> {
  const keys = await readKeys(file);
  if (!json) to.out(keyTable(keys, now));
  else for (const key of keys) to.out(jsonLine({ ...key, secretHash: undefined, state: stateOf(key, now) }).trimEnd());
}

async function revoke(id: string, file: string, { to, now }: { to: Console; now: Date }): Promise<void> {
  await revokeKey(file, id, now);
  to.note(`revoked ${id}`);
}

/** Reads the flags of `key create`. Throws an Error that names the flag and what was expected. */
export function keyOrder({ name, scope, tenant, restrict, expiresInDays }: CreateFlags, now: Date): KeyOrder {
  if (tenant !== undefined && !isName(tenant)) throw new Error("--tenant: expected text of 1 to 128 characters");
  return {
    name,
    scopes: scopesOf(scope),
    ...(tenant !== undefined && { tenant }),
    ...(restrict !== undefined && { restriction: restrictionOf(restrict) }),
    ...(expiresInDays !== undefined && { expiresAt: expiry(expiresInDays, now) }),
  };
}

function scopesOf(names: readonly string[]): readonly Scope[] {
  const scopes = new Set(names.flatMap((name) => name.split(",")));
  return [...scopes].map((name) => {
    if (!isScope(name)) throw new Error(`--scope: expected ${SCOPES.join(", ")}, got ${name}`);
    return name;
  });
}

function restrictionOf(terms: readonly string[]): Restriction {
  const values = new Map<string, string[]>();
  for (const term of terms) {
    const [field = ""] = term.split("=", 1);
    values.set(field, [...(values.get(field) ?? []), term.slice(field.length + 1)]);
  }
  const restriction = readRestriction(Object.fromEntries(values));
  if (restriction === undefined || !terms.every((term) => term.includes("="))) {
    throw new Error(
      "--restrict: expected field=value, the field one of actor, action, source, status, target, tenant_id",
    );
  }
  return restriction;
}

function expiry(days: string, now: Date): string {
  const count = /^\d+$/.test(days) ? Number(days) : 0;
  if (count < 1 || count > MAX_DAYS) throw new Error(`--expires-in-days: expected 1 to ${MAX_DAYS}, got ${days}`);
  return new Date(now.getTime() + count * DAY_MS).toISOString();
}

/** The keys as a table, one a line, columns aligned. */
export function keyTable(keys: readonly StoredKey[], now: Date): string {
  const head = ["ID", "STATE", "SCOPES", "TENANT", "RESTRICTION", "CREATED", "EXPIRES", "NAME"];
  const rows = [head, ...keys.map((key) => keyRow(key, now))];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function keyRow(key: StoredKey, now: Date): readonly string[] {
  return [
    key.id,
    stateOf(key, now),
    key.scopes.join(","),
    key.tenant ?? "-",
    key.restriction === undefined ? "-" : JSON.stringify(key.restriction),
    key.createdAt,
    key.expiresAt ?? "-",
    key.name,
  ].map(printable);
}

function stateOf({ revokedAt, expiresAt }: Pick<StoredKey, "revokedAt" | "expiresAt">, now: Date): string {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && Date.parse(expiresAt) <= now.getTime() ? "expired" : "active";
}
