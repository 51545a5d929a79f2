import { useCallback, useEffect, useRef, useState } from "react";
import { readEntry, type Entry } from "./entry.js";
import { ApiError, failureOf, type Damage, type Failure } from "./failure.js";
import type { Gateway } from "./gateway.js";
import { EntriesFromDocument, FindEntriesDocument, type PageFragment } from "./generated/operations.js";
import { useMount, type Mount } from "./mount.js";
import { NeededPages } from "./needed-pages.js";
import type { SignedTree } from "./trust.js";
import { windowOf, type View } from "./view.js";

/** How many entries are fetched at once. */
const PAGE = 50;

/** An entry that the gateway could not show: its stored bytes are damaged. */
export interface DamagedRow {
  readonly kind: "damaged";
  /** Undefined where the gateway does not say which entry it is. */
  readonly leafIndex: number | undefined;
}

export type Row = Entry | DamagedRow;

export function isDamaged(row: Row): row is DamagedRow {
  return "kind" in row;
}

/** A result pinned to the tree that it was found in: its pages are exact, in any order that they are fetched. */
export interface Found {
  readonly resultId: string;
  /** How many rows there are: all of them where they are counted, else those that are known by now. */
  readonly rowCount: number;
  /** A count is refused where an entry is damaged, for it could match. */
  readonly isCounted: boolean;
  readonly tree: SignedTree;
  readonly pages: ReadonlyMap<number, readonly Row[]>;
}

export interface Result {
  /** What was found last; while another search runs, that of the one before. */
  readonly found: Found | undefined;
  readonly failure: Failure | undefined;
  readonly isLoading: boolean;
  /** Fetches the pages with the rows from one to another, where they are not there yet. */
  readonly need: (first: number, last: number) => void;
  readonly searchAgain: () => void;
}

type State = Pick<Result, "found" | "failure" | "isLoading">;

/** The row at a place of the result; undefined while it is fetched. */
export function rowAt({ pages }: Found, place: number): Row | undefined {
  return pages.get(Math.floor(place / PAGE))?.[place % PAGE];
}

/** Searches for what the view asks for, each time that it asks for something else. */
export function useResult(view: View): Result {
  const [state, setState] = useState<State>({ found: undefined, failure: undefined, isLoading: true });
  const [attempt, setAttempt] = useState(0);
  const mount = useMount();
  const { query, sorting, log } = view;
  const asked = JSON.stringify({ query, window: windowOf(view), orderBy: sorting, log: log || null });
  useEffect(() => {
    let isCurrent = true;
    const show = (next: State): void => {
      if (isCurrent) setState(next);
    };
    setState(({ found }) => ({ found, failure: undefined, isLoading: true }));
    search(asked, mount).then(
      (found) => {
        show({ found, failure: undefined, isLoading: false });
      },
      (error: unknown) => {
        show({ found: undefined, failure: failureOf(error), isLoading: false });
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [asked, attempt, mount]);
  const need = useNeed(state.found, setState);
  const searchAgain = useCallback(() => {
    setAttempt((times) => times + 1);
  }, []);
  return { ...state, need, searchAgain };
}

/** Fetches pages as they are scrolled to, and keeps those that were needed last. */
function useNeed(found: Found | undefined, setState: (change: (state: State) => State) => void): Result["need"] {
  const { gateway } = useMount();
  const resultId = found?.resultId;
  const asked = useRef({ resultId, pages: new NeededPages([]) });
  if (asked.current.resultId !== resultId) asked.current = { resultId, pages: new NeededPages([0]) };
  return useCallback(
    (first, last) => {
      const { pages } = asked.current;
      if (resultId === undefined) return;
      for (const page of pages.need(Math.floor(first / PAGE), Math.floor(last / PAGE))) {
        fetchPage(gateway, { resultId, page }).then(
          (fetched) => {
            setState((state) => withPage(state, { resultId, page, needed: pages, ...fetched }));
          },
          (error: unknown) => {
            pages.forget(page);
            setState((state) => (state.found?.resultId === resultId ? { ...state, failure: failureOf(error) } : state));
          },
        );
      }
    },
    [gateway, resultId, setState],
  );
}

async function search(asked: string, { gateway, restriction }: Mount): Promise<Found> {
  const typed = JSON.parse(asked) as { readonly query: string };
  const variables = { ...typed, query: restriction?.narrow(typed.query) ?? typed.query };
  const find = (isCounted: boolean) =>
    gateway.askForEntries(FindEntriesDocument, { ...variables, first: PAGE, isCounted });
  const { data, damages } = await find(true).catch((error: unknown) => {
    const failure = failureOf(error);
    if (failure.kind === "damage") return find(false);
    throw new ApiError(restriction?.inTyped(failure) ?? failure);
  });
  const { search } = data;
  const { resultId, totalCount, root } = search;
  const rows = rowsOf(search, damages).map((row) => proven(row, root.checkpoint));
  const known = { rowCount: totalCount ?? rowsBehind(search, 0), isCounted: totalCount !== undefined };
  return { resultId, ...known, tree: root, pages: new Map([[0, rows]]) };
}

interface FetchedPage {
  readonly rows: readonly Row[];
  /** How many rows the result has at least. */
  readonly rowCount: number;
}

interface Place {
  readonly resultId: string;
  readonly page: number;
}

async function fetchPage(gateway: Gateway, { resultId, page }: Place): Promise<FetchedPage> {
  const { data, damages } = await gateway.askForEntries(EntriesFromDocument, {
    resultId,
    offset: page * PAGE,
    first: PAGE,
  });
  return { rows: rowsOf(data.results, damages), rowCount: rowsBehind(data.results, page) };
}

/** The rows up to a page, and one more where there are others. */
function rowsBehind({ edges, pageInfo }: PageFragment, page: number): number {
  return page * PAGE + edges.length + (pageInfo.hasNextPage ? 1 : 0);
}

interface Page extends FetchedPage, Place {
  readonly needed: NeededPages;
}

function withPage(state: State, { resultId, page, rows, rowCount, needed }: Page): State {
  const { found } = state;
  if (found?.resultId !== resultId) return state;
  const { checkpoint } = found.tree;
  const shown = rows.map((row) => proven(row, checkpoint));
  const pages = needed.kept(new Map(found.pages).set(page, shown));
  return { ...state, found: { ...found, pages, rowCount: Math.max(found.rowCount, rowCount) } };
}

function rowsOf({ edges }: PageFragment, damages: readonly Damage[]): readonly Row[] {
  return edges.map(({ node, membershipProof }, place) => {
    if (node !== null) return readEntry(node, { proof: membershipProof });
    const damage = damages.find(({ path }) => path.endsWith(`.edges.${place}.node`));
    return { kind: "damaged", leafIndex: damage?.leafIndex };
  });
}

/** Under the checkpoint of the result, which all its proofs lead to. */
function proven(row: Row, checkpoint: string): Row {
  return isDamaged(row) ? row : { ...row, checkpoint };
}
