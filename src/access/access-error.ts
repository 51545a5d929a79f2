/** Why a gateway does not start: it cannot decide who is let in. The message is for the operator. */
export class AccessError extends Error {
  override readonly name = "AccessError";
}
