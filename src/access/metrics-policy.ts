/** Who may read the metrics: everyone who reaches the gateway, or holders of the scope audit:metrics, which audit:admin includes. */
export const METRICS_POLICIES = ["open", "admin"] as const;

export type MetricsPolicy = (typeof METRICS_POLICIES)[number];
