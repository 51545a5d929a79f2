import { spawnSync } from "node:child_process";
import { findProgram } from "../service.js";

const PYTHON = findProgram("python3");
export const HAS_PYTHON = PYTHON !== undefined;

/**
 * What an expression over `input` comes to in Python, with the modules `w` (words) and `q` (queries) of the verifier. `known`
 * calls a function, and gives null where Python is too old for the text; `entry_of` is an entry and its leaf hash, which is that of the
 * format pangea behind `pangea:`.
 */
export function evaluated(expression: string, input: unknown): unknown {
  const program = `
import json, sys
sys.path.insert(0, "verifiers/python")
import auditql_query as q
import auditql_words as w
def known(cut, *given):
    try:
        return cut(*given)
    except w.UnknownCharacter:
        return None
def read_query(text):
    try:
        return q.read_query(text)
    except q.NoQuery:
        return "no query"
def entry_of(text):
    data = text.encode("utf-8")
    is_pangea = data.startswith(b"pangea:")
    return (data[7:], w.hashlib.sha256(data[7:]).digest()) if is_pangea else (data, bytes(range(32)))
input = w.v.parse_json(sys.stdin.read())
print(json.dumps(${expression}))`;
  const { status, stdout, stderr } = spawnSync(PYTHON ?? "python3", ["-B", "-c", program], {
    ...{ input: JSON.stringify(input), encoding: "utf8", maxBuffer: 2 ** 28 },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
