/** Who may read the metrics: whoever reaches the gateway, or who has the scope audit:admin. */
export const METRICS_POLICIES = ["open", "admin"] as const;

export type MetricsPolicy = (typeof METRICS_POLICIES)[number];
