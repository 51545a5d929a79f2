"""Reads and writes the query language: docs/query-language.md. A query becomes the filter that a question has (docs/format.md,
section 8.5), so that what was asked can be compared with what is proven.
"""

import datetime
import re
import unicodedata

import auditql_verify as v
import auditql_words as w

MAX_CHARACTERS = 4096
MAX_WORDS = 256
MAX_PHRASE_WORDS = 32
MAX_PREFIXES = 16
MAX_NESTING = 32
ALL = {"kind": "all"}


class NoQuery(ValueError):
    """The text is no query."""


def read_query(text, own=()):
    """
    The filter of a query in its simplest form. `own`: the fields of the log's own schema. Raises NoQuery, and
    UnknownCharacter of auditql_words.
    """
    if len(text) > MAX_CHARACTERS or any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
        raise NoQuery("a text that is too long, or that no field holds")
    return Parser(text, own).query()


def ambiguous_name(text):
    """A name in a query that a log's own schema may make a field, so that it is another query; None if there is none."""
    plain = query_or_none(text, ())
    names = dict.fromkeys(NAME_OF_FIELD.findall(text))
    return next((name for name in names if w.is_custom_field(name) and query_or_none(text, (name,)) != plain), None)


def query_or_none(text, own):
    try:
        return read_query(text, own)
    except NoQuery:
        return None


# --- Filters in their simplest form ------------------------------------------------------------------------------------


def all_of(filters):
    parts = distinct([part for one in filters for part in parts_of(one, "and") if part != ALL])
    return {"kind": "and", "filters": parts} if len(parts) > 1 else parts[0] if parts else ALL


def any_of(filters):
    if ALL in filters:
        return ALL
    parts = distinct([part for one in filters for part in parts_of(one, "or")])
    return {"kind": "or", "filters": parts} if len(parts) > 1 else parts[0]


def parts_of(one, kind):
    return one["filters"] if one["kind"] == kind else [one]


def distinct(filters):
    return list({v.canonical_json(one): one for one in filters}.values())


def negation_of(one):
    return one["filter"] if one["kind"] == "not" else {"kind": "not", "filter": one}


# --- Tokens ------------------------------------------------------------------------------------------------------------

# The blanks of ECMAScript: Python's \s has others.
BLANK = "\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
BLANKS = re.compile("[%s]*" % BLANK)
WORD = re.compile('[^%s"()]+' % BLANK)
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(\*+(?=[%s()"]|\Z))?' % BLANK, re.DOTALL)
NAMED = re.compile("([A-Za-z_][A-Za-z0-9_]*)(!?[:=]|[<>]=?)")
NAME_OF_FIELD = re.compile("[a-z][0-9a-z_]*(?=!?[:=])")
# Then nothing is said of a field: it is text.
NO_VALUE = re.compile(r"[%s):=<>]|\Z|//" % BLANK)
SIGNS_OF_OPERATOR = re.compile("!?[:=<>]")


def is_signs(word):
    return word != "*" and not w.words(word)


def field_named(name, own):
    return "tenant_id" if name == "tenantId" else name if name in w.EVENT_FIELDS or name in own else None


def is_misspelled(name):
    plain = plain_name(name)
    return any(
        plain_name(field) == plain
        or field == plain + "_id"
        or (len(plain_name(field)) > 3 and is_within(2 if len(plain_name(field)) > 5 else 1, plain_name(field), plain))
        for field in w.EVENT_FIELDS
    )


def plain_name(name):
    return name.lower().replace("_", "")


def is_within(edits, a, b):
    """Whether so many letters left out, added, exchanged for others or for their neighbours make one text of the other."""
    while a and b and a[0] == b[0]:
        a, b = a[1:], b[1:]
    if not a or not b:
        return len(a) + len(b) <= edits
    if edits == 0:
        return False
    is_swapped = len(a) > 1 and len(b) > 1 and a[:2] == b[1::-1]
    return (
        is_within(edits - 1, a[1:], b)
        or is_within(edits - 1, a, b[1:])
        or is_within(edits - 1, a[1:], b[1:])
        or (is_swapped and is_within(edits - 1, a[2:], b[2:]))
    )


class Token:
    """`kind`: word, quoted, field, minus, and, or, not, open, close, end."""

    def __init__(self, kind, text, content=None, star=False, field=None, operator=""):
        self.kind, self.text, self.star, self.field, self.operator = kind, text, star, field, operator
        self.content = text if content is None else content


class Lexer:
    def __init__(self, text, own):
        self.text, self.own, self.at, self.last = text, own, 0, Token("none", "")

    def next(self):
        self.at = BLANKS.match(self.text, self.at).end()
        self.last = self.token()
        self.at += len(self.last.text)
        return self.last

    def token(self):
        first = self.text[self.at : self.at + 1]
        if first in ("", "(", ")"):
            return Token({"": "end", "(": "open", ")": "close"}[first], first)
        if first == '"':
            match = QUOTED.match(self.text, self.at)
            if match is None:
                raise NoQuery("no closing quote")
            content = re.sub(r'\\(["\\])', r"\1", match.group(1))
            return Token("quoted", match.group(), content, match.group(2) is not None)
        word = WORD.match(self.text, self.at).group()
        return self.value(word) if self.last.kind == "field" else self.term(word)

    def value(self, word):
        """Directly behind a field, all signs but these are literal."""
        if word[0] in "=<>":
            raise NoQuery("a value that begins with a sign of comparison")
        if word[0] != "!":
            return Token("word", word)
        if self.last.operator in ("=", "!="):
            raise NoQuery("a negation of a whole value")
        return Token("minus", "!")

    def term(self, word):
        following = self.text[self.at + len(word) : self.at + len(word) + 1]
        begins_group = following in ("(", '"') and following != ""
        are_signs = is_signs(word) and not begins_group
        if word[0] in "-!" and (not are_signs or len(word) == 1):
            if len(word) == 1 and not begins_group:
                raise NoQuery("a negation of nothing")
            return Token("minus", word[0])
        if are_signs and SIGNS_OF_OPERATOR.match(word) and field_named(self.last.text, self.own) is not None:
            raise NoQuery("a blank between a field and its operator")
        return self.field() or Token(word.lower() if word in ("AND", "OR", "NOT") else "word", word)

    def field(self):
        match = NAMED.match(self.text, self.at)
        if match is None:
            return None
        name, operator = match.groups()
        field = field_named(name, self.own)
        if field is not None:
            if operator[0] in "<>" and field != "timestamp":
                raise NoQuery("an order of a field that is text")
            return Token("field", match.group(), field=field, operator=operator)
        if NO_VALUE.match(self.text, match.end()):
            return None
        if name in ("received_at", "receivedAt") or is_misspelled(name):
            raise NoQuery("a name that is nearly that of a field")
        return None


# --- The grammar -------------------------------------------------------------------------------------------------------


class Parser:
    """Recursive descent; `scope` is the field that a value is of, or None."""

    def __init__(self, text, own):
        self.lexer = Lexer(text, own)
        self.token = self.lexer.next()
        self.words = self.prefixes = self.nesting = 0

    def query(self):
        if self.skip("end"):
            return ALL
        found = self.any(None)
        self.expect(self.token.kind == "end")
        return found

    def any(self, scope):
        filters = [self.all(scope)]
        while self.skip("or"):
            filters.append(self.all(scope))
        return any_of(filters)

    def all(self, scope):
        self.expect(not self.skip_signs(scope) or self.begins_term())
        filters = [self.unary(scope)]
        while self.continues(scope):
            filters.append(self.unary(scope))
        return all_of(filters)

    def continues(self, scope):
        self.skip_signs(scope)
        if not self.skip("and"):
            return self.begins_term()
        self.skip_signs(scope)
        return True

    def skip_signs(self, scope):
        """Whether there were any: words without a letter or digit say nothing between terms."""
        skipped = False
        while self.token.kind == "word" and not is_whole(scope) and is_signs(self.token.text):
            skipped, self.token = True, self.lexer.next()
        return skipped

    def begins_term(self):
        return self.token.kind not in ("and", "or", "close", "end")

    def unary(self, scope):
        if self.skip("minus") or self.skip("not"):
            return self.nested(lambda: negation_of(self.unary(scope)))
        token = self.token
        if token.kind == "field":
            self.expect(scope is None)
            self.token = self.lexer.next()
            return negation_of(self.unary(token)) if token.operator[0] == "!" else self.unary(token)
        if token.kind == "open":
            return self.nested(lambda: self.group(scope))
        self.expect(token.kind in ("word", "quoted"))
        return self.term(scope)

    def group(self, scope):
        self.token = self.lexer.next()
        found = self.any(scope)
        self.expect(self.skip("close"))
        return found

    def nested(self, parse):
        self.nesting += 1
        self.expect(self.nesting <= MAX_NESTING)
        found = parse()
        self.nesting -= 1
        return found

    def term(self, scope):
        found = term_filter(self.token, scope)
        count = len(found["words"]) if found["kind"] == "phrase" else 1
        self.words += count
        self.prefixes += found.get("prefix", False)
        self.expect(count <= MAX_PHRASE_WORDS and self.words <= MAX_WORDS and self.prefixes <= MAX_PREFIXES)
        self.token = self.lexer.next()
        return found

    def skip(self, kind):
        if self.token.kind != kind:
            return False
        self.token = self.lexer.next()
        return True

    def expect(self, holds):
        if not holds:
            raise NoQuery("not the grammar, or beyond its limits")


def is_whole(scope):
    return scope is not None and scope.operator not in (":", "!:")


def term_filter(token, scope):
    text, is_quoted = token.content, token.kind == "quoted"
    if is_whole(scope):
        if token.star:
            raise NoQuery("a star behind a whole value")
        if scope.operator[0] in "<>":
            return time_filter(scope.operator, text)
        return {"kind": "exact", "field": scope.field, "value": text}
    if not is_quoted and text == "*":
        return ALL if scope is None else {"kind": "present", "field": scope.field}
    if is_quoted and BLANKS.fullmatch(text):
        return ALL
    if not is_quoted and "*" in text[:-1]:
        raise NoQuery("a star inside a word")
    has_star = token.star or (not is_quoted and text.endswith("*"))
    before = text if is_quoted else text[:-1] if has_star else text
    found = w.words(text)
    if not found:
        raise NoQuery("no word")
    prefix = has_star and before != "" and unicodedata.category(before[-1])[0] in "LMN"
    of_field = {} if scope is None else {"field": scope.field}
    return dict(of_field, kind="phrase", words=found, prefix=prefix)


# --- Times -------------------------------------------------------------------------------------------------------------

DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def time_filter(operator, text):
    """A day counts as a whole, and any other time as its microsecond: `>` begins behind it."""
    is_day = DAY.fullmatch(text) is not None
    time = w.event_time(text + "T00:00:00Z" if is_day else text)
    if time is None or "-" not in text[1:]:
        raise NoQuery("no time")
    micros = 1000 * time[0] + time[1]
    if operator in (">", "<="):
        micros += 1000 * w.MS_OF_DAY if is_day else 1
    return {"kind": "time", "start" if operator[0] == ">" else "end": time_text(micros)}


def time_text(micros):
    """Of microseconds since 0000-01-01; behind the year 9999 it is a text that no question has."""
    days, micros = divmod(micros, 1000 * w.MS_OF_DAY)
    if days >= w.DAYS_OF_ALL_YEARS:
        return "10000"
    # The calendar of Python begins with the year 1; the year 0 is as 2000 is.
    day = datetime.date(2000, 1, 1) + datetime.timedelta(days) if days < 366 else datetime.date.fromordinal(days - 365)
    year, (seconds, micros) = 0 if days < 366 else day.year, divmod(micros, 1000000)
    clock = seconds // 3600, seconds // 60 % 60, seconds % 60
    return "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ" % ((year, day.month, day.day) + clock + (micros,))


# --- Writing -----------------------------------------------------------------------------------------------------------


def is_query(one):
    """Whether a query can say a filter."""
    if one["kind"] in ("and", "or"):
        return all(map(is_query, one["filters"]))
    return is_query(one["filter"]) if one["kind"] == "not" else one["kind"] != "leaf"


def query_text(one):
    """A filter of a question as a query."""
    kind = one["kind"]
    if kind == "all":
        return '""'
    if kind == "phrase":
        text = " ".join(one["words"])
        quoted = '"%s"' % text if len(one["words"]) > 1 else text
        return (one["field"] + ":" if "field" in one else "") + quoted + ("*" if one["prefix"] else "")
    if kind == "exact":
        return '%s="%s"' % (one["field"], re.sub(r'(["\\])', r"\\\1", one["value"]))
    if kind == "present":
        return one["field"] + ":*"
    if kind == "time":
        bounds = (("start", ">="), ("end", "<"))
        return " ".join('timestamp%s"%s"' % (sign, one[name]) for name, sign in bounds if name in one)
    if kind == "and":
        return " ".join(grouped(part) if part["kind"] == "or" else query_text(part) for part in one["filters"])
    if kind == "or":
        return " OR ".join(map(query_text, one["filters"]))
    return "-" + (grouped if one["filter"]["kind"] in ("and", "or") else query_text)(one["filter"])


def grouped(one):
    return "(%s)" % query_text(one)
