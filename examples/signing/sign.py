"""Signs an event as its author: sign.py KEY.pem < event.json > input.json, the AuditEventInput for `log(event:)`.

Needs the package cryptography, and a key of `openssl genpkey -algorithm ed25519`. The same in JavaScript: sign.js.
"""
import base64
import json
import sys

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


def canonical(event):
    """RFC 8785 for texts, whole numbers and names of the Basic Multilingual Plane; for others take a library of it."""
    return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def signed_event(event, key):
    # The one name that the API spells otherwise than what is signed; what is null is not signed.
    signed = {"tenant_id" if name == "tenantId" else name: value for name, value in event.items() if value is not None}
    public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        **event,
        "signature": base64.b64encode(key.sign(canonical(signed))).decode("ascii"),
        "publicKey": base64.b64encode(public_key).decode("ascii"),
    }


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        print(json.dumps(signed_event(json.load(sys.stdin), load_pem_private_key(file.read(), None))))
