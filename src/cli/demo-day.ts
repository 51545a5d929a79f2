import type { AuditEvent } from "../core/event.js";
import { DEMO_WEBHOOKS } from "../generated/demo-webhooks.js";
import { payment, type Choose } from "./demo-payments.js";

/** An event, and when in the day before now it happens, in milliseconds. */
export interface TimedEvent {
  readonly atMs: number;
  readonly event: AuditEvent;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const PEOPLE = ["ada", "grace", "linus", "margaret", "dennis", "barbara", "ken", "radia"] as const;
const OFFICE = "198.51.100";
/** Of who signs in as dana at night. */
const ELSEWHERE = "203.0.113.66";
/** When the break-in begins, after midnight UTC. */
const NIGHT_MS = 3 * HOUR_MS + 12 * MINUTE_MS;
/** How busy each hour of the day is, from midnight UTC on. */
const BUSY = [1, 1, 1, 1, 2, 3, 8, 30, 60, 80, 85, 75, 45, 70, 85, 80, 65, 40, 18, 9, 6, 4, 2, 2];
/** From which on there are people at work. */
const OFFICE_HOURS = 30;
const DOCUMENTS = ["contract", "roadmap", "payroll", "board-minutes", "price-list", "incident-report"];
const SERVICES = ["checkout", "invoices", "search", "mailer"];

/**
 * Some seven hundred events of a made-up day that ends now: people at work, machines that deploy and back up, payments, webhooks, and
 * one account that is broken into at night. Always the same for the same `endMs`.
 */
export function demoDay(endMs: number): readonly TimedEvent[] {
  const random = numbers(20_261_130);
  const pick: Choose = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const events: TimedEvent[] = [];
  const add = (atMs: number, event: AuditEvent): void => {
    events.push({ atMs, event: { timestamp: new Date(endMs - DAY_MS + atMs).toISOString(), ...event } });
  };
  for (let hour = 0; hour < 24; hour++) {
    const busy = busyIn(endMs, hour);
    for (let count = 0; count < busy * 0.75; count++) add((hour + random()) * HOUR_MS, atWork(pick, random));
    for (let count = 0; count < 1 + busy / 30; count++) add((hour + random()) * HOUR_MS, payment(pick, random));
    add((hour + 0.05) * HOUR_MS, backup(hour));
  }
  const atDay = [...BUSY.keys()].filter((hour) => busyIn(endMs, hour) >= OFFICE_HOURS);
  for (const event of DEMO_WEBHOOKS) add((pick(atDay) + random()) * HOUR_MS, { ...event, status: "ok" });
  const night = Math.min((NIGHT_MS - ((endMs - DAY_MS) % DAY_MS) + DAY_MS) % DAY_MS, DAY_MS - HOUR_MS);
  for (const { after, event } of BREAK_IN) add(night + after * MINUTE_MS, event);
  return events.sort((a, b) => a.atMs - b.atMs);
}

/** How busy an hour of the day before `endMs` is. */
function busyIn(endMs: number, hour: number): number {
  return BUSY[new Date(endMs - DAY_MS + hour * HOUR_MS).getUTCHours()] ?? 1;
}

function atWork(pick: Choose, random: () => number): AuditEvent {
  const person = pick(PEOPLE);
  const by = { actor: `${person}@example.com`, source: `${OFFICE}.${10 + PEOPLE.indexOf(person)}` };
  const number = 1_000 + Math.floor(random() * 400);
  const kind = random();
  if (kind < 0.3) {
    const status = random() < 0.06 ? "denied" : "ok";
    return { ...by, action: "login", status, message: status === "ok" ? "signed in" : "wrong password" };
  }
  if (kind < 0.62) {
    const target = `document:${pick(DOCUMENTS)}`;
    return { ...by, action: "read", status: "ok", target, message: `opened ${target.slice("document:".length)}` };
  }
  if (kind < 0.8) {
    const [old, now] = [Math.round(random() * 90) * 10 + 100, Math.round(random() * 90) * 10 + 100];
    const target = `invoice:${number}`;
    const [before, after] = [
      { amount: old, currency: "EUR", state: "draft" },
      { amount: now, currency: "EUR", state: "sent" },
    ];
    return {
      ...by,
      action: "update",
      status: "ok",
      target,
      message: `changed invoice ${number}`,
      old: before,
      new: after,
    };
  }
  if (kind < 0.92) {
    const service = pick(SERVICES);
    const [before, after] = [{ version: `1.${number % 40}.0` }, { version: `1.${(number % 40) + 1}.0` }];
    const message = `deployed ${service} to production`;
    return {
      ...by,
      action: "deploy",
      status: random() < 0.1 ? "failed" : "ok",
      target: `service:${service}`,
      message,
      old: before,
      new: after,
    };
  }
  return {
    ...by,
    action: "export",
    status: "ok",
    target: `report:${number}`,
    message: `exported report ${number} as CSV`,
  };
}

function backup(hour: number): AuditEvent {
  return {
    actor: "backup",
    source: "10.0.0.4",
    action: "backup",
    status: "ok",
    target: "database:main",
    message: `backed up the database, run ${hour}`,
  };
}

const dana = { actor: "dana@example.com", source: ELSEWHERE } as const;
const denied = Array.from({ length: 9 }, (_, place) => ({
  after: place * 0.4,
  event: { ...dana, action: "login", status: "denied", message: "wrong password" },
}));

/** Minutes after it began. */
const BREAK_IN: readonly { readonly after: number; readonly event: AuditEvent }[] = [
  ...denied,
  { after: 4, event: { ...dana, action: "login", status: "ok", message: "signed in" } },
  { after: 6, event: { ...dana, action: "read", status: "ok", target: "document:payroll", message: "opened payroll" } },
  {
    after: 9,
    event: {
      ...{ ...dana, action: "grant", status: "ok", target: "user:dana", message: "made dana an administrator" },
      ...{ old: { roles: ["accounting"] }, new: { roles: ["accounting", "administrator"] } },
    },
  },
  {
    after: 12,
    event: { ...dana, action: "create", status: "ok", target: "api-key:ci-7", message: "created the API key ci-7" },
  },
  {
    after: 15,
    event: { ...dana, action: "export", status: "ok", target: "customers", message: "exported all customers as CSV" },
  },
  {
    after: 17,
    event: {
      ...dana,
      action: "delete",
      status: "denied",
      target: "audit-log:default",
      message: "tried to delete the audit log",
    },
  },
];

/** What an attacker with the database in hand would rather have in the place of what was logged. */
export const CHANGED = { logged: "exported all customers as CSV", shown: "opened the list of customers" } as const;

/** Numbers from 0 to 1 that follow from a seed alone (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
