#!/usr/bin/env python3
"""Checks that the answer to a question leaves nothing out, from two signed roots and a proof: docs/format.md, section 8.5.

`check_answer` checks the two checkpoints, too; `verify_answer` takes roots as they are. That the leaves of a page are
the entries that were shown is what their membership proofs are for. Reasons are those of src/core/segment/verify-answer.ts.
"""

import auditql_segment as s
import auditql_verify as v
import auditql_words as w

BASE_ENTRIES = 256
EDITION = 2
MAX_QUESTION_UNITS = 2**20
MAX_QUESTION_DEPTH = 256
MAX_PROOF_BYTES = 16 * 2**20
MAX_PROOF_CHARACTERS = 4 * -(-MAX_PROOF_BYTES // 3)
MAX_RECORD_BYTES = 600
# Behind the origin of a log, it is that of its index log.
INDEX_SUFFIX = "~index-1"
RFC6962 = {"format": "rfc6962", "leaf_prefix": b"\x00", "node_prefix": b"\x01"}


class Refusal(Exception):
    """The answer is not proven complete; the reason is its only argument."""


def refuse_unless(holds, reason):
    if not holds:
        raise Refusal(reason)


# --- The question ------------------------------------------------------------------------------------------------------

TIME = v.re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def read_question(text, log=RFC6962):
    """The question about a log in a text that must be its one spelling; None for any other text."""
    try:
        if len(text.encode("utf-16-le")) > 2 * MAX_QUESTION_UNITS or v.depth_of(text) > MAX_QUESTION_DEPTH:
            return None
        question = v.parse_json(text)
        is_read = v.canonical_json(question) == text and is_question(question)
        # Only a log of the format pangea, whose leaves have no prefix, has fields of its own.
        return question if is_read and (log["leaf_prefix"] == b"" or not custom_fields_in(question["filter"])) else None
    except (ValueError, TypeError, RecursionError):
        return None


def custom_fields_in(one):
    """The fields of a filter that are none of every event."""
    parts = one["filters"] if one["kind"] in ("and", "or") else [one["filter"]] if one["kind"] == "not" else []
    own = {one["field"]} - set(w.EVENT_FIELDS) if "field" in one else set()
    return own.union(*map(custom_fields_in, parts))


def is_question(question):
    return (
        has_members(question, ("descending", "edition", "filter", "wanted", "window"), ("after",))
        and not isinstance(question["edition"], bool)
        and question["edition"] == EDITION
        and isinstance(question["descending"], bool)
        and is_count(question.get("after", 0))
        and is_window(question["window"])
        and is_wanted(question["wanted"])
        and is_filter(question["filter"])
    )


def has_members(value, needed, optional=()):
    if not isinstance(value, dict) or any(name not in value for name in needed):
        return False
    return all(name in needed or name in optional for name in value)


def is_count(value):
    return v.is_size(v.read_number(value))


def is_window(window):
    return has_members(window, (), ("from", "until")) and all(
        isinstance(bound, str) and v.RECEIVED_AT.fullmatch(bound) for bound in window.values()
    )


def is_wanted(wanted):
    if has_members(wanted, ("kind", "limit")):
        return wanted["kind"] == "page" and is_count(wanted["limit"])
    return has_members(wanted, ("kind",), ("cap",)) and wanted["kind"] == "count" and is_count(wanted.get("cap", 0))


MEMBERS_OF_FILTER = {
    "all": (("kind",), ()),
    "phrase": (("kind", "prefix", "words"), ("field",)),
    "exact": (("field", "kind", "value"), ()),
    "present": (("field", "kind"), ()),
    "time": (("kind",), ("end", "start")),
    "leaf": (("hash", "kind"), ()),
    "and": (("filters", "kind"), ()),
    "or": (("filters", "kind"), ()),
    "not": (("filter", "kind"), ()),
}


def is_filter(value):
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in MEMBERS_OF_FILTER or not has_members(value, *MEMBERS_OF_FILTER[kind]):
        return False
    if "field" in value and not is_field(value["field"]):
        return False
    if kind == "phrase":
        return isinstance(value["prefix"], bool) and is_list(value["words"], is_word) and value["words"] != []
    if kind == "exact":
        return isinstance(value["value"], str)
    if kind == "time":
        return all(is_time(value[name]) for name in ("start", "end") if name in value)
    if kind == "leaf":
        return v.read_hash(value["hash"]) is not None
    if kind == "not":
        return is_filter(value["filter"])
    return kind in ("all", "present") or is_list(value["filters"], is_filter)


def is_field(name):
    return isinstance(name, str) and (name in w.EVENT_FIELDS or w.is_custom_field(name))


def is_list(value, is_item):
    return isinstance(value, list) and all(is_item(item) for item in value)


def is_word(value):
    return isinstance(value, str) and value != ""


def is_time(value):
    return isinstance(value, str) and TIME.fullmatch(value) is not None and w.event_time(value) is not None


# --- The document ------------------------------------------------------------------------------------------------------


class Leaves:
    """Some leaves of a tree, by index and rising, and the hashes that lead to its root with them."""

    def __init__(self, cursor, most):
        self.data, following = {}, 0
        for _ in range(cursor.varint()):
            index = following + cursor.varint()
            s.require(index <= v.MAX_SIZE, "a leaf that no tree has")
            self.data[index] = cursor.data(cursor.varint(most))
            following = index + 1
        self.hashes = [cursor.data(32) for _ in range(cursor.varint())]

    @property
    def indexes(self):
        return list(self.data)


class Proof:
    def __init__(self, data):
        s.require(len(data) <= MAX_PROOF_BYTES, "a document that is too large")
        cursor = s.Cursor(data)
        s.require(cursor.byte() == 1, "another version than 1")
        self.window = cursor.varint(), cursor.varint()
        self.proven = cursor.varint(), cursor.varint()
        self.segments = []
        for _ in range(cursor.varint()):
            level, number = cursor.varint(s.MAX_LEVEL), cursor.varint()
            self.segments.append((level, number, Leaves(cursor, s.MAX_BLOCK_BYTES)))
        self.records = Leaves(cursor, MAX_RECORD_BYTES)
        self.entries = Leaves(cursor, MAX_PROOF_BYTES)
        s.require(cursor.place == len(data), "bytes behind the document")


def read_proof(data):
    try:
        return Proof(data)
    except s.MalformedSegment:
        raise Refusal("MALFORMED_PROOF") from None


def lead_to(leaves, root, log):
    """Whether leaves lead to a root, (size, hash), with exactly these hashes; no leaves need none."""
    if not leaves.data:
        return not leaves.hashes
    size, root_hash = root
    indexes = leaves.indexes
    if indexes[-1] >= size or any(not is_leaf(log, data) for data in leaves.data.values()):
        return False
    hashes, hashed = iter(leaves.hashes), [leaf_hash(log, leaves.data[index]) for index in indexes]

    def node(start, end, first, last):
        """The hash of the leaves from `start` to `end`, of which those at the places from `first` to `last` are known."""
        if first == last:
            return next(hashes)
        if end - start == 1:
            return hashed[first]
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        split = w.bisect.bisect_left(indexes, middle, first, last)
        return v.node_hash(log, node(start, middle, first, split), node(middle, end, split, last))

    try:
        return node(0, size, 0, len(indexes)) == root_hash and next(hashes, None) is None
    except StopIteration:
        return False


def leaf_hash(log, data):
    return w.hashlib.sha256(log["leaf_prefix"] + data).digest()


def is_leaf(log, data):
    """Without prefixes, a leaf of 64 bytes could be read as a node."""
    return log["format"] != "pangea" or len(data) != 64


# --- The index log -------------------------------------------------------------------------------------------------------

RECORD = v.re.compile(rb"auditql/index/1\n((?:[0-4] (?:0|[1-9][0-9]{0,15}) [1-9][0-9]{0,6} [0-9a-f]{64}\n)+)")


def due_base(level, number):
    return number if level == 0 else (number + 1) * 16**level - 1 + 16 ** (level - 1)


def due_at(base):
    """The segments that are due at a base, the lowest level first."""
    due = [(0, base)]
    for level in range(1, s.MAX_LEVEL + 1):
        number, rest = divmod(base + 1 - 16 ** (level - 1), 16**level)
        if rest == 0 and number >= 1:
            due.append((level, number - 1))
    return due


def read_record(base, data):
    """By (level, number): how many blocks a segment has, and its root. Refuses what is no record of this base."""
    match = RECORD.fullmatch(data) if len(data) <= MAX_RECORD_BYTES else None
    refuse_unless(match is not None, "RECORD_MISMATCH")
    lines = [line.split(b" ") for line in match.group(1).split(b"\n")[:-1]]
    refuse_unless([(int(line[0]), int(line[1])) for line in lines] == due_at(base), "RECORD_MISMATCH")
    return {(int(level), int(number)): (int(blocks), bytes.fromhex(root.decode())) for level, number, blocks, root in lines}


# --- The check -----------------------------------------------------------------------------------------------------------


def check_answer(log, checkpoints, question_text, answer, proof):
    """
    The verdict on an answer under the checkpoints of the log and its index log, as texts: VALID, or INVALID or UNKNOWN
    with a reason. `log`: as read_log of auditql_verify returns it. `proof`: bytes.
    """
    roots, verdict = open_checkpoints(log, checkpoints)
    if verdict != v.VALID:
        return verdict
    question = read_question(question_text, log) if isinstance(question_text, str) else None
    if question is None:
        return v.invalid("MALFORMED_QUESTION")
    return verify_answer(log, roots, question, answer, proof)


def open_checkpoints(log, checkpoints):
    """The roots that the checkpoints of a log and its index log sign, each (size, hash), and the verdict on them."""
    roots = []
    for origin, text in zip((log["origin"], log["origin"] + INDEX_SUFFIX), checkpoints):
        note = v.parse_note(text) if isinstance(text, str) else None
        if note is None:
            return roots, v.invalid("MALFORMED_CHECKPOINT")
        roots.append((note[1], note[2]))
        signer = dict(log, origin=origin, key_id=v.key_id(origin, log["public_key"]))
        verdict = v.checkpoint(signer, text, roots[-1])
        if verdict != v.VALID:
            return roots, verdict
    return roots, v.VALID


def open_checkpoint(log, text, suffix=""):
    """The root, (size, hash), that a checkpoint in a file signs, or None, and the verdict on it."""
    if text is None:
        return None, v.unknown("NO_PROOF")
    note = v.parse_note(text) if isinstance(text, str) else None
    if note is None:
        return None, v.invalid("MALFORMED_CHECKPOINT")
    origin, root = log["origin"] + suffix, (note[1], note[2])
    verdict = v.checkpoint(dict(log, origin=origin, key_id=v.key_id(origin, log["public_key"])), text, root)
    # Without Ed25519 it is still worth knowing what holds under these roots.
    return None if verdict.startswith("INVALID") else root, verdict


def read_proof_text(text):
    """The bytes of a proof in a file; None for what is no base64, or too long."""
    return v.strict_base64(text) if isinstance(text, str) and len(text) <= MAX_PROOF_CHARACTERS else None


def check_document(document):
    """The verdict on a document in memory, as test/vectors/completeness has them, under the key inside it."""
    proof = v.strict_base64(document["proof"])
    if proof is None:
        proof = b""  # no document of a proof is empty
    checkpoints = document["checkpoint"], document["indexCheckpoint"]
    answer = read_answer(document["answer"])
    return check_answer(v.read_log(document), checkpoints, document["question"], answer, proof)


def read_answer(claim):
    """An answer as it was claimed, with its members alone; {} for what is none, which no search finds."""
    kind = claim.get("kind") if isinstance(claim, dict) else None
    if kind == "page" and isinstance(claim.get("leaves"), list):
        return {"kind": kind, "leaves": [v.read_number(leaf) for leaf in claim["leaves"]]}
    if kind == "count" and isinstance(claim.get("isExact"), bool):
        return {"kind": kind, "count": v.read_number(claim.get("count")), "isExact": claim["isExact"]}
    return {}


def verify_answer(log, roots, question, answer, proof):
    """
    The verdict on an answer under the roots of the log and its index log, each (size, hash). `question`: of read_question.
    `answer`: {"kind": "page", "leaves"} or {"kind": "count", "count", "isExact"}.
    """
    try:
        check(log, roots, question, answer, proof)
        return v.VALID
    except Refusal as refusal:
        return v.invalid(refusal.args[0])
    except s.MissingBlock:
        return v.invalid("MISSING_BLOCK")
    except s.MalformedSegment:
        return v.invalid("MALFORMED_SEGMENT")
    except w.UnknownCharacter:
        return v.unknown("UNICODE_TOO_OLD")


def check(log, roots, question, answer, proof_data):
    (size, _), (index_size, _) = roots
    proof, indexed = read_proof(proof_data), BASE_ENTRIES * index_size
    refuse_unless(indexed <= size, "INDEX_AHEAD_OF_LOG")
    check_entries(log, roots, question["window"], proof)
    check_window(size, question["window"], proof)
    start, end = proof.proven
    segments = proven_segments(proof, roots[1]) + tail_segments(log, proof, max(indexed, start))
    # Before anything is evaluated: a segment that is there twice would count its matches twice.
    refuse_unless(s.tiles(segments, start, end), "NOT_TILED")
    refuse_unless(decides(proof.proven, asked_range(question, proof.window), question, answer), "RANGE_MISMATCH")
    refuse_unless(found(segments, question, start, end) == answer, "ANSWER_MISMATCH")


def check_entries(log, roots, window, proof):
    """The entries are those behind the index in the proven part, and those at the window's edges: exactly these."""
    (size, _), (index_size, _) = roots
    (window_start, window_end), (start, end) = proof.window, proof.proven
    refuse_unless(window_start <= start <= end <= window_end <= size, "RANGE_MISMATCH")
    first = max(BASE_ENTRIES * index_size, start)
    refuse_unless(end - first <= len(proof.entries.data), "ENTRY_MISMATCH")
    wanted = set(range(first, end))
    wanted.update((window_start - 1, window_start) if "from" in window else ())
    wanted.update((window_end - 1, window_end) if "until" in window else ())
    wanted = sorted(leaf for leaf in wanted if 0 <= leaf < size)
    refuse_unless(proof.entries.indexes == wanted, "ENTRY_MISMATCH")
    refuse_unless(lead_to(proof.entries, roots[0], log), "ENTRY_MISMATCH")


def check_window(size, window, proof):
    """Times of receipt never fall along a log: the entries at an edge and beside it show where it is."""

    def time_of(leaf):
        envelope = w.read_envelope(proof.entries.data.get(leaf, b""))
        return None if envelope is None else envelope["received_at"]

    def is_edge(leaf, bound):
        before, at = time_of(leaf - 1), time_of(leaf)
        begins = leaf == 0 or (before is not None and before < bound)
        return begins and (leaf == size or (at is not None and at >= bound))

    start, end = proof.window
    refuse_unless(is_edge(start, window["from"]) if "from" in window else start == 0, "WINDOW_MISMATCH")
    refuse_unless(is_edge(end, window["until"]) if "until" in window else end == size, "WINDOW_MISMATCH")


def proven_segments(proof, index_root):
    due = sorted({due_base(level, number) for level, number, _ in proof.segments})
    refuse_unless(proof.records.indexes == due, "RECORD_MISMATCH")
    refuse_unless(lead_to(proof.records, index_root, RFC6962), "RECORD_MISMATCH")
    named = {}
    for base, data in proof.records.data.items():
        named.update(read_record(base, data))
    return [proven_segment(level, number, blocks, named.get((level, number))) for level, number, blocks in proof.segments]


def proven_segment(level, number, blocks, record):
    refuse_unless(record is not None, "RECORD_MISMATCH")
    refuse_unless(lead_to(blocks, record, RFC6962), "SEGMENT_MISMATCH")
    refuse_unless(0 in blocks.data, "SEGMENT_MISMATCH")
    header = s.Header(blocks.data[0])
    is_named = (header.level, header.number) == (level, number)
    refuse_unless(is_named and header.blocks == record[0], "SEGMENT_MISMATCH")
    return s.ProvenSegment(blocks.data, header)


def tail_segments(log, proof, first):
    """The entries that are in no segment yet, by base."""
    bases = {}
    for leaf in range(first, proof.proven[1]):
        bases.setdefault(leaf // BASE_ENTRIES, []).append((leaf, proof.entries.data[leaf]))
    return [s.TailSegment(base, entries, lambda data: leaf_hash(log, data)) for base, entries in bases.items()]


def asked_range(question, window):
    """The leaves in question: those of the window that are behind `after`."""
    start, end = window
    if "after" not in question:
        return window
    after = v.read_number(question["after"])
    if question["descending"]:
        return start, max(start, min(end, after))
    return min(end, max(start, after + 1)), end


def decides(proven, asked, question, answer):
    """Whether the proven part is all that was asked, or its beginning, if the answer is full there."""
    is_page = answer.get("kind") == "page" and question["wanted"]["kind"] == "page"
    if is_page:
        is_full = len(answer["leaves"]) >= question["wanted"]["limit"]
    else:
        is_full = answer.get("kind") == "count" and not answer["isExact"]
    begins, ends = proven[0] == asked[0], proven[1] == asked[1]
    if question["descending"]:
        begins, ends = ends, begins
    return begins and (ends or is_full)


def found(segments, question, start, end):
    wanted = question["wanted"]
    most = wanted["limit"] if wanted["kind"] == "page" else wanted.get("cap")
    if most is None:
        return {"kind": "count", "count": s.count_matches(segments, question, start, end), "isExact": True}
    leaves = []
    for leaf in s.matching_leaves(segments, question, start, end) if most > 0 else ():
        leaves.append(leaf)
        if len(leaves) == most:
            break
    if wanted["kind"] == "page":
        return {"kind": "page", "leaves": leaves}
    return {"kind": "count", "count": len(leaves), "isExact": len(leaves) < most}
