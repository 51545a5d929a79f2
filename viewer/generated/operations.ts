/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** The format of a file of entries. Files are sent compressed to clients that accept gzip. */
export type AuditDownloadFormat =
  /** A table for spreadsheets, RFC 4180. Cells that a spreadsheet would execute are turned into text. */
  | 'CSV'
  /** The same evidence in lines: the signed root on the first, then an entry with its proof on each, and the number of entries on the last. */
  | 'EVIDENCE'
  /** Evidence: the signed root, every entry byte for byte, and its proof, in one document. `auditql verify --key` checks it. */
  | 'JSON'
  /** One entry byte for byte per line, for programs. */
  | 'NDJSON';

/** How a search is sorted. Equal values are in log order, in the same direction. */
export type AuditEntryOrder = {
  /** Which end comes first. */
  direction?: AuditOrderDirection;
  /** What to sort by. */
  field?: AuditEntryOrderField;
};

/** What a search can be sorted by. Texts are compared by their first 128 characters; an absent field comes before every text. */
export type AuditEntryOrderField =
  /** What was done. */
  | 'ACTION'
  /** Who did it. */
  | 'ACTOR'
  /** What happened. */
  | 'MESSAGE'
  /** When the log received it: the order of the log itself, and the fastest. */
  | 'RECEIVED_AT'
  /** Where it came from. */
  | 'SOURCE'
  /** How it ended. */
  | 'STATUS'
  /** What it was done to. */
  | 'TARGET'
  /** When it happened, as the application said: the moment, not the text. Events without a time that can be read come first. */
  | 'TIMESTAMP';

/** Which end of an order comes first. */
export type AuditOrderDirection =
  /** Smallest or oldest first. */
  | 'ASC'
  /** Largest or newest first. */
  | 'DESC';

/** A window of time: from `start` (inclusive) to `end` (exclusive), or the most recent period, `last`. Each is an RFC 3339 time or relative to now, such as `7d`, `12h` or `120min`. */
export type AuditTimeWindow = {
  /** The end, exclusive. Default: now. */
  end?: string | null | undefined;
  /** The most recent period, such as `7d`, in place of start and end. */
  last?: string | null | undefined;
  /** Which of an entry's times: when it was received, or when it happened. */
  of?: AuditWindowTime;
  /** The start, inclusive. Default: the log's beginning. */
  start?: string | null | undefined;
};

/** Which of an entry's times a window, or a histogram, is of. */
export type AuditWindowTime =
  /** When the log received it, which the log's tree proves. */
  | 'RECEIVED_AT'
  /** When it happened, as the application said in `timestamp`: an RFC 3339 time, or a number since 1970. An event without such a time is in no such window. */
  | 'TIMESTAMP';

export type CountOverTimeQueryVariables = Exact<{
  resultId: string;
  of: AuditWindowTime;
}>;


export type CountOverTimeQuery = { results: { histogram: { otherCount: number, buckets: Array<{ start: string, end: string, count: number }> } | null } };

export type CountValuesQueryVariables = Exact<{
  resultId: string;
}>;


export type CountValuesQuery = { results: { actor: { distinctCount: number, otherCount: number, missingCount: number, values: Array<{ value: string, count: number }> } | null, action: { distinctCount: number, otherCount: number, missingCount: number, values: Array<{ value: string, count: number }> } | null, target: { distinctCount: number, otherCount: number, missingCount: number, values: Array<{ value: string, count: number }> } | null, source: { distinctCount: number, otherCount: number, missingCount: number, values: Array<{ value: string, count: number }> } | null, status: { distinctCount: number, otherCount: number, missingCount: number, values: Array<{ value: string, count: number }> } | null, tenant_id: { distinctCount: number, otherCount: number, missingCount: number, values: Array<{ value: string, count: number }> } | null } };

export type ValuesFragment = { distinctCount: number, otherCount: number, missingCount: number, values: Array<{ value: string, count: number }> };

export type DownloadLinkMutationVariables = Exact<{
  resultId: string;
  format: AuditDownloadFormat;
}>;


export type DownloadLinkMutation = { downloadResults: { url: string } };

export type OneEntryQueryVariables = Exact<{
  log?: string | null | undefined;
  leafIndex: number;
  before: number;
  after: number;
  hasBefore: boolean;
  hasAfter: boolean;
  treeSize?: number | null | undefined;
}>;


export type OneEntryQuery = { entry: { leafIndex: number, hash: string, canonical: string, membershipProof: { leafIndex: number, treeSize: number, leafHash: string, rootHash: string, path: Array<string>, root: { checkpoint: string } } } | null, before?: { leafIndex: number, hash: string, canonical: string } | null, after?: { leafIndex: number, hash: string, canonical: string } | null };

export type FollowEntriesSubscriptionVariables = Exact<{
  query: string;
  log?: string | null | undefined;
  from?: number | null | undefined;
}>;


export type FollowEntriesSubscription = { entryLogged: { leafIndex: number, hash: string, canonical: string, membershipProof: { leafIndex: number, treeSize: number, leafHash: string, rootHash: string, path: Array<string>, root: { checkpoint: string } } } };

export type ProvenEntryFragment = { leafIndex: number, hash: string, canonical: string, membershipProof: { leafIndex: number, treeSize: number, leafHash: string, rootHash: string, path: Array<string>, root: { checkpoint: string } } };

export type NewestRootQueryVariables = Exact<{
  log?: string | null | undefined;
}>;


export type NewestRootQuery = { root: { treeSize: number, hash: string, checkpoint: string, origin: string, publicKey: string } };

export type ConsistencyQueryVariables = Exact<{
  log?: string | null | undefined;
  treeSize: number;
  fromSize: number;
}>;


export type ConsistencyQuery = { root: { treeSize: number, hash: string, checkpoint: string, consistencyProof: { fromSize: number, toSize: number, fromHash: string, toHash: string, path: Array<string> } } };

export type FindEntriesQueryVariables = Exact<{
  query: string;
  window?: AuditTimeWindow | null | undefined;
  orderBy?: AuditEntryOrder | null | undefined;
  log?: string | null | undefined;
  first: number;
  isCounted: boolean;
}>;


export type FindEntriesQuery = { search: { resultId: string, totalCount?: number, root: { treeSize: number, hash: string, checkpoint: string, origin: string, publicKey: string }, pageInfo: { hasNextPage: boolean }, edges: Array<{ node: { leafIndex: number, hash: string, canonical: string } | null, membershipProof: { leafIndex: number, treeSize: number, leafHash: string, rootHash: string, path: Array<string> } | null }> } };

export type EntriesFromQueryVariables = Exact<{
  resultId: string;
  offset: number;
  first: number;
}>;


export type EntriesFromQuery = { results: { pageInfo: { hasNextPage: boolean }, edges: Array<{ node: { leafIndex: number, hash: string, canonical: string } | null, membershipProof: { leafIndex: number, treeSize: number, leafHash: string, rootHash: string, path: Array<string> } | null }> } };

export type PageFragment = { pageInfo: { hasNextPage: boolean }, edges: Array<{ node: { leafIndex: number, hash: string, canonical: string } | null, membershipProof: { leafIndex: number, treeSize: number, leafHash: string, rootHash: string, path: Array<string> } | null }> };

export type EntryTextFragment = { leafIndex: number, hash: string, canonical: string };

export type ProofPathFragment = { leafIndex: number, treeSize: number, leafHash: string, rootHash: string, path: Array<string> };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const ValuesFragmentDoc = new TypedDocumentString(`
    fragment Values on AuditFacet {
  values {
    value
    count
  }
  distinctCount
  otherCount
  missingCount
}
    `, {"fragmentName":"Values"}) as unknown as TypedDocumentString<ValuesFragment, unknown>;
export const EntryTextFragmentDoc = new TypedDocumentString(`
    fragment EntryText on AuditEntry {
  leafIndex
  hash
  canonical
}
    `, {"fragmentName":"EntryText"}) as unknown as TypedDocumentString<EntryTextFragment, unknown>;
export const ProofPathFragmentDoc = new TypedDocumentString(`
    fragment ProofPath on AuditMembershipProof {
  leafIndex
  treeSize
  leafHash
  rootHash
  path
}
    `, {"fragmentName":"ProofPath"}) as unknown as TypedDocumentString<ProofPathFragment, unknown>;
export const ProvenEntryFragmentDoc = new TypedDocumentString(`
    fragment ProvenEntry on AuditEntry {
  ...EntryText
  membershipProof {
    ...ProofPath
    root {
      checkpoint
    }
  }
}
    fragment EntryText on AuditEntry {
  leafIndex
  hash
  canonical
}
fragment ProofPath on AuditMembershipProof {
  leafIndex
  treeSize
  leafHash
  rootHash
  path
}`, {"fragmentName":"ProvenEntry"}) as unknown as TypedDocumentString<ProvenEntryFragment, unknown>;
export const PageFragmentDoc = new TypedDocumentString(`
    fragment Page on AuditEntryConnection {
  pageInfo {
    hasNextPage
  }
  edges {
    node {
      ...EntryText
    }
    membershipProof {
      ...ProofPath
    }
  }
}
    fragment EntryText on AuditEntry {
  leafIndex
  hash
  canonical
}
fragment ProofPath on AuditMembershipProof {
  leafIndex
  treeSize
  leafHash
  rootHash
  path
}`, {"fragmentName":"Page"}) as unknown as TypedDocumentString<PageFragment, unknown>;
export const CountOverTimeDocument = new TypedDocumentString(`
    query CountOverTime($resultId: ID!, $of: AuditWindowTime!) {
  results(id: $resultId, first: 1) {
    histogram(buckets: 90, of: $of) {
      buckets {
        start
        end
        count
      }
      otherCount
    }
  }
}
    `) as unknown as TypedDocumentString<CountOverTimeQuery, CountOverTimeQueryVariables>;
export const CountValuesDocument = new TypedDocumentString(`
    query CountValues($resultId: ID!) {
  results(id: $resultId, first: 1) {
    actor: facet(field: ACTOR, first: 8) {
      ...Values
    }
    action: facet(field: ACTION, first: 8) {
      ...Values
    }
    target: facet(field: TARGET, first: 8) {
      ...Values
    }
    source: facet(field: SOURCE, first: 8) {
      ...Values
    }
    status: facet(field: STATUS, first: 8) {
      ...Values
    }
    tenant_id: facet(field: TENANT_ID, first: 8) {
      ...Values
    }
  }
}
    fragment Values on AuditFacet {
  values {
    value
    count
  }
  distinctCount
  otherCount
  missingCount
}`) as unknown as TypedDocumentString<CountValuesQuery, CountValuesQueryVariables>;
export const DownloadLinkDocument = new TypedDocumentString(`
    mutation DownloadLink($resultId: ID!, $format: AuditDownloadFormat!) {
  downloadResults(id: $resultId, format: $format) {
    url
  }
}
    `) as unknown as TypedDocumentString<DownloadLinkMutation, DownloadLinkMutationVariables>;
export const OneEntryDocument = new TypedDocumentString(`
    query OneEntry($log: ID, $leafIndex: AuditLeafIndex!, $before: AuditLeafIndex!, $after: AuditLeafIndex!, $hasBefore: Boolean!, $hasAfter: Boolean!, $treeSize: AuditTreeSize) {
  entry(leafIndex: $leafIndex, log: $log) {
    ...EntryText
    membershipProof(treeSize: $treeSize) {
      ...ProofPath
      root {
        checkpoint
      }
    }
  }
  before: entry(leafIndex: $before, log: $log) @include(if: $hasBefore) {
    ...EntryText
  }
  after: entry(leafIndex: $after, log: $log) @include(if: $hasAfter) {
    ...EntryText
  }
}
    fragment EntryText on AuditEntry {
  leafIndex
  hash
  canonical
}
fragment ProofPath on AuditMembershipProof {
  leafIndex
  treeSize
  leafHash
  rootHash
  path
}`) as unknown as TypedDocumentString<OneEntryQuery, OneEntryQueryVariables>;
export const FollowEntriesDocument = new TypedDocumentString(`
    subscription FollowEntries($query: String!, $log: ID, $from: AuditLeafIndex) {
  entryLogged(query: $query, log: $log, fromLeafIndex: $from) {
    ...ProvenEntry
  }
}
    fragment ProvenEntry on AuditEntry {
  ...EntryText
  membershipProof {
    ...ProofPath
    root {
      checkpoint
    }
  }
}
fragment EntryText on AuditEntry {
  leafIndex
  hash
  canonical
}
fragment ProofPath on AuditMembershipProof {
  leafIndex
  treeSize
  leafHash
  rootHash
  path
}`) as unknown as TypedDocumentString<FollowEntriesSubscription, FollowEntriesSubscriptionVariables>;
export const NewestRootDocument = new TypedDocumentString(`
    query NewestRoot($log: ID) {
  root(log: $log) {
    treeSize
    hash
    checkpoint
    origin
    publicKey
  }
}
    `) as unknown as TypedDocumentString<NewestRootQuery, NewestRootQueryVariables>;
export const ConsistencyDocument = new TypedDocumentString(`
    query Consistency($log: ID, $treeSize: AuditTreeSize!, $fromSize: AuditTreeSize!) {
  root(log: $log, treeSize: $treeSize) {
    treeSize
    hash
    checkpoint
    consistencyProof(fromSize: $fromSize) {
      fromSize
      toSize
      fromHash
      toHash
      path
    }
  }
}
    `) as unknown as TypedDocumentString<ConsistencyQuery, ConsistencyQueryVariables>;
export const FindEntriesDocument = new TypedDocumentString(`
    query FindEntries($query: String!, $window: AuditTimeWindow, $orderBy: AuditEntryOrder, $log: ID, $first: Int!, $isCounted: Boolean!) {
  search(
    query: $query
    window: $window
    orderBy: $orderBy
    log: $log
    first: $first
  ) {
    resultId
    totalCount @include(if: $isCounted)
    root {
      treeSize
      hash
      checkpoint
      origin
      publicKey
    }
    ...Page
  }
}
    fragment Page on AuditEntryConnection {
  pageInfo {
    hasNextPage
  }
  edges {
    node {
      ...EntryText
    }
    membershipProof {
      ...ProofPath
    }
  }
}
fragment EntryText on AuditEntry {
  leafIndex
  hash
  canonical
}
fragment ProofPath on AuditMembershipProof {
  leafIndex
  treeSize
  leafHash
  rootHash
  path
}`) as unknown as TypedDocumentString<FindEntriesQuery, FindEntriesQueryVariables>;
export const EntriesFromDocument = new TypedDocumentString(`
    query EntriesFrom($resultId: ID!, $offset: Int!, $first: Int!) {
  results(id: $resultId, offset: $offset, first: $first) {
    ...Page
  }
}
    fragment Page on AuditEntryConnection {
  pageInfo {
    hasNextPage
  }
  edges {
    node {
      ...EntryText
    }
    membershipProof {
      ...ProofPath
    }
  }
}
fragment EntryText on AuditEntry {
  leafIndex
  hash
  canonical
}
fragment ProofPath on AuditMembershipProof {
  leafIndex
  treeSize
  leafHash
  rootHash
  path
}`) as unknown as TypedDocumentString<EntriesFromQuery, EntriesFromQueryVariables>;