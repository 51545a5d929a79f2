import { Field, FieldResolver, ObjectType, InputType, Resolver, Root } from "type-graphql";
import { badInput } from "../audit/errors.js";
import type { SignedEvent } from "../audit/service.js";
import { customObject } from "../core/custom-field.js";
import { EVENT_FIELDS, type AuditEvent, type CustomValue, type EventField, type EventValue } from "../core/event.js";
import { isPlainObject, memberPath, nameOf, withoutNulls } from "../core/json.js";
import { EventTimeScalar, JsonScalar } from "./scalars.js";

@ObjectType("AuditEvent", {
  simpleResolvers: true,
  description: "What the application said happened, exactly as it was logged. Absent fields are null.",
})
export abstract class EventType implements Pick<AuditEvent, EventField> {
  @Field(() => JsonScalar, { description: "What happened: text for people, or any other JSON value." })
  abstract readonly message: EventValue;

  @Field(() => String, { nullable: true, description: "Who did it: a user, a service or a job." })
  abstract readonly actor?: string;

  @Field(() => String, { nullable: true, description: "What was done, as a short word such as `create` or `login`." })
  abstract readonly action?: string;

  @Field(() => JsonScalar, { nullable: true, description: "The value after the change." })
  abstract readonly new?: EventValue;

  @Field(() => JsonScalar, { nullable: true, description: "The value before the change." })
  abstract readonly old?: EventValue;

  @Field(() => String, { nullable: true, description: "Where it came from: a host, an address or a device." })
  abstract readonly source?: string;

  @Field(() => String, { nullable: true, description: "How it ended, as a short word such as `success` or `denied`." })
  abstract readonly status?: string;

  @Field(() => String, { nullable: true, description: "What it was done to." })
  abstract readonly target?: string;

  @Field(() => EventTimeScalar, {
    nullable: true,
    description: "When it happened, as the application said. `AuditEntry.receivedAt` is when the log received it.",
  })
  abstract readonly timestamp?: string | number;

  @Field(() => String, {
    complexity: 1,
    name: "tenantId",
    simple: false,
    nullable: true,
    description: "The tenant it belongs to, in an application that serves several.",
  })
  abstract readonly tenant_id?: string;
}

@Resolver(() => EventType)
export class EventResolver {
  @FieldResolver(() => JsonScalar, {
    complexity: 1,
    nullable: true,
    description:
      "The fields of the log's own schema, as an object: text, true or false, and integers. Null where the event has none.",
  })
  custom(@Root() event: AuditEvent): Readonly<Record<string, CustomValue>> | undefined {
    return customObject(event);
  }
}

/** Each log has its own rules (core/event-rules.ts); these are the defaults. */
const VALUE =
  "At most 262,144 bytes of UTF-8, JSON other than text counted as canonical JSON, unless the log declares another limit. In a pangea log: text or an object of at most 32,766 characters.";
const TEXT = "At most 1,024 characters; in a pangea log, 128.";
const SHORT_TEXT = "At most 1,024 characters; in a pangea log, 32.";

/** An event to log; core's parseEvent checks all limits and names all bad paths at once. */
@InputType("AuditEventInput", {
  description:
    "What happened. Only `message` is required; a field that is null counts as absent. Events are kept for ever, so put no secrets in them.",
})
export abstract class EventInput {
  @Field(() => JsonScalar, { description: `What happened: text or any other JSON value; not empty. ${VALUE}` })
  abstract readonly message: unknown;

  @Field(() => String, { nullable: true, description: `Who did it. ${TEXT}` })
  abstract readonly actor?: string | null;

  @Field(() => String, {
    nullable: true,
    description: `What was done, such as \`create\`. ${SHORT_TEXT}`,
  })
  abstract readonly action?: string | null;

  @Field(() => JsonScalar, { nullable: true, description: `The value after the change: any JSON value. ${VALUE}` })
  abstract readonly new?: unknown;

  @Field(() => JsonScalar, { nullable: true, description: `The value before the change: any JSON value. ${VALUE}` })
  abstract readonly old?: unknown;

  @Field(() => String, {
    nullable: true,
    description: `Where it came from: a host, an address. ${TEXT}`,
  })
  abstract readonly source?: string | null;

  @Field(() => String, {
    nullable: true,
    description: `How it ended, such as \`success\`. ${SHORT_TEXT}`,
  })
  abstract readonly status?: string | null;

  @Field(() => String, { nullable: true, description: `What it was done to. ${TEXT}` })
  abstract readonly target?: string | null;

  @Field(() => EventTimeScalar, {
    nullable: true,
    description: "When it happened, by your own clock; kept as sent. At most 128 characters.",
  })
  abstract readonly timestamp?: unknown;

  @Field(() => String, { nullable: true, description: `The tenant it belongs to. ${TEXT}` })
  abstract readonly tenantId?: string | null;

  @Field(() => JsonScalar, {
    nullable: true,
    description:
      "The fields of the log's own schema, as an object; logs without one have none. Signed and hashed as members of the event.",
  })
  abstract readonly custom?: unknown;

  @Field(() => String, {
    nullable: true,
    description:
      "Your own Ed25519 signature over the canonical JSON (RFC 8785) of the event's fields that are not null, under these names but `tenant_id` for `tenantId`: base64 of 64 bytes. Needs `publicKey`; a signature that does not verify is refused.",
  })
  abstract readonly signature?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The Ed25519 public key of `signature`: PEM (SPKI), or base64 of the 32 bytes.",
  })
  abstract readonly publicKey?: string | null;
}

/**
 * The input in the service's form: the event under its hashed names, the signature beside it. Throws BAD_USER_INPUT for custom
 * fields that are no object, or have a standard one among them. `path`: where the event stands in the request.
 */
export function signedEvent(input: EventInput, path: string): SignedEvent {
  const { signature, publicKey, tenantId, custom, ...event } = input;
  return {
    event: withoutNulls({ ...customIn(custom, `${path}.custom`), ...event, tenant_id: tenantId }),
    ...withoutNulls({ signature, publicKey }),
  };
}

function customIn(custom: unknown, path: string): object {
  if (custom === undefined || custom === null) return {};
  if (!isPlainObject(custom)) throw badInput([{ path, expected: "an object", got: nameOf(custom) }]);
  const standard = EVENT_FIELDS.filter((field) => Object.hasOwn(custom, field));
  const expected = "only fields of the log's own schema; the others stand beside `custom`";
  if (standard.length > 0)
    throw badInput(standard.map((field) => ({ path: memberPath(path, field), expected, got: "a standard field" })));
  return custom;
}
