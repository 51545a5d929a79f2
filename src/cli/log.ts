import { EVENT_FIELDS } from "../core/event.js";
import { isPlainObject, jsonProblems } from "../core/json.js";
import { apiUrl, ask, credential, type Members } from "./api.js";
import { parsed } from "./event-reader.js";
import { CommandError, explanation, type Output } from "./output.js";
import { jsonLine, printable } from "./printable.js";

export interface LogFlags {
  readonly url: string;
  readonly log?: string;
  readonly tokenFile?: string;
  readonly actor?: string;
  readonly action?: string;
  readonly source?: string;
  readonly status?: string;
  readonly target?: string;
  readonly timestamp?: string;
  readonly tenantId?: string;
  readonly old?: string;
  readonly new?: string;
  /** A JSON object. */
  readonly custom?: string;
  readonly sign?: boolean;
  readonly idempotencyKey?: string;
  readonly json?: boolean;
}

const LOGGED = 0;
const NOT_LOGGED = 2;

const LOG = /* GraphQL */ `
  mutation Log($event: AuditEventInput!, $log: ID, $sign: Boolean, $key: String) {
    log(event: $event, log: $log, sign: $sign, idempotencyKey: $key) {
      entry {
        leafIndex
        hash
        receivedAt
      }
      root {
        treeSize
        hash
        checkpoint
      }
    }
  }
`;

/** Logs one event, and prints its receipt. Returns the exit code: 0 logged, 2 not, as far as is known. Rejects never. */
export async function logEvent(
  message: string,
  flags: LogFlags,
  { token, output }: { readonly token: string | undefined; readonly output: Output },
): Promise<number> {
  try {
    const gateway = { url: apiUrl(flags.url), token: await credential(flags.tokenFile, token) };
    const { log, sign, idempotencyKey: key } = flags;
    const variables = { event: eventOf(message, flags), log, sign, key };
    const { log: receipt } = await ask(gateway, { query: LOG, variables });
    const { entry, root }: Members = isPlainObject(receipt) ? receipt : {};
    if (!isPlainObject(entry) || !isPlainObject(root))
      throw new CommandError(`${gateway.url.href} answered without a receipt`);
    const line = printable(`${String(entry["leafIndex"])} ${String(entry["hash"])}`);
    await output.write(flags.json === true ? jsonLine(receipt) : `${line}\n`);
    return LOGGED;
  } catch (error) {
    output.note(`cannot log: ${explanation(error)}`);
    return NOT_LOGGED;
  }
}

/** The event's fields by the API's names, which are those of the flags. */
function eventOf(message: string, flags: LogFlags): Members {
  const names = EVENT_FIELDS.map((field) => (field === "tenant_id" ? "tenantId" : field));
  const given: Members = { ...flags };
  const fields = names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const]));
  return {
    message,
    ...Object.fromEntries<unknown>(fields),
    ...(flags.custom !== undefined && { custom: parsedCustom(flags.custom) }),
  };
}

function parsedCustom(text: string): unknown {
  const custom = parsed(text);
  if (!isPlainObject(custom))
    throw new CommandError('--custom: expected a JSON object such as {"amount": 7}, got other text');
  const [lost] = jsonProblems(custom, "custom", { takesNul: true, depth: 0 });
  if (lost === undefined) return custom;
  throw new CommandError(`--${lost.path}: expected ${lost.expected}, got ${lost.got}`);
}
