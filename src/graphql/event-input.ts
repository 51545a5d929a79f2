import { Field, InputType } from "type-graphql";
import type { SignedEvent } from "../audit/service.js";
import { withoutNulls } from "./nulls.js";
import { JsonScalar } from "./scalars.js";

const LONG = "At most 32,766 characters, an object counted as its canonical JSON.";

/** An event to log; every limit is checked by core's parseEvent, which names all bad paths at once. */
@InputType("EventInput", {
  description:
    "What happened. Only `message` is required; a field given as null counts as not given. It is kept for ever, so put no secrets in it.",
})
export abstract class EventInput {
  @Field(() => JsonScalar, { description: `What happened: text or a JSON object. Not empty. ${LONG}` })
  abstract readonly message: unknown;

  @Field(() => String, { nullable: true, description: "Who did it. At most 128 characters." })
  abstract readonly actor?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "What was done, as a short word such as `create`. At most 32 characters.",
  })
  abstract readonly action?: string | null;

  @Field(() => JsonScalar, { nullable: true, description: `The value after the change: text or an object. ${LONG}` })
  abstract readonly new?: unknown;

  @Field(() => JsonScalar, { nullable: true, description: `The value before the change: text or an object. ${LONG}` })
  abstract readonly old?: unknown;

  @Field(() => String, {
    nullable: true,
    description: "Where it came from: a host, an address. At most 128 characters.",
  })
  abstract readonly source?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "How it ended, as a short word such as `success`. At most 32 characters.",
  })
  abstract readonly status?: string | null;

  @Field(() => String, { nullable: true, description: "What it was done to. At most 128 characters." })
  abstract readonly target?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "When it happened, in your own words or RFC 3339; kept as given. At most 128 characters.",
  })
  abstract readonly timestamp?: string | null;

  @Field(() => String, { nullable: true, description: "The tenant it belongs to. At most 128 characters." })
  abstract readonly tenantId?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Your own Ed25519 signature over the canonical JSON of the event's fields: base64 of 64 bytes. Needs `publicKey`; a signature that does not verify is refused.",
  })
  abstract readonly signature?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The Ed25519 public key of `signature`: PEM (SPKI), or base64 of the 32 bytes.",
  })
  abstract readonly publicKey?: string | null;
}

/** The input as the service takes it: the event under its hashed names, the signature beside it. */
export function signedEvent(input: EventInput): SignedEvent {
  const { signature, publicKey, tenantId, ...event } = input;
  return {
    event: withoutNulls({ ...event, tenant_id: tenantId }),
    ...withoutNulls({ signature, publicKey }),
  };
}
