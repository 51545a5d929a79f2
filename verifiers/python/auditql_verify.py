#!/usr/bin/env python3
"""Checks what an AuditQL gateway answered, offline, trusting nothing but the key of the log that you give.

    auditql_verify.py [FILE] [--key KEY | --trust FILE] [--schema FILE]   FILE is evidence; - or none reads standard input

KEY is the log's verifier key (C2SP signed-note, `origin+id+base64`), as you got it over a way that you trust. The file
of --trust holds one such key on each line, of several logs; # begins a comment.

Evidence is one JSON object {"format", "origin", "roots": [...], "publicKey", "entries": [...]}, or lines: the same object
with "entries": "lines", then one entry on each line, then {"end": <number of entries>}. Entries and roots are as the
GraphQL API answers them:
    entry  {leafIndex, hash, canonical, membershipProof?: {leafIndex, treeSize, leafHash, rootHash, path}}
           (`text`, a proof in the Pangea protocol's spelling, may stand in place of `path`)
    root   {treeSize, hash, checkpoint, consistencyProof?: {fromSize, toSize, fromHash, toHash, path}}
`completeness` is a list of proofs that the entries are all that was found, page behind page, and `search` is {"query"}, what
was asked: as `auditql save --prove` writes them. The files beside this one read these.
A proof of fraud is {"format", "origin", "publicKey", "checkpoint", "indexCheckpoint", "proof"}: that the log signed a wrong index.
`publicKey` (a verifier key, SPKI PEM or base64) is believed only when you give no key. Memory does not grow with the file,
if the entries stand last.

One line per check: "entries[0] membership VALID", or INVALID or UNKNOWN with a reason. Exit code:
    0  everything holds under the key that you gave
    1  something does not hold, or a proof that it needs was left out
    2  it could not be checked: wrongly started, unreadable, no evidence, broken off; or the Python package
       `cryptography`, needed for Ed25519 only, is not installed, or Python is older than 3.12 and lacks a character
    3  everything holds, but only for the key inside the file: you gave none
UNKNOWN means that nothing was given to check; a signature of an event, a consistency proof, and what was searched need
not be there.

Written from docs/format.md, RFC 9162, RFC 8785 and C2SP tlog-checkpoint; it shares no code with the gateway.
Python 3.8 or newer, standard library only.
"""

import argparse
import base64
import codecs
import functools
import hashlib
import importlib
import json
import os
import re
import sys
import traceback
import unicodedata
from decimal import Decimal

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None

MAX_SIZE = 2**53 - 1
MAX_CHECKPOINT_BYTES = 131072
MAX_KEY_CHARACTERS = 256
# An envelope, its event, and 64 levels in a field of it.
MAX_DEPTH = 66
VALID = "VALID"


def invalid(reason):
    return "INVALID " + reason


def unknown(reason):
    return "UNKNOWN " + reason


class Unusable(Exception):
    """The document does not say what is to be verified."""


class NotCanonical(ValueError):
    """A text is not what RFC 8785 would write."""


# --- Canonical JSON (RFC 8785) ---------------------------------------------------------------------------------------


def canonical_json(value):
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return canonical_number(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical_json(item) for item in value) + "]"
    keys = sorted(value, key=utf16)
    return "{" + ",".join(canonical_json(key) + ":" + canonical_json(value[key]) for key in keys) + "}"


def utf16(text):
    """Keys are ordered by UTF-16 code unit (section 3.2.3)."""
    return text.encode("utf-16-be")


def canonical_number(value):
    """ECMAScript's Number::toString, of the double nearest to the value (section 3.2.2.3)."""
    number = float(value)
    if number in (float("inf"), float("-inf")):
        raise NotCanonical("a number beyond a double")
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(abs(number))).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + exponent
    return ("-" if number < 0 else "") + place_point(text, point)


def place_point(digits, point):
    """The value is 0.<digits> times ten to the power `point`."""
    if 0 < point <= 21:
        whole = digits[:point].ljust(point, "0")
        return whole + ("." + digits[point:] if len(digits) > point else "")
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    fraction = "." + digits[1:] if len(digits) > 1 else ""
    return "%s%se%+d" % (digits[0], fraction, point - 1)


def parse_json(text):
    """A value as RFC 8259 and ECMAScript have it: every number is a double, and there is no NaN and no Infinity."""
    return json.loads(text, parse_int=float, parse_constant=refuse_constant)


def refuse_constant(name):
    raise ValueError("JSON has no " + name)


def parse_canonical(text):
    """The value of a text that must be its own canonical form; None for any other text."""
    try:
        value = parse_json(text)
        text.encode("utf-8")
        return value if is_within(value, MAX_DEPTH) and canonical_json(value) == text else None
    except (ValueError, TypeError, RecursionError):
        return None


def is_within(value, levels):
    """Whether at most that many levels of objects and lists lie inside each other; it goes no deeper itself."""
    if not isinstance(value, (dict, list)):
        return True
    items = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(is_within(item, levels - 1) for item in items)


# --- Envelopes -------------------------------------------------------------------------------------------------------

TEXT_FIELDS = ("actor", "action", "source", "status", "target", "tenant_id")
VALUE_FIELDS = ("message", "new", "old")
RECEIVED_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def parse_envelope(text):
    value = parse_canonical(text) if isinstance(text, str) else None
    return value if is_envelope(value) else None


def is_envelope(value):
    if not isinstance(value, dict) or not is_event(value.get("event")):
        return False
    received_at = value.get("received_at")
    return (
        isinstance(received_at, str)
        and RECEIVED_AT.fullmatch(received_at) is not None
        and all(is_text(value[key]) for key in ("signature", "public_key") if key in value)
    )


def is_event(event):
    return (
        isinstance(event, dict)
        and "message" in event
        and all(is_text(event[field]) for field in TEXT_FIELDS if field in event)
        and all(event[field] is not None for field in VALUE_FIELDS if field in event)
        and is_time(event.get("timestamp", ""))
    )


def is_time(value):
    return is_text(value) or (isinstance(value, (int, float)) and not isinstance(value, bool))


def is_text(value):
    return isinstance(value, str)


# --- Hashes and the tree (RFC 9162 section 2.1) -----------------------------------------------------------------------

PREFIXES = {"rfc6962": (b"\x00", b"\x01"), "pangea": (b"", b"")}


def leaf_hash(log, canonical):
    return hashlib.sha256(log["leaf_prefix"] + canonical.encode("utf-8")).digest()


def node_hash(log, left, right):
    return hashlib.sha256(log["node_prefix"] + left + right).digest()


def membership(log, proof):
    """RFC 9162 section 2.1.3.2; fn and sn as there."""
    index, size, path = proof["leafIndex"], proof["treeSize"], proof["path"]
    if not is_size(size) or not is_size(index) or index >= size:
        return invalid("INDEX_OUT_OF_RANGE")
    fn, sn, node = index, size - 1, proof["leafHash"]
    for sibling in path:
        if sn == 0:
            return invalid("PROOF_LENGTH")
        if fn % 2 == 1 or fn == sn:
            node = node_hash(log, sibling, node)
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn // 2, sn // 2
        else:
            node = node_hash(log, node, sibling)
        fn, sn = fn // 2, sn // 2
    if sn != 0:
        return invalid("PROOF_LENGTH")
    return VALID if node == proof["rootHash"] else invalid("ROOT_MISMATCH")


PATH_ITEM = re.compile(r"([lr]):([0-9a-f]{64})")
MAX_HOT_ITEMS = 53


def membership_text(log, proof):
    """The Pangea protocol's spelling; items before those that index and size need lead to a leaf of several events."""
    index, size = proof["leafIndex"], proof["treeSize"]
    if not is_size(size) or not is_size(index) or index >= size:
        return invalid("INDEX_OUT_OF_RANGE")
    items = [PATH_ITEM.fullmatch(item) for item in proof["text"].split(",")] if proof["text"] else []
    sides = path_sides(index, size)
    hot = max(0, len(items) - len(sides)) if log["format"] == "pangea" else 0
    if None in items or hot > MAX_HOT_ITEMS or len(items) - hot > len(sides):
        return invalid("MALFORMED_PROOF")
    if any(item.group(1) != side for item, side in zip(items[hot:], sides)):
        return invalid("MALFORMED_PROOF")
    node = proof["leafHash"]
    for item in items[:hot]:
        sibling = bytes.fromhex(item.group(2))
        node = node_hash(log, sibling, node) if item.group(1) == "l" else node_hash(log, node, sibling)
    path = [bytes.fromhex(item.group(2)) for item in items[hot:]]
    return membership(log, dict(proof, leafHash=node, path=path))


def path_sides(index, size):
    """On which side each sibling of a membership path lies, from the leaf to the root (RFC 9162 section 2.1.3.1)."""
    sides = []
    while size > 1:
        split = 1 << ((size - 1).bit_length() - 1)
        sides.append("r" if index < split else "l")
        index, size = (index, split) if index < split else (index - split, size - split)
    return sides[::-1]


def consistency(log, proof):
    """RFC 9162 section 2.1.4.2; fn, sn, fr and sr as there."""
    first, second, path = proof["fromSize"], proof["toSize"], list(proof["path"])
    if first == 0 and is_size(second):
        return unknown("EMPTY_TREE")
    if not is_size(first) or not is_size(second) or not 1 <= first <= second:
        return invalid("INDEX_OUT_OF_RANGE")
    if first == second:
        if path:
            return invalid("PROOF_LENGTH")
        return VALID if proof["fromHash"] == proof["toHash"] else invalid("NEW_ROOT_MISMATCH")
    if first & (first - 1) == 0:
        path.insert(0, proof["fromHash"])
    fn, sn = first - 1, second - 1
    while fn % 2 == 1:
        fn, sn = fn // 2, sn // 2
    if not path:
        return invalid("PROOF_LENGTH")
    fr = sr = path[0]
    for node in path[1:]:
        if sn == 0:
            return invalid("PROOF_LENGTH")
        if fn % 2 == 1 or fn == sn:
            fr, sr = node_hash(log, node, fr), node_hash(log, node, sr)
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn // 2, sn // 2
        else:
            sr = node_hash(log, sr, node)
        fn, sn = fn // 2, sn // 2
    if sn != 0:
        return invalid("PROOF_LENGTH")
    if fr != proof["fromHash"]:
        return invalid("OLD_ROOT_MISMATCH")
    return VALID if sr == proof["toHash"] else invalid("NEW_ROOT_MISMATCH")


def is_size(value):
    return isinstance(value, int) and 0 <= value <= MAX_SIZE


# --- Ed25519 keys and signatures -------------------------------------------------------------------------------------

SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
VERIFIER_KEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")
PEM = re.compile(r"-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=]+)\r?\n-----END PUBLIC KEY-----[ \t\r\n]*")
FIELD_PRIME = 2**255 - 19
# The y coordinates of the points of small order: under such a key anyone can sign.
SMALL_ORDER_Y = (
    0,
    1,
    FIELD_PRIME - 1,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
)


def strict_base64(text):
    """The bytes of the one standard, padded spelling; None for any other."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode("ascii") == text else None


def parse_public_key(text):
    """32 bytes from JSON with a member `key`, from PEM, or from base64 of the raw key or of its SPKI; else None."""
    if len(text) > MAX_KEY_CHARACTERS:
        return None
    if text.startswith("{"):
        text = key_member(text)
    match = PEM.fullmatch(text)
    data = strict_base64(match.group(1) if match else text)
    if data is not None and len(data) == 44 and data.startswith(SPKI_PREFIX):
        data = data[12:]
    if data is None or len(data) != 32:
        return None
    y = int.from_bytes(data, "little") % 2**255
    return None if y >= FIELD_PRIME or y in SMALL_ORDER_Y else data


def key_member(text):
    try:
        value = parse_json(text)
    except (ValueError, RecursionError):
        return ""
    key = value.get("key")
    return key if isinstance(key, str) and value.get("algorithm", "ED25519") == "ED25519" else ""


def ed25519(signature, message, public_key):
    if Ed25519PublicKey is None:
        return unknown("NO_CRYPTOGRAPHY")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        return VALID
    except (InvalidSignature, ValueError):
        return invalid("SIGNATURE_MISMATCH")


@functools.lru_cache(maxsize=1000)
def log_signature(signature, message, public_key):
    """The proofs of a file lead to one root, whose signature would cost more to check than all else of an entry."""
    return ed25519(signature, message, public_key)


def event_signature(log, envelope):
    signature_text, key_text = envelope.get("signature"), envelope.get("public_key")
    if signature_text is None and key_text is None:
        return unknown("NO_SIGNATURE")
    if signature_text is None or key_text is None:
        return invalid("INCOMPLETE_SIGNATURE")
    signature = strict_base64(signature_text)
    if signature is None or len(signature) != 64:
        return invalid("MALFORMED_SIGNATURE")
    public_key = parse_public_key(key_text)
    if public_key is None:
        return invalid("MALFORMED_PUBLIC_KEY")
    return ed25519(signature, signed_text(log, envelope["event"]).encode("utf-8"), public_key)


def signed_text(log, event):
    """In a pangea log an object of the event counts as the text of its canonical form."""
    if log["format"] == "pangea":
        event = {key: canonical_json(value) if isinstance(value, dict) else value for key, value in event.items()}
    return canonical_json(event)


# --- Checkpoints (C2SP tlog-checkpoint in a signed note) --------------------------------------------------------------

NOTE = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n\n((?:— [^\n]+\n)+)")
SIGNATURE_LINE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+=*)")


def checkpoint(log, text, tree):
    """Whether the text is the log's signature under (tree size, root)."""
    if text is None:
        return unknown("NO_PROOF")
    note = parse_note(text) if isinstance(text, str) else None
    if note is None:
        return invalid("MALFORMED_CHECKPOINT")
    origin, size, root, body, lines = note
    own = [blob for name, blob in lines if name == log["origin"] and blob[:4] == log["key_id"]]
    if not own:
        return invalid("UNKNOWN_KEY")
    if len(own) > 1 or len(own[0]) != 68:
        return invalid("MALFORMED_CHECKPOINT")
    verdict = log_signature(own[0][4:], body.encode("utf-8"), log["public_key"])
    if verdict.startswith("INVALID"):
        return verdict
    if origin != log["origin"] or (size, root) != tree:
        return invalid("CHECKPOINT_MISMATCH")
    return verdict


def parse_note(text):
    match = NOTE.fullmatch(text) if len(text.encode("utf-8", "surrogatepass")) <= MAX_CHECKPOINT_BYTES else None
    if match is None:
        return None
    origin, size, root_text, signatures = match.groups()
    root, lines = strict_base64(root_text), [parse_line(line) for line in signatures.split("\n")[:-1]]
    if not is_key_name(origin) or int(size) > MAX_SIZE or root is None or None in lines:
        return None
    return origin, int(size), root, "%s\n%s\n%s\n" % (origin, size, root_text), lines


def parse_line(line):
    match = SIGNATURE_LINE.fullmatch(line)
    blob = strict_base64(match.group(2)) if match and is_key_name(match.group(1)) else None
    return (match.group(1), blob) if blob is not None and len(blob) > 4 else None


def is_key_name(name):
    return name != "" and not any(c in "+\ufeff" or c.isspace() or unicodedata.category(c) in ("Cc", "Cs") for c in name)


def parse_log_key(text, origin):
    """As parse_public_key, or of a C2SP verifier key (signed-note), `origin+key id+base64`, when it is of this origin."""
    match = VERIFIER_KEY.fullmatch(text)
    if match is None:
        return parse_public_key(text)
    data = strict_base64(match.group(3))
    if match.group(1) != origin or data is None or data[:1] != b"\x01" or len(data) != 33:
        return None
    public_key = parse_public_key(base64.b64encode(data[1:]).decode("ascii"))
    known = public_key is not None and key_id(origin, public_key).hex() == match.group(2)
    return public_key if known else None


def key_id(origin, public_key):
    return hashlib.sha256(origin.encode("utf-8") + b"\n\x01" + public_key).digest()[:4]


# --- Claims: what the server said, believed in nothing ----------------------------------------------------------------

HASH = re.compile(r"[0-9a-f]{64}")


def read_hash(value):
    return bytes.fromhex(value) if isinstance(value, str) and HASH.fullmatch(value) else None


def read_proof(claim, numbers, hashes):
    """The proof with its hashes as bytes; None when it is not of that form."""
    if not isinstance(claim, dict) or not isinstance(claim.get("path"), list):
        return None
    proof = read_ends(claim, numbers, hashes)
    proof["path"] = [read_hash(value) for value in claim["path"]]
    return None if None in proof.values() or None in proof["path"] else proof


def read_text_proof(claim, numbers, hashes):
    """A proof that has a text in place of its path; None when it is not of that form."""
    if not isinstance(claim, dict) or "path" in claim or not isinstance(claim.get("text"), str):
        return None
    proof = read_ends(claim, numbers, hashes)
    proof["text"] = claim["text"]
    return None if None in proof.values() else proof


def read_ends(claim, numbers, hashes):
    proof = {name: read_number(claim.get(name)) for name in numbers}
    proof.update((name, read_hash(claim.get(name))) for name in hashes)
    return proof


def read_number(value):
    """JSON has one kind of number, the double: 7.0 is 7, and 2^53 + 1 is 2^53. None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return float("inf")
    return int(number) if number.is_integer() else number


def check_entry(log, entry, roots):
    envelope = parse_envelope(entry.get("canonical"))
    if envelope is None:
        yield "hash", invalid("NOT_CANONICAL")
        yield "signature", unknown("NOT_CANONICAL")
    else:
        matches = leaf_hash(log, entry["canonical"]).hex() == entry.get("hash")
        yield "hash", VALID if matches else invalid("HASH_MISMATCH")
        yield "signature", event_signature(log, envelope)
    yield from check_membership(log, entry, roots)


def check_membership(log, entry, roots):
    claim = entry.get("membershipProof")
    if claim is None:
        yield "membership", unknown("NO_PROOF")
        yield "checkpoint", unknown("NO_PROOF")
        return
    ends = ("leafIndex", "treeSize"), ("leafHash", "rootHash")
    proof = read_proof(claim, *ends) or read_text_proof(claim, *ends)
    if proof is None:
        yield "membership", invalid("MALFORMED_PROOF")
        yield "checkpoint", unknown("NO_PROOF")
        return
    yield "membership", bound_membership(log, proof, entry)
    root = next((root for root in roots if read_number(root.get("treeSize")) == proof["treeSize"]), {})
    yield "checkpoint", checkpoint(log, root.get("checkpoint"), (proof["treeSize"], proof["rootHash"]))


def bound_membership(log, proof, entry):
    """A proof of another entry proves nothing about this one."""
    if proof["leafIndex"] != read_number(entry.get("leafIndex")):
        return invalid("INDEX_OUT_OF_RANGE")
    if proof["leafHash"].hex() != entry.get("hash"):
        return invalid("HASH_MISMATCH")
    return membership_text(log, proof) if "text" in proof else membership(log, proof)


def check_root(log, root, known=None):
    """With the (size, hash) of a root that the caller knows, the proof must start there."""
    tree = (read_number(root.get("treeSize")), read_hash(root.get("hash")))
    yield "checkpoint", checkpoint(log, root.get("checkpoint"), tree)
    claim = root.get("consistencyProof")
    if claim is None:
        yield "consistency", unproven(tree, known)
        return
    proof = read_proof(claim, ("fromSize", "toSize"), ("fromHash", "toHash"))
    if proof is None:
        yield "consistency", invalid("MALFORMED_PROOF")
    elif (proof["toSize"], proof["toHash"]) != tree:
        yield "consistency", invalid("NEW_ROOT_MISMATCH")
    elif known is not None and (proof["fromSize"], proof["fromHash"]) != known:
        yield "consistency", invalid("OLD_ROOT_MISMATCH")
    else:
        yield "consistency", consistency(log, proof)


def unproven(tree, known):
    """Without a proof, a root of the size that is known is still the same tree, or another one."""
    if known is None or None in known or not is_size(known[0]) or known[0] == 0 or tree[0] != known[0]:
        return unknown("NO_PROOF")
    return VALID if tree == known else invalid("OLD_ROOT_MISMATCH")


# --- The log, and the keys that the user trusts ------------------------------------------------------------------------


def read_trusted_keys(key, path):
    """The public keys by origin; None when the user gave no key."""
    if key is not None:
        return trusted_keys([("--key", key)])
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:
        lines = [("%s:%d" % (path, i), line.strip()) for i, line in enumerate(file, 1)]
    given = [(place, text) for place, text in lines if text and not text.startswith("#")]
    if not given:
        raise Unusable(path + " holds no key")
    return trusted_keys(given)


def trusted_keys(given):
    keys = {}
    for place, text in given:
        match = VERIFIER_KEY.fullmatch(text)
        origin = match.group(1) if match else ""
        public_key = parse_log_key(text, origin) if match and is_key_name(origin) else None
        if public_key is None:
            raise Unusable(place + ": expected a verifier key, as root { publicKey } returns it: origin+id+base64")
        if keys.setdefault(origin, public_key) != public_key:
            raise Unusable("%s: there is another key of %s above: keep the one that is right" % (place, origin))
    return keys


def read_log(head, trusted=None):
    """The log that the head of evidence names. With trusted keys, its `publicKey` counts for nothing."""
    format_name, origin, key_text = (head.get(name) for name in ("format", "origin", "publicKey"))
    if not isinstance(format_name, str) or format_name not in PREFIXES:
        raise Unusable("format must be one of " + ", ".join(PREFIXES))
    if origin is None and trusted is not None and len(trusted) == 1:
        origin = next(iter(trusted))
    if not isinstance(origin, str) or not is_key_name(origin):
        raise Unusable("origin must be the log's name: text without blanks and +")
    if trusted is None:
        trust = "inside the file"
        public_key = parse_log_key(key_text, origin) if isinstance(key_text, str) else None
    else:
        trust = "given" if origin in trusted else "stranger"
        public_key = trusted.get(origin, next(iter(trusted.values())))
    if public_key is None:
        raise Unusable("publicKey must be the Ed25519 key of this origin: a verifier key, SPKI PEM or base64; or give --key")
    leaf_prefix, node_prefix = PREFIXES[format_name]
    return {
        "format": format_name,
        "origin": origin,
        "public_key": public_key,
        "key_id": key_id(origin, public_key),
        "leaf_prefix": leaf_prefix,
        "node_prefix": node_prefix,
        "trust": trust,
    }


def log_key_text(log):
    key = base64.b64encode(b"\x01" + log["public_key"]).decode("ascii")
    return "%s+%s+%s" % (log["origin"], log["key_id"].hex(), key)


# --- Evidence, piece by piece ------------------------------------------------------------------------------------------

# The most bytes of one value: several times the largest entry that a gateway writes.
MAX_VALUE_BYTES = 8 * 2**20
# Of a proof of completeness or fraud: 16 MiB as base64, and what is beside it.
MAX_PROOF_VALUE_BYTES = 23 * 2**20
# How deep arrays and objects may nest in one value.
MAX_FILE_DEPTH = 500
MAX_MEMBERS = 100
# The most bytes of roots and proofs of completeness, and of entries that stand before the roots and the head that they need.
MAX_KEPT_BYTES = 16 * 2**20
# Entries that proofs of completeness can be about: their places are kept until the end.
MAX_PROVEN_ENTRIES = 1000000
# What need not be there: an event's signature, a proof from an older root, and what was searched.
OPTIONAL = ("signature", "consistency", "question")
# What this Python lacks, by the reason of a verdict that it then cannot give.
LACKS = {
    unknown("NO_CRYPTOGRAPHY"): "check signatures without the Python package cryptography",
    unknown("UNICODE_TOO_OLD"): "read characters of Unicode 15 without Python 3.12 or newer",
}
CHUNK_BYTES = 2**18
BLANK = re.compile(r"[ \t\r\n]*")
BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])', re.DOTALL)
LISTS = ("entries", "roots", "completeness")


def refuse_number(name):
    raise Unusable("expected JSON, got " + name)


# Numbers as parse_json reads them.
DECODER = json.JSONDecoder(parse_constant=refuse_number, parse_int=float)


class JsonSource:
    """JSON in pieces: one value at a time, each of bounded size and depth, and the punctuation between them."""

    def __init__(self, read):
        self.read = read
        self.utf8 = codecs.getincrementaldecoder("utf-8")()
        self.text, self.at, self.before = "", 0, 0

    def wrong(self, reason):
        return Unusable("%s, at character %d" % (reason, self.before + self.at))

    def fill(self, size=CHUNK_BYTES):
        """Whether there was more to read."""
        data = self.read(size)
        self.before, self.text = self.before + self.at, self.text[self.at :] + self.utf8.decode(data, final=not data)
        self.at = 0
        return bool(data)

    def is_at_end(self):
        self.at = BLANK.match(self.text, self.at).end()
        while self.at == len(self.text):
            if not self.fill():
                return True
            self.at = BLANK.match(self.text, self.at).end()
        return False

    def skip(self, punctuation):
        """Whether this punctuation comes next; it is then behind us."""
        if self.is_at_end() or self.text[self.at] != punctuation:
            return False
        self.at += 1
        return True

    def expect(self, punctuation):
        if not self.skip(punctuation):
            raise self.wrong("the file breaks off" if self.is_at_end() else "expected " + punctuation)

    def value(self, most=MAX_VALUE_BYTES):
        """The next value and its text; so many bytes of it are read."""
        if self.is_at_end():
            raise self.wrong("the file breaks off")
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
                # A number at the end of what was read may go on; what ends with a bracket or a quote may not.
                if end < len(self.text) or self.text[end - 1] in '}]"':
                    break
            except json.JSONDecodeError:
                pass
            # Twice as much each time: what was decoded in vain costs no more than what is read.
            known = len(self.text) - self.at
            if known > most or not self.fill(max(known, CHUNK_BYTES)):
                raise self.wrong("expected JSON, whole, and at most %d bytes of one value" % most)
        text, self.at = self.text[self.at : end], end
        if len(text) * 4 > most and len(text.encode("utf-8")) > most:
            raise self.wrong("expected a value of at most %d bytes" % most)
        if text.count("[") + text.count("{") > MAX_FILE_DEPTH and depth_of(text) > MAX_FILE_DEPTH:
            raise self.wrong("expected a value nested at most %d deep" % MAX_FILE_DEPTH)
        return value, text


def depth_of(text):
    depth = deepest = 0
    for token in BRACKET.finditer(text):
        depth += (token.group(1) is not None) - (token.group(2) is not None)
        deepest = max(deepest, depth)
    return deepest


def read_evidence(read):
    """Yields ("member", name, value), ("item", list, value, text) and ("end", list), in the order of the file.

    ("lines", None) says that every member has been read, and that the entries are the lines that follow.
    """
    source = JsonSource(read)
    if not source.skip("{"):
        raise source.wrong("the document is not a JSON object")
    names, has_lines = set(), False
    if not source.skip("}"):
        while True:
            name = read_name(source, names)
            source.expect(":")
            if name not in LISTS:
                yield "member", name, source.value(most_of(name))[0]
            elif source.skip("["):
                yield from list_items(source, name)
            else:
                has_lines = source.value()[0] == "lines" and name == "entries"
                if not has_lines:
                    raise source.wrong(name + " must be a list")
            if not source.skip(","):
                break
        source.expect("}")
    if has_lines:
        yield from entry_lines(source)
    if not source.is_at_end():
        raise source.wrong("expected nothing more")


def read_name(source, names):
    """Of two members with one name, readers disagree which one counts."""
    name = source.value()[0]
    if not isinstance(name, str):
        raise source.wrong("expected the name of a member")
    if name in names or len(names) == MAX_MEMBERS:
        raise source.wrong("expected at most %d members, each once" % MAX_MEMBERS)
    names.add(name)
    return name


def list_items(source, name):
    if not source.skip("]"):
        yield read_item(source, name)
        while source.skip(","):
            yield read_item(source, name)
        source.expect("]")
    yield "end", name


def entry_lines(source):
    yield "lines", None
    count = 0
    while not source.is_at_end():
        item = read_item(source, "entries")
        if "end" in item[2]:
            if read_number(item[2]["end"]) != count:
                raise source.wrong('expected {"end":%d} after %d entries' % (count, count))
            yield "end", "entries"
            return
        count += 1
        yield item
    raise Unusable("the file breaks off after %d entries: it has no last line" % count)


def most_of(name):
    return MAX_PROOF_VALUE_BYTES if name in ("proof", "completeness") else MAX_VALUE_BYTES


def read_item(source, name):
    value, text = source.value(most_of(name))
    if not isinstance(value, dict):
        raise source.wrong(name + " must be objects")
    return "item", name, value, text


def document_pieces(document):
    """The pieces of a document that is in memory."""
    if not isinstance(document, dict):
        raise Unusable("the document is not a JSON object")
    for name in (name for name in document if name not in LISTS):
        yield "member", name, document[name]
    for name in ("roots", "entries", "completeness"):
        items = document.get(name, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise Unusable(name + " must be a list of objects")
        for item in items:
            yield "item", name, item, ""
        yield "end", name


class EvidenceCheck:
    """The checks of one file of evidence, as its pieces come."""

    def __init__(self, trusted, own=None, known=None):
        self.trusted, self.own, self.known = trusted, own, known
        self.head, self.log = {}, None
        self.roots, self.root_of_size, self.has_roots = [], {}, False
        self.waiting, self.kept_bytes, self.entries = [], 0, 0
        self.counts = {"VALID": 0, "UNKNOWN": 0, "INVALID": 0}
        self.holds, self.lacking = True, None
        # Claims of completeness, the entries that they are about, and in words what they prove.
        self.claims, self.shown, self.proven, self.keeps_places = [], [], [], True

    def take(self, piece):
        """Yields (subject, check, verdict) for what can be checked by now."""
        if piece[0] == "member":
            self.head[piece[1]] = piece[2]
        elif piece[0] == "lines":
            self.keeps_places = bool(self.claims)
        elif piece[0] == "end":
            self.has_roots = self.has_roots or piece[1] == "roots"
        elif piece[1] == "roots":
            self.keep_root(*piece[2:])
        elif piece[1] == "completeness":
            self.keep(piece[3])
            self.claims.append(piece[2])
        elif self.is_ready():
            yield from self.check_entry(piece[2])
        else:
            self.keep(piece[3])
            self.waiting.append(piece[2])

    def end(self):
        """Yields the checks that waited for the end: of entries that stood before the roots, and of the roots."""
        self.open_log()
        if not self.waiting and not self.roots and self.entries == 0 and "proof" not in self.head:
            raise Unusable("there are neither entries nor roots to check, nor a proof of fraud")
        for entry in self.waiting:
            yield from self.check_entry(entry)
        for i, root in enumerate(self.roots):
            yield from self.counted("roots[%d]" % i, check_root(self.log, root, self.known))
        if self.claims:
            yield from self.check_completeness()
        if "proof" in self.head:
            verdicts, words = beside("auditql_fraud").check_accusation(self.log, self.head)
            self.proven.append("proves: " + (words or "nothing"))
            yield from self.counted("accusation", verdicts)

    def check_completeness(self):
        proven = beside("auditql_proven")
        search = self.head.get("search", proven.MISSING)
        name = proven.ambiguous_name(self.log, search) if self.own is None else None
        if name is not None:
            raise Unusable("search.query: %s may be a field of the log's own schema: give that with --schema" % name)
        own = (self.own or ()) if self.log["format"] == "pangea" else ()
        for i, (verdicts, words) in enumerate(proven.check_proofs(self.log, self.claims, self.shown, search, own)):
            subject = "completeness[%d]" % i
            self.proven.append("%s proves: %s" % (subject, printable(words or "nothing that can be read")))
            yield from self.counted(subject, verdicts)

    def is_ready(self):
        needed = ("format", "origin") if self.trusted is not None else ("format", "origin", "publicKey")
        return self.log is not None or (self.has_roots and all(name in self.head for name in needed))

    def open_log(self):
        if self.log is None:
            self.log = read_log(self.head, self.trusted)
        return self.log

    def keep_root(self, root, text):
        self.keep(text)
        self.roots.append(root)
        self.root_of_size.setdefault(read_number(root.get("treeSize")), root)

    def keep(self, text):
        self.kept_bytes += len(text.encode("utf-8"))
        if self.kept_bytes > MAX_KEPT_BYTES:
            raise Unusable(
                "format, origin, publicKey and roots must stand before more than %d bytes of entries, "
                "and roots and proofs of completeness take no more than that" % MAX_KEPT_BYTES
            )

    def check_entry(self, entry):
        subject, self.entries = "entries[%d]" % self.entries, self.entries + 1
        proof = entry.get("membershipProof")
        size = read_number(proof.get("treeSize")) if isinstance(proof, dict) else None
        root = self.root_of_size.get(size)
        self.keep_place(read_number(entry.get("leafIndex")), size)
        yield from self.counted(subject, check_entry(self.open_log(), entry, [] if root is None else [root]))

    def keep_place(self, leaf_index, size):
        if not self.keeps_places:
            return
        if len(self.shown) < MAX_PROVEN_ENTRIES:
            self.shown.append((-1 if leaf_index is None else leaf_index, size))
        elif self.claims:
            raise Unusable("completeness can be checked of at most %d entries" % MAX_PROVEN_ENTRIES)

    def counted(self, subject, verdicts):
        for check, verdict in verdicts:
            # A log of whose keys none is trusted has nothing to say, even if its operator signs with one key for many.
            is_said = check in ("checkpoint", "indexCheckpoint") and not verdict.startswith("UNKNOWN")
            if is_said and self.log["trust"] == "stranger":
                verdict = invalid("UNKNOWN_KEY")
            kind = verdict.split(" ", 1)[0]
            self.counts[kind] += 1
            if verdict in LACKS:
                self.lacking = LACKS[verdict]
            elif kind == "INVALID" or (kind == "UNKNOWN" and not self.may_be_absent(check)):
                self.holds = False
            yield subject, check, verdict

    def may_be_absent(self, check):
        return check in OPTIONAL and (check != "consistency" or self.known is None)


def beside(name):
    """A module that reads proofs of completeness or fraud: evidence without these needs this file alone."""
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise Unusable("its proof is read by a file that must lie beside this one: %s" % problem) from None


def check_document(document, known=None):
    """Yields (subject, check, verdict) for every check of a document in memory, under the key inside it."""
    check = EvidenceCheck(None, known=known)
    for piece in document_pieces(document):
        yield from check.take(piece)
    yield from check.end()


# --- The command -------------------------------------------------------------------------------------------------------

HOLDS, DOES_NOT_HOLD, UNREADABLE, HOLDS_FOR_KEY_INSIDE = range(4)
STEP_BYTES = 2**22


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="auditql_verify.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="evidence; - reads standard input")
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--key", help="the log's verifier key")
    trust.add_argument("--trust", metavar="FILE", help="a file of verifier keys, one on a line")
    parser.add_argument("--known-root", help="size and hash of a root: each root in the file must be proven to extend it")
    parser.add_argument("--schema", metavar="FILE", help="the schema of a log that has its own, for fields in the query")
    options = parser.parse_args(arguments)
    try:
        keys, own = read_trusted_keys(options.key, options.trust), read_own_fields(options.schema)
        check = EvidenceCheck(keys, own, read_known_root(options.known_root))
        if options.file == "-":
            write_checks(check, sys.stdin.buffer)
        else:
            with open(options.file, "rb") as file:
                write_checks(check, file)
        return summary(check)
    except (OSError, UnicodeDecodeError, Unusable) as problem:
        note("cannot verify %s: %s" % (options.file, problem))
    except RecursionError:
        note("cannot verify %s: expected values nested at most %d deep" % (options.file, MAX_FILE_DEPTH))
    except Exception:  # A fault of this program is no verdict.
        traceback.print_exc()
    give_up_output()
    return UNREADABLE


def read_known_root(text):
    """(size, hash) as `auditql save` names a root at its end; None without it."""
    if text is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,15}) ([0-9a-f]{64})", text)
    if match is None or int(match.group(1)) > MAX_SIZE:
        raise Unusable("--known-root: expected the size and hash of a root, as `auditql save` names it at its end")
    return int(match.group(1)), bytes.fromhex(match.group(2))


def read_own_fields(path):
    """The names of the fields of a schema, as the Pangea protocol writes it; None without a file."""
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:
        try:
            schema = parse_json(file.read())
        except ValueError:
            schema = None
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if not isinstance(fields, list) or not all(isinstance(field, dict) and is_text(field.get("id")) for field in fields):
        raise Unusable("--schema %s: expected a JSON object with a list of fields, each with its id" % path)
    return tuple(field["id"] for field in fields)


def write_checks(check, file):
    for piece in read_evidence(with_progress(file)):
        for line in check.take(piece):
            sys.stdout.write("%s %s %s\n" % line)
    for line in check.end():
        sys.stdout.write("%s %s %s\n" % line)
    sys.stdout.flush()


def with_progress(file):
    """Reads from the file, and tells on a terminal how far it is."""
    total = os.fstat(file.fileno()).st_size
    done = shown = 0

    def read(size):
        nonlocal done, shown
        data = file.read(size)
        done += len(data)
        if sys.stderr.isatty() and shown > 0 and not data:
            sys.stderr.write("\n")
        if sys.stderr.isatty() and done - shown >= STEP_BYTES:
            shown = done
            sys.stderr.write("\rverify: %s bytes%s" % (format(done, ","), " of " + format(total, ",") if total else ""))
            sys.stderr.flush()
        return data

    return read


def printable(text):
    """What a file says may hold anything; on a terminal its control characters could rewrite the lines above."""
    return "".join("?" if unicodedata.category(character) == "Cc" else character for character in text)


def summary(check):
    for sentence in check.proven:
        note(sentence)
    counted = ", ".join("%d %s" % (count, kind.lower()) for kind, count in check.counts.items())
    outcome = "holds" if check.holds else "DOES NOT HOLD"
    if check.holds and check.lacking is not None:
        note("cannot %s: %s" % (check.lacking, counted))
        return UNREADABLE
    if check.log["trust"] == "given":
        note("%s under the key %s: %s" % (outcome, log_key_text(check.log), counted))
    elif check.log["trust"] == "stranger":
        note("%s: this is of a log of which you gave no key: %s" % (outcome, counted))
    else:
        note("%s for the key inside the file: %s" % (outcome, counted))
        note("The key inside the file is " + log_key_text(check.log))
        note("The maker of the file can have made that key, too. Get the log's key another way, and give it: --key KEY")
    if not check.holds:
        return DOES_NOT_HOLD
    return HOLDS if check.log["trust"] == "given" else HOLDS_FOR_KEY_INSIDE


def note(text):
    print(text, file=sys.stderr)


def give_up_output():
    """Python exits with a code of its own when it cannot write at its end what nobody reads any more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
