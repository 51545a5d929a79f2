/** Why a gateway does not start: nobody knows whom to let in. The message is for the operator. */
export class AccessError extends Error {
  override readonly name = "AccessError";
}
