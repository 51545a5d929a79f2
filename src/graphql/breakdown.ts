import { Field, Int, ObjectType, registerEnumType } from "type-graphql";
import { MAX_BUCKETS, MAX_FACET_VALUES, type Facet, type FacetField, type Histogram } from "../audit/breakdown.js";
import { DateTimeScalar } from "./scalars.js";

export const FacetFieldName = {
  ACTOR: "actor",
  ACTION: "action",
  SOURCE: "source",
  STATUS: "status",
  TARGET: "target",
  TENANT_ID: "tenant_id",
} as const satisfies Record<string, FacetField>;
export type FacetFieldName = (typeof FacetFieldName)[keyof typeof FacetFieldName];

registerEnumType(FacetFieldName, {
  name: "AuditFacetField",
  description: "A field whose values can be counted.",
  valuesConfig: {
    ACTOR: { description: "Who did it." },
    ACTION: { description: "What was done." },
    SOURCE: { description: "From where it was done." },
    STATUS: { description: "How it ended." },
    TARGET: { description: "What it was done to." },
    TENANT_ID: { description: "The tenant it belongs to." },
  },
});

@ObjectType("AuditHistogramBucket", { description: "The matches of one step of time.", simpleResolvers: true })
abstract class HistogramBucketType {
  @Field(() => DateTimeScalar, { description: "Where it begins, inclusive." })
  abstract readonly start: string;

  @Field(() => DateTimeScalar, { description: "Where it ends, exclusive." })
  abstract readonly end: string;

  @Field(() => Int, { description: "The number of matches." })
  abstract readonly count: number;
}

@ObjectType("AuditHistogram", { description: "How the matches of a search spread over time.", simpleResolvers: true })
export abstract class HistogramType implements Histogram {
  @Field(() => [HistogramBucketType], {
    complexity: 1,
    description:
      "Neighbours in order, empty ones too, all of one round length of UTC: seconds, hours, days, weeks from Monday, months or years. Empty where no time is known.",
  })
  abstract readonly buckets: readonly HistogramBucketType[];

  @Field(() => Int, { description: "The number of matches without such a time." })
  abstract readonly otherCount: number;
}

@ObjectType("AuditFacetValue", { description: "A value of a field.", simpleResolvers: true })
abstract class FacetValueType {
  @Field(() => String, { description: 'The whole value. Search for it as `field="value"`.' })
  abstract readonly value: string;

  @Field(() => Int, { description: "The number of matches that have it." })
  abstract readonly count: number;
}

@ObjectType("AuditFacet", {
  description: "The values of a field among the matches of a search.",
  simpleResolvers: true,
})
export abstract class FacetType implements Facet {
  @Field(() => [FacetValueType], {
    complexity: 1,
    description: "The most frequent values, the most frequent first.",
  })
  abstract readonly values: readonly FacetValueType[];

  @Field(() => Int, { description: "The number of different values, listed or not." })
  abstract readonly distinctCount: number;

  @Field(() => Int, { description: "The number of matches whose value is not listed." })
  abstract readonly otherCount: number;

  @Field(() => Int, { description: "The number of matches without the field." })
  abstract readonly missingCount: number;
}

export const BUCKETS = `The maximum number of buckets: 1 to ${MAX_BUCKETS}.`;
export const VALUES = `The number of values to list: 1 to ${MAX_FACET_VALUES}.`;
