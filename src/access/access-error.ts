/** Thrown at startup when the gateway cannot decide whom to admit. The message is for the operator. */
export class AccessError extends Error {
  override readonly name = "AccessError";
}
