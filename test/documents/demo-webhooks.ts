import { auditEvent } from "../../examples/webhooks/audit-event.js";
import { readWebhooks } from "../../examples/webhooks/payloads.js";

/** Of api.github.com: the names of webhooks, and which of their examples, from 0. */
const WANTED: readonly (readonly [action: string, example: number])[] = [
  ["push", 0],
  ["create", 0],
  ["issues.opened", 0],
  ["issue_comment.created", 0],
  ["issue_comment.edited", 0],
  ["pull_request_review.submitted", 0],
  ["check_run.completed", 0],
  ["deployment.created", 0],
  ["deployment_status.created", 0],
  ["release.published", 0],
  ["release.edited", 0],
  ["member.added", 0],
  ["member.edited", 0],
  ["organization.member_added", 0],
  ["branch_protection_rule.edited", 0],
  ["deploy_key.created", 0],
  ["code_scanning_alert.created", 0],
  ["dependabot_alert.created", 0],
];

const HEAD = `// Written by \`npm run docs\` from "@octokit/webhooks-examples" (MIT License, by its contributors): do not edit.
import type { AuditEvent } from "../core/event.js";

/** Webhooks of GitHub, as examples/webhooks imports them. */
export const DEMO_WEBHOOKS: readonly AuditEvent[] = `;

/** The demonstration's events from GitHub: real webhooks, few and short enough to travel with the program. */
export function demoWebhooks(): string {
  const events = readWebhooks()
    .filter(({ edition }) => edition === "api.github.com")
    .map((webhook) => auditEvent(webhook).event);
  const chosen = WANTED.map(([wanted, example]) => {
    const found = events.filter(({ action }) => action === wanted)[example];
    if (found === undefined) throw new Error(`there is no webhook ${wanted} ${example}`);
    return found;
  });
  return `${HEAD}${JSON.stringify(chosen)};\n`;
}
