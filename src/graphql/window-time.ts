import { registerEnumType } from "type-graphql";

export const WindowTime = { RECEIVED_AT: "received_at", TIMESTAMP: "timestamp" } as const;
export type WindowTime = (typeof WindowTime)[keyof typeof WindowTime];

registerEnumType(WindowTime, {
  name: "AuditWindowTime",
  description: "Which of an entry's times a window, or a histogram, is of.",
  valuesConfig: {
    RECEIVED_AT: { description: "When the log received it, which the log's tree proves." },
    TIMESTAMP: {
      description:
        "When it happened, as the application said in `timestamp`: an RFC 3339 time, or a number since 1970. An event without such a time is in no such window.",
    },
  },
});
