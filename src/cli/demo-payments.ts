import type { AuditEvent } from "../core/event.js";
import type { JsonObject } from "../core/json.js";

/** Picks one of several values. */
export type Choose = <T>(values: readonly T[]) => T;

const PLANS = [
  { id: "price_team_monthly", product: "Team", unit_amount: 4900, recurring: { interval: "month", interval_count: 1 } },
  { id: "price_team_yearly", product: "Team", unit_amount: 49_900, recurring: { interval: "year", interval_count: 1 } },
  { id: "price_pro_monthly", product: "Pro", unit_amount: 9900, recurring: { interval: "month", interval_count: 1 } },
] as const;
const REFUSALS = ["insufficient_funds", "expired_card", "do_not_honor"] as const;

/** What a payment service tells of a customer, in the shape of Stripe's events: the changed object, and what it was before. */
export function payment(pick: Choose, random: () => number): AuditEvent {
  const digits = (count: number): string => String(Math.floor(random() * 10 ** count)).padStart(count, "0");
  const [customer, plan] = [`cus_${digits(8)}`, pick(PLANS)];
  const by = { actor: "stripe", source: "api.stripe.com", target: `customer:${customer}` };
  const kind = random();
  if (kind < 0.2) return { ...by, ...subscriptionUpdated(`sub_${digits(8)}`, customer, pick) };
  if (kind < 0.35)
    return {
      ...by,
      ...{ action: "charge.refunded", status: "ok", message: `refunded ${euros(plan.unit_amount)} to ${customer}` },
      old: { amount_refunded: 0, refunded: false },
      new: {
        ...charge(`ch_${digits(8)}`, customer, plan.unit_amount),
        amount_refunded: plan.unit_amount,
        refunded: true,
      },
    };
  const refusal = kind < 0.5 ? pick(REFUSALS) : undefined;
  const outcome = refusal === undefined ? "payment_succeeded" : "payment_failed";
  return {
    ...by,
    action: `invoice.${outcome}`,
    status: refusal === undefined ? "ok" : "failed",
    message: `invoice of ${euros(plan.unit_amount)} for ${customer}: ${refusal ?? "paid"}`,
    new: invoice({ id: `in_${digits(8)}`, customer, plan, refusal }),
  };
}

function subscriptionUpdated(id: string, customer: string, pick: Choose) {
  const [before, after] = [pick(PLANS), pick(PLANS)];
  const [was, is] = [pick([1, 3, 5]), pick([4, 8, 12])];
  const of = (plan: (typeof PLANS)[number], quantity: number): JsonObject => ({
    items: { object: "list", data: [{ price: { ...plan, currency: "eur" }, quantity }] },
  });
  return {
    action: "customer.subscription.updated",
    status: "ok",
    message: `subscription of ${customer} is ${after.product} for ${is} people`,
    old: of(before, was),
    new: { id, object: "subscription", customer, status: "active", cancel_at_period_end: false, ...of(after, is) },
  };
}

function charge(id: string, customer: string, amount: number): JsonObject {
  const checks = { cvc_check: "pass", address_postal_code_check: "pass" };
  const card = { brand: "visa", last4: "4242", exp_month: 8, exp_year: 2029, country: "DE", checks };
  return { id, object: "charge", customer, amount, currency: "eur", payment_method_details: { type: "card", card } };
}

interface Billed {
  readonly id: string;
  readonly customer: string;
  readonly plan: (typeof PLANS)[number];
  readonly refusal: string | undefined;
}

function invoice({ id, customer, plan, refusal }: Billed): JsonObject {
  const isPaid = refusal === undefined;
  const price = { ...plan, currency: "eur" };
  return {
    ...{ id, object: "invoice", customer, currency: "eur", collection_method: "charge_automatically" },
    ...{ amount_due: plan.unit_amount, amount_paid: isPaid ? plan.unit_amount : 0, attempt_count: isPaid ? 1 : 2 },
    status: isPaid ? "paid" : "open",
    lines: { object: "list", data: [{ description: `1 × ${plan.product}`, quantity: 1, price }] },
    last_finalization_error: null,
    ...(isPaid
      ? {}
      : { charge_failure: { code: "card_declined", decline_code: refusal, network_status: "declined_by_network" } }),
  };
}

function euros(cents: number): string {
  return `€${(cents / 100).toFixed(2)}`;
}
