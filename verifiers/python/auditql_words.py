"""What an entry of a log is found by: docs/format.md, sections 8.1 (words), 8.2 (terms) and 8.3 (the time of an event).

Words are defined over Unicode 15.0.0. The classes and the case folding of characters are those of unicode-15.0.0.txt,
which lies beside this file. Normalization is Python's own: Unicode promises (UAX #15, Normalization Forms, section 3) that
it never changes for characters that are assigned, so that every Python with Unicode 15.0 or newer (3.12) gives the same. An
older one does not know the characters that came between: a text that has one is refused with UnknownCharacter, and never
cut otherwise.
"""

import bisect
import functools
import hashlib
import itertools
import os
import re
import unicodedata

import auditql_verify as v

EVENT_FIELDS = ("message", "actor", "action", "new", "old", "source", "status", "target", "timestamp", "tenant_id")
# In every term: 1 to 10; 11 and its name for a field of a log's own schema.
NUMBER_OF_FIELD = {field: place for place, field in enumerate(EVENT_FIELDS, 1)}
CUSTOM = 11
CUSTOM_FIELD = re.compile("[a-z][0-9a-z_]{0,31}")
RESERVED = EVENT_FIELDS + ("received_at", "constructor")
MAX_WORD_CHARACTERS = 128
MAX_WORD_BYTES = 255
MAX_RAW_VALUE_BYTES = 255
MAX_ENVELOPE_DEPTH = 66


class UnknownCharacter(Exception):
    """This Python's Unicode is older than 15.0 and lacks a character of the text."""


# --- Characters ------------------------------------------------------------------------------------------------------

SEPARATOR, LETTER, ALONE, IGNORABLE, UNASSIGNED = "separator", "letter", "alone", "ignorable", "unassigned"
TABLE_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unicode-15.0.0.txt")


@functools.lru_cache(maxsize=None)
def unicode_table():
    """The first code points of the ranges, the ranges, and the foldings."""
    ranges, foldings = [], {}
    with open(TABLE_FILE, encoding="ascii") as file:
        for line in file:
            if line.startswith("#"):
                continue
            parts = line.strip().split("; ")
            if parts[1] == "fold":
                foldings[chr(int(parts[0], 16))] = "".join(chr(int(to, 16)) for to in parts[2].split())
            else:
                first, last = (int(end, 16) for end in parts[0].split(".."))
                ranges.append((first, last, parts[1]))
    return [first for first, _, _ in ranges], ranges, foldings


@functools.lru_cache(maxsize=65536)
def class_of(character):
    starts, ranges, _ = unicode_table()
    place = bisect.bisect_right(starts, ord(character)) - 1
    return ranges[place][2] if place >= 0 and ord(character) <= ranges[place][1] else SEPARATOR


def visible(text):
    shown = []
    for character in text:
        kind = class_of(character)
        if kind == UNASSIGNED:
            shown.append(" ")
        elif kind != IGNORABLE:
            if unicodedata.category(character) == "Cn":
                raise UnknownCharacter("U+%04X" % ord(character))
            shown.append(character)
    return "".join(shown)


def normalized(form, text):
    """unicodedata.normalize, which takes the square of how many marks follow each other to put them in order: here many are
    put in order before."""
    if sum(unicodedata.category(character)[0] == "M" or character in "\uff9e\uff9f" for character in text) < 32:
        return unicodedata.normalize(form, text)
    decomposed = "".join(unicodedata.normalize(form, character) for character in text)
    groups = itertools.groupby(decomposed, key=lambda character: unicodedata.combining(character) > 0)
    ordered = (sorted(group, key=unicodedata.combining) if combine else group for combine, group in groups)
    return unicodedata.normalize(form, "".join(itertools.chain.from_iterable(ordered)))


def folded(text):
    """Rules 2 and 3."""
    foldings = unicode_table()[2]
    text = normalized("NFD", visible(text))
    text = "".join(foldings.get(character, character) for character in text)
    text = normalized("NFKD", text)
    text = "".join(foldings.get(character, character) for character in text)
    return unicodedata.normalize("NFKC", text)


# --- Words -----------------------------------------------------------------------------------------------------------

DATE_AND_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt](?=[0-9])")
TIME_AND_ZULU = re.compile(r"(:[0-9]{2}(?:\.[0-9]{1,9})?)(?=[Zz](?![0-9A-Za-z]))")
PERCENT_ESCAPES = re.compile(
    r"%(?:25)*(?:[012][0-9A-Fa-f]|3[A-Fa-f]|40|5[B-Fb-f]|60|7[B-Fb-f])|(?:%(?:25)*[89A-Fa-f][0-9A-Fa-f]){2,}"
)
UNICODE_ESCAPE = re.compile(r"\\[Uu][0-9A-Fa-f]{4}")


def without_escapes(text):
    """Rule 1."""
    text = DATE_AND_TIME.sub(r"\1 ", text)
    text = TIME_AND_ZULU.sub(r"\1 ", text)
    return UNICODE_ESCAPE.sub(" ", PERCENT_ESCAPES.sub(" ", text))


def words(text):
    found, word, before = [], [], ""
    for character in folded(without_escapes(text)) + " ":
        kind = class_of(character)
        if kind == LETTER:
            word.append(character)
            continue
        if word:
            found.append(cut_word(word))
            if before == "\\" and len(word) > 1 and word[0] in "nrt":
                found.append(cut_word(word[1:]))
            word = []
        if kind == ALONE:
            found.append(character)
        before = character
    return found


def cut_word(characters):
    word, size = [], 0
    for character in characters[:MAX_WORD_CHARACTERS]:
        size += len(character.encode("utf-8"))
        if size > MAX_WORD_BYTES:
            break
        word.append(character)
    return "".join(word)


def value_words(value):
    """The words of a field's value: a text, or the parts of the canonical text of other JSON."""
    if isinstance(value, str):
        return words(value)
    return [word for part in json_parts(v.canonical_json(value)) for word in words(part)]


def json_parts(canonical):
    """Each text in quotes, decoded, and each stretch between two."""
    at = 0
    while at < len(canonical):
        if canonical[at] == '"':
            part, at = v.DECODER.raw_decode(canonical, at)
        else:
            end = canonical.find('"', at)
            end = len(canonical) if end < 0 else end
            part, at = canonical[at:end], end
        yield part


# --- Terms -----------------------------------------------------------------------------------------------------------


def is_custom_field(name):
    return isinstance(name, str) and CUSTOM_FIELD.fullmatch(name) is not None and name not in RESERVED


def is_custom_value(value):
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, (str, bool)) or (is_number and value == int(value) and abs(value) <= v.MAX_SIZE)


def field_key(field):
    """A field as terms have it."""
    number = NUMBER_OF_FIELD.get(field)
    return bytes((CUSTOM,)) + field.encode("ascii") if number is None else bytes((number,))


def word_term(word, field):
    return word.encode("utf-8") + b"\0" + field_key(field)


def field_in_term(term):
    """The field of a word's term, as field_key has it."""
    return term[term.index(0) + 1 :]


def value_term(value, field):
    data, key = value.encode("utf-8"), field_key(field)
    key += b"" if len(key) == 1 else b"\0"
    if len(data) <= MAX_RAW_VALUE_BYTES and field not in v.VALUE_FIELDS:
        return b"\1" + key + data
    return b"\3" + key + hashlib.sha256(data).digest()[:12]


def leaf_term(leaf_hash):
    return b"\x02" + leaf_hash[:6]


def presence_term(field):
    return b"\4" + field_key(field)


def read_envelope(canonical):
    """The envelope in the bytes of an entry, which need not be canonical; None where it is found by its leaf alone."""
    try:
        text = canonical.decode("utf-8")
        if v.depth_of(text) > MAX_ENVELOPE_DEPTH:
            return None
        value = v.parse_json(text)
        v.canonical_json(value).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return value if v.is_envelope(value) else None


def indexed_fields(event, canonical, leaf_hash):
    """Custom fields count in a log of the format pangea alone, whose leaves are hashed without a prefix."""
    custom = sorted(name for name, value in event.items() if is_custom_field(name) and is_custom_value(value))
    is_pangea = custom != [] and hashlib.sha256(canonical).digest() == leaf_hash
    return [field for field in EVENT_FIELDS if field in event] + (custom if is_pangea else [])


def entry_terms(canonical, leaf_hash):
    """The terms of an entry, each with its positions, and the time of its event."""
    terms, time = {leaf_term(leaf_hash): []}, None
    envelope = read_envelope(canonical)
    event = {} if envelope is None else envelope["event"]
    for field in indexed_fields(event, canonical, leaf_hash):
        value = event[field]
        text = value if isinstance(value, str) else v.canonical_json(value)
        terms[presence_term(field)] = []
        terms[value_term(text, field)] = []
        for position, word in enumerate(value_words(value)):
            terms.setdefault(word_term(word, field), []).append(position)
        if field == "timestamp":
            time = event_time(text)
    return terms, time


# --- Times: (milliseconds since 0000-01-01T00:00:00Z, microseconds beyond) -------------------------------------------

WRITTEN = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2})?)?"
)
COUNTED = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
MAX_TIME_CHARACTERS = 40
DAYS_TO_1970 = 719528
DAYS_OF_ALL_YEARS = 3652425
MS_OF_DAY = 86400000


def event_time(text):
    """None for what is no time."""
    if len(text) > MAX_TIME_CHARACTERS:
        return None
    written, counted = WRITTEN.fullmatch(text), COUNTED.fullmatch(text)
    time = time_written(written.groups()) if written else time_counted(*counted.groups()) if counted else None
    return time if time is not None and 0 <= time[0] < DAYS_OF_ALL_YEARS * MS_OF_DAY else None


def time_written(parts):
    year, month, day, hour, minute, second = (int(part or 0) for part in parts[:6])
    fraction, sign, zone_hours, zone_minutes = parts[6:]
    offset = 60 * int(zone_hours or 0) + int(zone_minutes or 0)
    days = day_number(year, month, day)
    if days is None or max(hour - 23, minute - 59, second - 59) > 0:
        return None
    if int(zone_hours or 0) > 23 or int(zone_minutes or 0) > 59:
        return None
    seconds = 60 * (60 * hour + minute - (-offset if sign == "-" else offset)) + second
    micros = int((fraction or "")[:6].ljust(6, "0"))
    return days * MS_OF_DAY + 1000 * seconds + micros // 1000, micros % 1000


def day_number(year, month, day):
    """Days since 0000-01-01 in the Gregorian calendar; None for a day that does not exist."""
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = (31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not 1 <= month <= 12 or not 1 <= day <= lengths[month - 1]:
        return None
    before = 365 * year + (year + 3) // 4 - (year + 99) // 100 + (year + 399) // 400
    return before + sum(lengths[: month - 1]) + day - 1


def time_counted(sign, whole, fraction):
    """Seconds since 1970 of up to 11 digits, milliseconds of up to 14, microseconds of up to 17, else nanoseconds."""
    shift = 6 if len(whole) <= 11 else 3 if len(whole) <= 14 else 0 if len(whole) <= 17 else -3
    digits = whole[:shift] if shift < 0 else whole + (fraction or "")[:shift].ljust(shift, "0")
    micros = -int(digits) if sign else int(digits)
    return DAYS_TO_1970 * MS_OF_DAY + micros // 1000, micros % 1000
