import type { Column } from "./column.js";

/** Returns an API key or a JSON Web Token; undefined or the empty text: the request is sent without. */
export type TokenProvider = () => string | undefined | Promise<string | undefined>;

/** What is known of a log from elsewhere. */
export interface TrustedLogKey {
  /** The log's verifier key, `origin+key id+base64`, as `root { publicKey }` returns it and as its operator confirms it. */
  readonly key: string;
  /** A tree that the log is known to have had: a history that does not continue it turns every lock red. */
  readonly root?: {
    readonly treeSize: number;
    /** 64 hexadecimal digits, lowercase. */
    readonly hash: string;
  };
}

/** What every component needs to reach and to trust a log. */
export interface AuditLogProps {
  /** The address of the gateway's GraphQL API, such as `https://audit.example.com/graphql`; relative to the page if it has no host. */
  readonly endpoint: string;
  /** Asked before each request, and once more where the gateway refuses what it returned. */
  readonly token?: TokenProvider | undefined;
  /** Default: the gateway's default log. */
  readonly log?: string | undefined;
  /** Default: the key that the gateway names at the first visit, and the root that this browser remembers. */
  readonly trusted?: TrustedLogKey | undefined;
  /** Default: as the browser prefers. */
  readonly theme?: "light" | "dark" | undefined;
  /** Of the one element that the component adds to the page, for its size and its place. */
  readonly className?: string | undefined;
}

export interface AuditTableProps extends AuditLogProps {
  /**
   * A query that every search is ANDed with, such as `tenant_id="acme"`. No text in the search box leads around it, but it is a convenience of
   * the page: what a person may read is for the scopes of the token to say.
   */
  readonly restriction?: string | undefined;
  /** Which columns are shown at first, in this order. */
  readonly columns?: readonly Column[] | undefined;
  /** What is in the search box at first. */
  readonly query?: string | undefined;
}

export interface AuditEntryProps extends AuditLogProps {
  readonly leafIndex: number;
}
