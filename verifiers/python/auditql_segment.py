"""Reads segments of an index, and searches them: docs/format.md, sections 8.2, 8.3 and 8.7.

A search reads no block that section 8.7 does not name, for a proof holds no others: what is read, and in which order, is
part of what this file must do. A set of documents is an integer, whose bit d stands for document d of a piece.
"""

import auditql_words as w

MAX_NUMBER = 2**53 - 1
MAX_BLOCK_BYTES = 1952
MAX_SEGMENT_BLOCKS = 2**22
MAX_TERM_BYTES = 290
MAX_LEVEL = 4
PIECE_DOCUMENTS = 4096
BITMAP_BYTES = PIECE_DOCUMENTS // 8
STREAMS = 10
POSTINGS, POSITIONS, TIMES = 0, 1, 9
INLINE, LONG, ALL = 0, 1, 2
NONE, CONSTANT, STREAM = 0, 1, 2
INFINITE = float("inf")


class MalformedSegment(Exception):
    """Bytes that no writer of segments writes."""


class MissingBlock(Exception):
    """A block is read that the proof does not hold."""


def require(holds, problem):
    if not holds:
        raise MalformedSegment(problem)


def segment_documents(level):
    return 256 * 16**level


# --- Bytes -----------------------------------------------------------------------------------------------------------


class Cursor:
    """Reads bytes; those of a stream page by page, each only when its first byte is needed."""

    def __init__(self, page, at=0, before=0, following=None):
        self.page, self.at, self.before, self.following = page, at, before, following

    @property
    def place(self):
        return self.before + self.at

    def turn(self):
        page = self.following() if self.following else None
        require(page is not None and self.at <= len(self.page), "bytes end too early")
        self.before, self.page, self.at = self.before + len(self.page), page, 0

    def byte(self):
        while self.at >= len(self.page):
            self.turn()
        self.at += 1
        return self.page[self.at - 1]

    def varint(self, most=MAX_NUMBER):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            require(value <= most and shift <= 49, "a number that is too large")
            if byte < 0x80:
                require(byte > 0 or shift == 0, "a number that is not written shortest")
                return value
            shift += 7

    def data(self, length):
        end = self.at + length
        if end <= len(self.page):
            self.at = end
            return self.page[end - length : end]
        found = b""
        while len(found) < length:
            if self.at == len(self.page):
                self.turn()
            part = self.page[self.at : self.at + length - len(found)]
            self.at += len(part)
            found += part
        return found

    def skip_varints(self, count):
        while count > 0:
            count -= self.byte() < 0x80


def read_gaps(cursor, count, end):
    """Documents by their gaps, as bits; they rise, and are below `end`."""
    bits = document = 0
    for place in range(count):
        gap = cursor.varint(end)
        require(gap > 0 or place == 0, "documents out of order")
        document += gap
        require(document < end, "a document that is not there")
        bits |= 1 << document
    return bits


def skip_positions(cursor, documents):
    while documents > 0:
        first = cursor.byte()
        if first >= 0x80:
            cursor.skip_varints(1)
        documents -= first % 2 == 0


def read_positions(cursor):
    positions, position, more = [], 0, 1
    while more:
        value = cursor.varint()
        more = value % 2
        position += value // 2
        require(position <= MAX_NUMBER, "a position that is too large")
        positions.append(position)
    return positions


def unpack(cursor, count, width):
    """Integers of one width, the least significant bit first."""
    require(width <= 49, "a column of another width")
    packed = int.from_bytes(cursor.data((count * width + 7) // 8), "little")
    return [(packed >> (place * width)) & ((1 << width) - 1) for place in range(count)]


def members(bits):
    """The documents in a set, rising."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def size_of(bits):
    return bin(bits).count("1")


# --- Header and dictionary ---------------------------------------------------------------------------------------------


class Header:
    def __init__(self, block):
        require(len(block) <= MAX_BLOCK_BYTES, "a header that is too long")
        cursor = Cursor(block)
        require(cursor.varint() == 1, "another version than 1")
        self.level, self.number, terms = cursor.varint(MAX_LEVEL), cursor.varint(), cursor.varint()
        self.dictionary_blocks = cursor.varint(min(terms, MAX_SEGMENT_BLOCKS))
        self.streams = [cursor.varint() for _ in range(STREAMS)]
        require(cursor.place == len(block), "bytes behind the header")

    def first_block(self, stream):
        return 1 + self.dictionary_blocks + sum(pages(length) for length in self.streams[:stream])

    @property
    def blocks(self):
        return self.first_block(STREAMS)


def pages(length):
    return (length + MAX_BLOCK_BYTES - 1) // MAX_BLOCK_BYTES


class DictionaryBlock:
    """A block of the dictionary, checked whole."""

    def __init__(self, block, segment):
        require(len(block) <= MAX_BLOCK_BYTES, "a block that is too long")
        cursor = Cursor(block)
        count = cursor.varint(MAX_BLOCK_BYTES)
        fence = cursor.data(cursor.varint(MAX_TERM_BYTES))
        # Undefined in the last block: behind its last term there is none.
        self.fence = fence or None
        self.entries, term = [], b""
        for _ in range(count):
            before, shared = term, cursor.varint(len(term))
            rest = cursor.varint(MAX_TERM_BYTES - shared)
            term = before[:shared] + bytes(cursor.byte() for _ in range(rest))
            is_shortest = shared == len(before) or before[shared : shared + 1] != term[shared : shared + 1]
            require(is_shortest, "a term that is not written shortest")
            self.entries.append((term, Posting(segment, block, cursor)))
        terms = [term for term, _ in self.entries] + ([fence] if fence else [])
        require(all(a < b for a, b in zip(terms, terms[1:])), "terms out of order")
        for _, posting in self.entries:
            posting.check()
        require(count > 0 and cursor.place == len(block), "a dictionary block of another length")
        self.first, self.by_term = self.entries[0][0], dict(self.entries)


class Posting:
    """The documents of a term, and its positions in them."""

    def __init__(self, segment, block, cursor):
        self.segment, self.block = segment, block
        first = cursor.byte()
        self.kind, self.position_kind = first & 3, first >> 2 & 3
        require(self.kind <= ALL and self.position_kind <= STREAM, "a posting of no kind")
        if self.kind == ALL:
            self.df = segment.documents
        else:
            self.df = cursor.varint(segment.documents) if first >> 4 == 15 else first >> 4
        require(self.df > 0, "a posting without documents")
        self.gaps_at = cursor.place
        if self.kind == INLINE:
            cursor.skip_varints(self.df)
        self.gaps_end = cursor.place
        self.offset = cursor.varint() if self.kind == LONG else None
        self.position = cursor.varint() if self.position_kind == CONSTANT else None
        self.positions_offset = None
        if self.position_kind == STREAM and self.kind == INLINE:
            skip_positions(cursor, self.df)
        elif self.position_kind == STREAM:
            self.positions_offset = cursor.varint()
        self.documents, self.long_pieces, self.kept = None, None, {}

    def check(self):
        """An inline posting holds its documents."""
        if self.kind == INLINE:
            self.documents = read_gaps(Cursor(self.block, self.gaps_at), self.df, self.segment.documents)

    def bits(self, piece):
        if piece not in self.kept:
            self.kept[piece] = self.read(piece)
        return self.kept[piece]

    def read(self, piece):
        if self.kind == ALL:
            return (1 << self.segment.piece_documents) - 1
        if self.kind == INLINE:
            return self.documents >> (piece * PIECE_DOCUMENTS) & ((1 << PIECE_DOCUMENTS) - 1)
        place = self.pieces().get(piece)
        return 0 if place is None else self.segment.piece_bits(*place[:3])

    def pieces(self):
        """Of a long posting, by number: documents, bytes and offset of each, and where its positions begin."""
        if self.long_pieces is None:
            cursor, last = self.segment.stream(POSTINGS, self.offset), self.segment.pieces
            heads = [
                (
                    cursor.varint(last),
                    1 + cursor.varint(self.segment.piece_documents - 1),
                    cursor.varint(BITMAP_BYTES),
                    cursor.varint(),
                )
                for _ in range(cursor.varint(last))
            ]
            found, number, offset, positions_offset = {}, -1, cursor.place, self.positions_offset or 0
            for gap, df, length, positions in heads:
                number += gap + 1
                require(number < last, "a piece beyond the segment")
                found[number] = (df, length, offset, positions_offset)
                offset, positions_offset = offset + length, positions_offset + positions
            self.long_pieces = found
        return self.long_pieces

    def positions(self, piece, documents):
        """The positions in each of these documents of a piece, which rise."""
        bits, cursor = self.bits(piece), None
        if self.position_kind == STREAM:
            cursor = self.positions_from(piece)
        found, passed = [], 0
        for document in documents:
            positions = []
            if bits >> document & 1:
                if cursor is not None:
                    before = size_of(bits & ((1 << document) - 1))
                    skip_positions(cursor, before - passed)
                    positions, passed = read_positions(cursor), before + 1
                elif self.position_kind == CONSTANT:
                    positions = [self.position]
            found.append(positions)
        return found

    def positions_from(self, piece):
        if self.kind == INLINE:
            cursor = Cursor(self.block, self.gaps_end)
            skip_positions(cursor, size_of(self.documents & ((1 << (piece * PIECE_DOCUMENTS)) - 1)))
            return cursor
        place = self.pieces().get(piece) if self.kind == LONG else None
        return Cursor(b"") if place is None else self.segment.stream(POSITIONS, place[3])


# --- Segments ----------------------------------------------------------------------------------------------------------


class ProvenSegment:
    """A segment of which some blocks are known, by number; their hashes were checked."""

    def __init__(self, blocks, header):
        self.blocks, self.header = blocks, header
        self.set_size(header.level, header.number)
        numbers = [number for number in sorted(blocks) if 1 <= number <= header.dictionary_blocks]
        self.dictionary = [(number, DictionaryBlock(blocks[number], self)) for number in numbers]
        for number, block in self.dictionary:
            require((block.fence is None) == (number == header.dictionary_blocks), "a fence out of place")
        for (number, block), (next_number, next_block) in zip(self.dictionary, self.dictionary[1:]):
            is_next = next_number == number + 1
            in_order = block.fence == next_block.first if is_next else block.fence < next_block.first
            require(in_order, "blocks out of order")

    def set_size(self, level, number):
        self.level, self.number, self.documents = level, number, segment_documents(level)
        self.start, self.end = number * self.documents, (number + 1) * self.documents
        self.piece_documents = min(PIECE_DOCUMENTS, self.documents)
        self.pieces = self.documents // self.piece_documents

    def block(self, number):
        if number not in self.blocks:
            raise MissingBlock
        return self.blocks[number]

    def locate(self, term):
        """The place of the block that has a term within its reach; the first reaches back to before all terms."""
        for place, (number, block) in enumerate(self.dictionary):
            if (number == 1 or block.first <= term) and (block.fence is None or term < block.fence):
                return place
        raise MissingBlock

    def posting(self, term):
        if self.header.dictionary_blocks == 0:
            return None
        return self.dictionary[self.locate(term)][1].by_term.get(term)

    def prefixed(self, prefix):
        """The terms that begin with these bytes, in their order, with their postings."""
        found, place, number = [], None, 1
        while number <= self.header.dictionary_blocks:
            if place is None:
                place = self.locate(prefix)
            elif place + 1 < len(self.dictionary) and self.dictionary[place + 1][0] == number:
                place += 1
            else:
                raise MissingBlock
            number, block = self.dictionary[place]
            for term, posting in block.entries:
                if term.startswith(prefix):
                    found.append((term, posting))
                elif term > prefix:
                    return found
            if block.fence is None or (block.fence > prefix and not block.fence.startswith(prefix)):
                return found
            number += 1
        return found

    def stream(self, stream, offset):
        """A cursor over a stream; the page at the offset is read at once, each other when it is reached."""
        length = self.header.streams[stream]
        if offset >= length:
            return Cursor(b"")
        first, at = self.header.first_block(stream), offset % MAX_BLOCK_BYTES
        page = offset // MAX_BLOCK_BYTES

        def read(page):
            block = self.block(first + page)
            require(len(block) == min(MAX_BLOCK_BYTES, length - page * MAX_BLOCK_BYTES), "a block of another length")
            return block

        def following():
            nonlocal page
            page += 1
            return read(page) if page * MAX_BLOCK_BYTES < length else None

        return Cursor(read(page), at, offset - at, following)

    def piece_bits(self, df, length, offset):
        if length == 0:
            return (1 << self.piece_documents) - 1
        cursor = self.stream(POSTINGS, offset)
        if length == BITMAP_BYTES:
            bits = int.from_bytes(cursor.data(length), "little")
            require(size_of(bits) == df, "a piece of another size")
        else:
            bits = read_gaps(cursor, df, self.piece_documents)
        require(cursor.place == offset + length, "a piece of another size")
        return bits

    def times(self, piece):
        """By document of a piece: milliseconds since the year 0000 and microseconds beyond, or None."""
        start = self.times_end(piece - 1)
        cursor = self.stream(TIMES, start)
        end = self.times_end(piece)
        width = cursor.byte()
        unit = 1 if width == 0 else cursor.varint()
        require(unit in (1, 1000), "times in another unit")
        micros_width = 0 if width == 0 else cursor.byte()
        require(micros_width in (0, 10), "microseconds of another width")
        smallest = 0 if width == 0 else int.from_bytes(cursor.data(7), "little")
        times = unpack(cursor, self.piece_documents, width)
        micros = unpack(cursor, self.piece_documents, micros_width)
        require(cursor.place == end, "a piece of another length")
        return [(smallest + (time - 1) * unit, below) if time else None for time, below in zip(times, micros)]

    def times_end(self, piece):
        table = 4 * self.pieces
        return table + int.from_bytes(self.stream(TIMES, 4 * piece).data(4), "little") if piece >= 0 else table


class TailPosting:
    def __init__(self):
        self.kind, self.position_kind, self.documents = INLINE, NONE, {}

    @property
    def df(self):
        return len(self.documents)

    def bits(self, _piece):
        return sum(1 << document for document in self.documents)

    def positions(self, _piece, documents):
        return [self.documents.get(document, []) for document in documents]


class TailSegment:
    """
    The entries of one base that are in no segment yet. A segment of level 0 in which the others are empty has the same
    terms, documents, positions and times, only written as bytes: what a search finds does not differ.
    """

    set_size = ProvenSegment.set_size

    def __init__(self, number, entries, leaf_hash):
        """`entries`: (leaf, canonical text as bytes)."""
        self.set_size(0, number)
        self.terms, self.event_times = {}, [None] * self.documents
        for leaf, canonical in entries:
            terms, time = w.entry_terms(canonical, leaf_hash(canonical))
            self.event_times[leaf - self.start] = time
            for term, positions in terms.items():
                self.terms.setdefault(term, TailPosting()).documents[leaf - self.start] = positions

    def posting(self, term):
        return self.terms.get(term)

    def prefixed(self, prefix):
        return [(term, self.terms[term]) for term in sorted(self.terms) if term.startswith(prefix)]

    def times(self, _piece):
        return self.event_times


# --- Evaluation ----------------------------------------------------------------------------------------------------------


class Evaluation:
    """A filter over one segment: the most documents that can match, whether exactly so many do, and which of a mask."""

    def __init__(self, most, bits, is_exact=False):
        self.most, self.bits, self.is_exact = most, bits, is_exact


NOTHING = Evaluation(0, lambda piece, mask: 0, True)


def evaluation(condition, segment):
    kind = condition["kind"]
    if kind == "all":
        return everything(segment)
    if kind == "phrase":
        return phrase(condition, segment)
    if kind == "exact":
        return term_in(w.value_term(condition["value"], condition["field"]), segment)
    if kind == "present":
        return term_in(w.presence_term(condition["field"]), segment)
    if kind == "leaf":
        return term_in(w.leaf_term(bytes.fromhex(condition["hash"])), segment)
    if kind == "time":
        return time_in(condition, segment)
    if kind == "not":
        return negation(evaluation(condition["filter"], segment), segment)
    if kind == "or":
        return any_of([evaluation(part, segment) for part in condition["filters"]])
    parts = []
    for part in condition["filters"]:
        parts.append(evaluation(part, segment))
        if parts[-1].most == 0:
            return NOTHING
    return all_of(parts)


def everything(segment):
    return Evaluation(segment.documents, lambda piece, mask: mask, True)


def term_in(term, segment):
    posting = segment.posting(term)
    return NOTHING if posting is None else union([posting], segment)


def union(postings, segment):
    if len(postings) == 1:
        (only,) = postings
        return Evaluation(only.df, lambda piece, mask: mask & only.bits(piece) if mask else 0, True)

    def bits(piece, mask):
        found = 0
        for posting in postings if mask else ():
            found |= posting.bits(piece)
        return mask & found

    return Evaluation(min(segment.documents, sum(posting.df for posting in postings)), bits)


def phrase(condition, segment):
    words, field = condition["words"], condition.get("field")
    found = []
    for place, word in enumerate(words):
        is_prefix = condition["prefix"] and place == len(words) - 1
        fields = word_in(word, field, is_prefix, segment)
        if not fields:
            return NOTHING
        found.append(fields)
    if len(found) == 1:
        return any_of([union(postings, segment) for postings in found[0].values()])
    common = [key for key in found[0] if all(key in fields for fields in found)]
    return any_of([adjacent([fields[key] for fields in found], segment) for key in common])


def word_in(word, field, is_prefix, segment):
    """The postings of a word, or of those that begin with it, by their field as terms have it."""
    if field is not None and not is_prefix:
        posting = segment.posting(w.word_term(word, field))
        return {} if posting is None else {w.field_key(field): [posting]}
    found = {}
    for term, posting in segment.prefixed(word.encode("utf-8") + (b"" if is_prefix else b"\0")):
        # No word begins before the digit 0, and all other terms do.
        if term[0] >= 0x30:
            key = w.field_in_term(term)
            if field is None or key == w.field_key(field):
                found.setdefault(key, []).append(posting)
    return found


def adjacent(words, segment):
    """Words in a row in one field, by the postings of each."""
    together = all_of([union(postings, segment) for postings in words])
    if all(len(postings) == 1 and postings[0].position_kind == CONSTANT for postings in words):
        first = words[0][0].position
        is_row = all(postings[0].position == first + place for place, postings in enumerate(words))
        return together if is_row else NOTHING

    def bits(piece, mask):
        documents = list(members(together.bits(piece, mask)))
        if not documents:
            return 0
        lists = [[posting.positions(piece, documents) for posting in postings] for postings in words]
        found = 0
        for place, document in enumerate(documents):
            of_words = [{position for positions in one for position in positions[place]} for one in lists]
            if any(all(start + i in positions for i, positions in enumerate(of_words)) for start in of_words[0]):
                found |= 1 << document
        return found

    return Evaluation(together.most, bits)


def time_in(condition, segment):
    start, end = (condition.get(name) and w.event_time(condition[name]) for name in ("start", "end"))

    def bits(piece, mask):
        found = 0
        times = segment.times(piece) if mask else ()
        for document in members(mask):
            time = times[document]
            if time is not None and (start is None or time >= start) and (end is None or time < end):
                found |= 1 << document
        return found

    return Evaluation(segment.documents, bits)


def all_of(parts):
    ordered = sorted(parts, key=lambda part: part.most)
    if not ordered:
        return Evaluation(INFINITE, lambda piece, mask: mask)
    if ordered[0].most == 0:
        return NOTHING
    if len(ordered) == 1:
        return ordered[0]

    def bits(piece, mask):
        for part in ordered:
            mask = part.bits(piece, mask) if mask else 0
        return mask

    return Evaluation(ordered[0].most, bits)


def any_of(parts):
    possible = [part for part in parts if part.most > 0]
    if len(possible) < 2:
        return possible[0] if possible else NOTHING

    def bits(piece, mask):
        found = 0
        for part in possible:
            found |= part.bits(piece, mask & ~found)
        return found

    return Evaluation(sum(part.most for part in possible), bits)


def negation(part, segment):
    if part.most == 0:
        return everything(segment)
    return Evaluation(segment.documents, lambda piece, mask: mask & ~part.bits(piece, mask))


# --- Search --------------------------------------------------------------------------------------------------------------


def matching_leaves(segments, question, start, end):
    """The leaves that match, in the question's order, read as they are taken."""
    is_descending = question["descending"]
    for segment, first, last in covering(segments, is_descending, start, end):
        evaluated = evaluation(question["filter"], segment)
        if evaluated.most == 0:
            continue
        for piece, mask in pieces_in(segment, first, last, is_descending):
            documents = list(members(evaluated.bits(piece, mask)))
            for document in reversed(documents) if is_descending else documents:
                yield segment.start + piece * segment.piece_documents + document


def count_matches(segments, question, start, end):
    count = 0
    for segment, first, last in covering(segments, question["descending"], start, end):
        evaluated = evaluation(question["filter"], segment)
        if evaluated.is_exact and last - first == segment.documents:
            count += evaluated.most
        elif evaluated.most > 0:
            for piece, mask in pieces_in(segment, first, last, False):
                count += size_of(evaluated.bits(piece, mask))
    return count


def covering(segments, is_descending, start, end):
    """The segments with leaves of a range, and which of their documents those are."""
    for segment in reversed(segments) if is_descending else segments:
        if has_leaves(segment, start, end):
            yield segment, max(start, segment.start) - segment.start, min(end, segment.end) - segment.start


def has_leaves(segment, start, end):
    return segment.start < end and segment.end > start


def pieces_in(segment, first, last, is_descending):
    size = segment.piece_documents
    pieces = range(first // size, (last + size - 1) // size)
    for piece in reversed(pieces) if is_descending else pieces:
        low, high = max(0, first - piece * size), min(size, last - piece * size)
        yield piece, (1 << high) - (1 << low) if high > low else 0


def tiles(segments, start, end):
    """Whether segments, in their order, cover a range without a gap or overlap, and no leaf beside it alone."""
    following = start
    for place, segment in enumerate(segments):
        if not has_leaves(segment, start, end):
            return False
        if segment.start > following if place == 0 else segment.start != following:
            return False
        following = segment.end
    return following >= end
