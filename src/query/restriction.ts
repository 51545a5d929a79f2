/** Fields that a search can be restricted on, outside its query. */
export const RESTRICTION_FIELDS = ["actor", "action", "source", "status", "target", "tenant_id"] as const;

export type RestrictionField = (typeof RESTRICTION_FIELDS)[number];

/** Per field, the values allowed: a field's whole value must equal one of them; fields are ANDed. */
export type Restriction = { readonly [field in RestrictionField]?: readonly string[] };
