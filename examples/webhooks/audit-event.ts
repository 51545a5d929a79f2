import type { Payload, Webhook } from "./payloads.js";

/** The members of AuditQL's AuditEventInput that a webhook fills. */
export interface WebhookEvent {
  readonly message: string;
  readonly action: string;
  readonly source: string;
  readonly actor?: string;
  readonly target?: string;
  readonly new?: Payload;
  readonly old?: Payload;
}

/** An event to log, and the fields that it had to leave out because their object was too long. */
export interface Translation {
  readonly event: WebhookEvent;
  readonly leftOut: readonly ("new" | "old")[];
}

const MAX_OBJECT_BYTES = 256 * 1024;

/** What says who, where and what, and is not the changed object itself. */
const FRAME = new Set(["action", "sender", "repository", "organization", "installation", "enterprise", "changes"]);

/** Where the changed object is not under the webhook's own name. */
const SUBJECT: Readonly<Record<string, string>> = {
  branch_protection_rule: "rule",
  code_scanning_alert: "alert",
  commit_comment: "comment",
  dependabot_alert: "alert",
  deploy_key: "key",
  discussion_comment: "comment",
  fork: "forkee",
  issue_comment: "comment",
  issues: "issue",
  pull_request_review: "review",
  pull_request_review_comment: "comment",
  pull_request_review_thread: "thread",
  repository_vulnerability_alert: "alert",
};

/** Says a webhook as an audit event. */
export function auditEvent({ edition, name, payload }: Webhook): Translation {
  const objects = { new: changedObject(name, payload), old: objectIn(payload, "changes") };
  const actor = textIn(objectIn(payload, "sender"), "login");
  const target = textIn(objectIn(payload, "repository"), "full_name");
  const done = textIn(payload, "action");
  return {
    event: {
      message: sentence([name, done].map(spoken).join(" ").trim(), target, actor),
      action: [name, done].filter((part) => part !== undefined).join("."),
      source: edition,
      ...(actor !== undefined && { actor }),
      ...(target !== undefined && { target }),
      ...(fits(objects.new) && { new: objects.new }),
      ...(fits(objects.old) && { old: objects.old }),
    },
    leftOut: (["new", "old"] as const).filter((field) => objects[field] !== undefined && !fits(objects[field])),
  };
}

function sentence(what: string, where: string | undefined, who: string | undefined): string {
  return [what, where && `in ${where}`, who && `by ${who}`].filter(Boolean).join(" ");
}

function spoken(name: string | undefined): string {
  return (name ?? "").replaceAll("_", " ");
}

function changedObject(name: string, payload: Payload): Payload | undefined {
  const subject = objectIn(payload, SUBJECT[name] ?? name);
  if (subject !== undefined) return subject;
  const rest = Object.entries(payload).filter(([key]) => !FRAME.has(key));
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}

function fits(object: Payload | undefined): object is Payload {
  return object !== undefined && Buffer.byteLength(JSON.stringify(object)) <= MAX_OBJECT_BYTES;
}

function objectIn(payload: Payload, key: string): Payload | undefined {
  const value = payload[key];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Payload) : undefined;
}

function textIn(payload: Payload | undefined, key: string): string | undefined {
  const value = payload?.[key];
  return typeof value === "string" ? value : undefined;
}
