"""Checks the proofs of completeness in a file of evidence: that its entries are all that its search found, each proof being
about the entries behind those of the one before (docs/format.md, section 8.5). auditql_verify.py imports it where a file has one.
"""

import auditql_completeness as c
import auditql_query as q
import auditql_verify as v
import auditql_words as w

MISSING = object()


def check_proofs(log, claims, shown, search=MISSING):
    """
    Yields, of each claim, its verdicts as (check, verdict), and in words what it proves, or None. `shown`: of each entry, its
    leaf index and the size of the tree that it is proven in. `search`: what the file says was searched, if it does.
    """
    start, before = 0, None
    for place, claim in enumerate(claims):
        text = claim.get("question")
        question = c.read_question(text, log) if isinstance(text, str) else None
        is_page = question is not None and question["wanted"]["kind"] == "page"
        limit = v.read_number(question["wanted"]["limit"]) if is_page else 0
        end = len(shown) if place == len(claims) - 1 else min(len(shown), start + limit)
        entries = shown[start:end]
        log_root, log_verdict = c.open_checkpoint(log, checkpoint_in(claim, "root"))
        index_root, index_verdict = c.open_checkpoint(log, checkpoint_in(claim, "index"), c.INDEX_SUFFIX)
        size = None if log_root is None else log_root[0]
        leaves = [leaf for leaf, _ in entries]
        verdicts = [
            ("checkpoint", log_verdict),
            ("indexCheckpoint", index_verdict),
            ("completeness", completeness(log, (log_root, index_root), question, (claim.get("proof"), leaves))),
            ("entries", entries_verdict(entries, size)),
        ]
        if before is not None:
            verdicts.append(("continuation", continuation(question, before, shown[start - 1][0] if start > 0 else None)))
        verdicts.append(("question", question_verdict(question, search)))
        yield verdicts, None if question is None else in_words(question, size, len(entries) < limit)
        start, before = end, question


def checkpoint_in(claim, name):
    member = claim.get(name)
    return member.get("checkpoint") if isinstance(member, dict) else None


def completeness(log, roots, question, proven):
    proof_text, leaves = proven
    if proof_text is None:
        return v.unknown("NO_PROOF")
    if question is None:
        return v.invalid("MALFORMED_QUESTION")
    proof = c.read_proof_text(proof_text)
    if proof is None:
        return v.invalid("MALFORMED_PROOF")
    if None in roots:
        return v.unknown("NO_PROOF")
    if question["wanted"]["kind"] != "page":
        return v.invalid("ANSWER_MISMATCH")
    # A page from the end of a result is proven in the other direction than it is shown in.
    is_as_asked = len(leaves) < 2 or leaves[0] == leaves[1] or (leaves[0] > leaves[1]) == question["descending"]
    answer = {"kind": "page", "leaves": leaves if is_as_asked else leaves[::-1]}
    return c.verify_answer(log, roots, question, answer, proof)


def entries_verdict(entries, size):
    """That they are these leaves is proven by their membership in the tree that was searched, and in no other."""
    if size is None:
        return v.unknown("NO_PROOF")
    return v.VALID if all(tree_size == size for _, tree_size in entries) else v.invalid("ROOT_MISMATCH")


def continuation(question, before, last):
    if question is None:
        return v.unknown("NO_PROOF")
    following = dict(before, wanted=question["wanted"])
    following.pop("after", None)
    if last is not None:
        following["after"] = last
    return v.VALID if question == following else v.invalid("QUESTION_MISMATCH")


def question_verdict(question, search):
    if question is None or search is MISSING:
        return v.unknown("NO_PROOF")
    query = search.get("query") if isinstance(search, dict) else None
    try:
        is_asked = isinstance(query, str) and question == dict(question, filter=q.read_query(query), window={})
    except q.NoQuery:
        is_asked = False
    except w.UnknownCharacter:
        return v.unknown("UNICODE_TOO_OLD")
    return v.VALID if is_asked else v.invalid("QUESTION_MISMATCH")


def in_words(question, size, is_end):
    """What was proven, for a person to compare with what they asked."""
    window, wanted = question["window"], question["wanted"]
    is_query = q.is_query(question["filter"])
    parts = [q.query_text(question["filter"]) if is_query else v.canonical_json(question)]
    parts += ["received from " + window["from"]] if "from" in window else []
    parts += ["received before " + window["until"]] if "until" in window else []
    parts.append("newest first" if question["descending"] else "oldest first")
    parts += ["behind entry %d" % question["after"]] if "after" in question else []
    if wanted["kind"] == "page":
        parts.append("all there are" if is_end else "the next %d" % wanted["limit"])
    else:
        parts.append("counted")
    parts += [] if size is None else ["of the first %d of the log" % size]
    return ", ".join(parts)
