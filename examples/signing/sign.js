// Signs an event as its author, in a browser or in Node: with WebCrypto alone. The same in Python: sign.py.

/** RFC 8785: members are sorted at every level; texts and numbers are written as JSON.stringify writes them. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  // What JSON.stringify leaves out of the request, is not signed either.
  const members = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

function base64(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

/**
 * The AuditEventInput for `log(event:)` with its author's signature, by a key pair of
 * `crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])`.
 */
export async function signedEvent({ tenantId, ...event }, { privateKey, publicKey }) {
  // The one name that the API spells otherwise than what is signed; a field that is null is not signed.
  const fields = Object.entries({ ...event, tenant_id: tenantId }).filter(([, value]) => value !== null);
  const text = new TextEncoder().encode(canonical(Object.fromEntries(fields)));
  return {
    ...event,
    tenantId,
    signature: base64(await crypto.subtle.sign("Ed25519", privateKey, text)),
    publicKey: base64(await crypto.subtle.exportKey("raw", publicKey)),
  };
}
