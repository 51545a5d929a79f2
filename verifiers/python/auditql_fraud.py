#!/usr/bin/env python3
"""Checks a proof that a log signed a wrong segment of its index: docs/format.md, section 8.6.

It builds the segment again from the entries that the log signed, as section 8.3 says. Whose proof it is does not matter.
"""

import auditql_completeness as c
import auditql_segment as s
import auditql_verify as v
import auditql_words as w

KEY_FIELDS = ("actor", "action", "source", "status", "target", "timestamp", "message")
MAX_KEY_CHARACTERS = 128
MAX_INLINE_BYTES = 128
MAX_DICTIONARY_BODY_BYTES = 1624


# --- Building a segment of level 0 or 1, which is one piece ------------------------------------------------------------


def varint(value):
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def pack(values, width):
    bits = sum(value << (place * width) for place, value in enumerate(values))
    return bits.to_bytes((len(values) * width + 7) // 8, "little")


class Document:
    """An entry of the segment: its terms with their positions, sort keys and time."""

    def __init__(self, canonical, leaf_hash):
        self.terms, self.time = w.entry_terms(canonical, leaf_hash)
        envelope = w.read_envelope(canonical)
        event = {} if envelope is None else envelope["event"]
        self.keys = {field: sort_key(event[field]) for field in KEY_FIELDS if field in event}


def sort_key(value):
    text = value if isinstance(value, str) else v.canonical_json(value)
    return text.replace("\0", "")[:MAX_KEY_CHARACTERS].encode("utf-8")


def build_segment(level, number, documents):
    """The blocks of a segment of level 0 or 1."""
    by_term = {}
    for place, document in enumerate(documents):
        for term, positions in document.terms.items():
            by_term.setdefault(term, []).append((place, positions))
    streams = [bytearray() for _ in range(s.STREAMS)]
    entries = [(term, posting_of(by_term[term], len(documents), streams)) for term in sorted(by_term)]
    for stream, field in zip(streams[2:], KEY_FIELDS):
        stream += column([document.keys.get(field, b"") for document in documents])
    streams[s.TIMES] += time_column([document.time for document in documents])
    dictionary = dictionary_blocks(entries)
    header = [1, level, number, len(entries), len(dictionary)] + [len(stream) for stream in streams]
    blocks = [b"".join(map(varint, header))] + dictionary
    for stream in streams:
        blocks += [bytes(stream[at : at + s.MAX_BLOCK_BYTES]) for at in range(0, len(stream), s.MAX_BLOCK_BYTES)]
    return blocks


def posting_of(found, size, streams):
    """The posting of a term, by (document, its positions), with what it adds to the streams."""
    gaps, stream, previous = b"", b"", 0
    for document, positions in found:
        gaps += varint(document - previous)
        previous, before = document, 0
        for place, position in enumerate(positions):
            stream += varint(2 * (position - before) + (place + 1 < len(positions)))
            before = position
    df, all_positions = len(found), {tuple(positions) for _, positions in found}
    is_constant = len(all_positions) == 1 and len(found[0][1]) == 1
    kind_of_positions = s.NONE if not found[0][1] else s.CONSTANT if is_constant else s.STREAM
    stream = stream if kind_of_positions == s.STREAM else b""
    if len(gaps) + len(stream) <= MAX_INLINE_BYTES:
        kind = s.INLINE
    else:
        kind = s.ALL if df == size and kind_of_positions != s.STREAM else s.LONG
    posting = bytes((kind | kind_of_positions << 2 | min(df, 15) << 4,))
    posting += varint(df) if df >= 15 and kind != s.ALL else b""
    if kind == s.INLINE:
        posting += gaps
    elif kind == s.LONG:
        posting += varint(len(streams[s.POSTINGS]))
        bits = sum(1 << document for document, _ in found).to_bytes(s.BITMAP_BYTES, "little")
        data = b"" if df == size else bits if len(gaps) >= s.BITMAP_BYTES else gaps
        streams[s.POSTINGS] += b"".join(map(varint, (1, 0, df - 1, len(data), len(stream)))) + data
    if kind_of_positions == s.CONSTANT:
        return posting + varint(found[0][1][0])
    if kind == s.INLINE or kind_of_positions == s.NONE:
        return posting + stream
    posting += varint(len(streams[s.POSITIONS]))
    streams[s.POSITIONS] += stream
    return posting


def dictionary_blocks(entries):
    blocks, body, count, previous = [], b"", 0, b""
    for term, posting in entries:
        entry = dictionary_entry(term, previous if count else b"", posting)
        if count and len(body) + len(entry) > MAX_DICTIONARY_BODY_BYTES:
            blocks.append(varint(count) + varint(len(term)) + term + body)
            body, count, entry = b"", 0, dictionary_entry(term, b"", posting)
        body, count, previous = body + entry, count + 1, term
    return blocks + ([varint(count) + varint(0) + body] if count else [])


def dictionary_entry(term, previous, posting):
    shared = 0
    while shared < min(len(term), len(previous)) and term[shared] == previous[shared]:
        shared += 1
    return varint(shared) + varint(len(term) - shared) + term[shared:] + posting


def column(keys):
    distinct = sorted(set(keys) - {b""})
    width, piece = len(distinct).bit_length(), b""
    if distinct:
        ranks = {key: place for place, key in enumerate([b""] + distinct)}
        ends = b"".join(varint(len(key)) + key for key in (distinct[0], distinct[-1]))
        piece = ends + pack([ranks[key] for key in keys], width)
    return with_end(bytes((width,)) + piece)


def time_column(times):
    known = [time for time in times if time is not None]
    if not known:
        return with_end(b"\0")
    smallest, largest = min(known)[0], max(known)[0]
    unit = 1000 if all((time - smallest) % 1000 == 0 for time, _ in known) else 1
    width = (1 + (largest - smallest) // unit).bit_length()
    micros = 10 if any(below for _, below in known) else 0
    head = bytes((width,)) + varint(unit) + bytes((micros,)) + smallest.to_bytes(7, "little")
    ranks = pack([0 if time is None else 1 + (time[0] - smallest) // unit for time in times], width)
    return with_end(head + ranks + pack([time[1] if time and micros else 0 for time in times], micros))


def with_end(piece):
    return len(piece).to_bytes(4, "little") + piece


def segment_root(blocks):
    hashes = [c.leaf_hash(c.RFC6962, block) for block in blocks]
    return tree_root(hashes)


def tree_root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return v.node_hash(c.RFC6962, tree_root(hashes[:split]), tree_root(hashes[split:]))


# --- The proof -----------------------------------------------------------------------------------------------------------


def check_fraud(log, checkpoints, proof):
    """
    The verdict on a proof of fraud under the checkpoints of the log and its index log, as texts: "FRAUD RECORD" or "FRAUD
    SEGMENT", or INVALID or UNKNOWN with a reason why nothing is proven.
    """
    roots, verdict = c.open_checkpoints(log, checkpoints)
    if verdict != v.VALID:
        return verdict
    verdict, wrong, _ = verify_fraud(log, roots, proof)
    return "FRAUD " + wrong if verdict == v.VALID else verdict


def verify_fraud(log, roots, proof):
    """The verdict under the roots of the log and its index log, what is wrong, RECORD or SEGMENT, and in which (level, number)."""
    try:
        return (v.VALID,) + what_is_wrong(log, roots, proof)
    except c.Refusal as refusal:
        return v.invalid(refusal.args[0]), None, None
    except s.MalformedSegment:
        return v.invalid("MALFORMED_PROOF"), None, None
    except w.UnknownCharacter:
        return v.unknown("UNICODE_TOO_OLD"), None, None


def what_is_wrong(log, roots, proof):
    (size, _), (index_size, _) = roots
    s.require(len(proof) <= c.MAX_PROOF_BYTES, "a document that is too large")
    cursor = s.Cursor(proof)
    s.require(cursor.byte() == 1, "another version than 1")
    level, number = cursor.varint(1), cursor.varint()
    records, entries = c.Leaves(cursor, c.MAX_RECORD_BYTES), c.Leaves(cursor, c.MAX_PROOF_BYTES)
    s.require(cursor.place == len(proof), "bytes behind the document")
    start, end = number * s.segment_documents(level), (number + 1) * s.segment_documents(level)
    base = c.due_base(level, number)
    c.refuse_unless(end <= size and base < index_size, "RANGE_MISMATCH")
    is_recorded = records.indexes == [base] and c.lead_to(records, roots[1], c.RFC6962)
    c.refuse_unless(is_recorded, "RECORD_MISMATCH")
    try:
        signed = c.read_record(base, records.data[base])[(level, number)]
    except c.Refusal:
        c.refuse_unless(not entries.data and not entries.hashes, "ENTRY_MISMATCH")
        return "RECORD", (level, number)
    is_logged = entries.indexes == list(range(start, end)) and c.lead_to(entries, roots[0], log)
    c.refuse_unless(is_logged, "ENTRY_MISMATCH")
    documents = [Document(data, c.leaf_hash(log, data)) for data in entries.data.values()]
    blocks = build_segment(level, number, documents)
    c.refuse_unless((len(blocks), segment_root(blocks)) != signed, "AS_SIGNED")
    return "SEGMENT", (level, number)


# --- A file that accuses a log -------------------------------------------------------------------------------------------


def check_accusation(log, head):
    """The verdicts on the members of a file, as (check, verdict), and in words what they prove, or None."""
    log_root, log_verdict = c.open_checkpoint(log, head.get("checkpoint"))
    index_root, index_verdict = c.open_checkpoint(log, head.get("indexCheckpoint"), c.INDEX_SUFFIX)
    proof, wrong, words = c.read_proof_text(head.get("proof")), None, None
    if proof is None:
        verdict = v.invalid("MALFORMED_PROOF")
    elif log_root is None or index_root is None:
        verdict = v.unknown("NO_PROOF")
    else:
        verdict, wrong, segment = verify_fraud(log, (log_root, index_root), proof)
    if wrong is not None:
        what = "its entries do not make the segment" if wrong == "SEGMENT" else "its record is none of the segment"
        words = "this log signed a wrong index: %s %d/%d" % ((what,) + segment)
    return [("checkpoint", log_verdict), ("indexCheckpoint", index_verdict), ("fraud", verdict)], words
