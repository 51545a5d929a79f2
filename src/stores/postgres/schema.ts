import { undrained } from "../../audit/undrained.js";
import type { Session, Statement } from "./transaction.js";

/** SQL, or a function that checks the database first and rejects to leave the schema as it is. */
export type SchemaStep = string | ((session: Session) => Promise<void>);

const WAITING_BULKS: Statement<{ readonly waiting: number }> = {
  name: "waiting-bulks",
  text: "SELECT count(*) AS waiting FROM auditql.drained_bulks WHERE outcome IS NULL",
};

/**
 * Bulk requests are logged when they arrive: no table keeps them. Rejects when one still waits, because nothing would log
 * it. Renamed first, the table takes no request of a gateway of the earlier version after the count.
 */
async function dropBulks(session: Session): Promise<void> {
  await session.run("ALTER TABLE auditql.bulks RENAME TO drained_bulks");
  const [row] = await session.rows(WAITING_BULKS, []);
  if (row === undefined || row.waiting > 0) throw undrained(row?.waiting ?? 0);
  await session.run("DROP TABLE auditql.drained_bulks");
}

/**
 * The tables, as migration steps: step n takes the database from version n - 1 to n. A released step is never edited.
 * Every primary key begins with the log's id, so that a distributed engine can keep a log's rows together. Text that is
 * compared has the collation "C": code point order on every machine, whatever its locale libraries say.
 */
export const SCHEMA_STEPS: readonly SchemaStep[] = [
  `
  CREATE TABLE auditql.heads (
    log text COLLATE "C" PRIMARY KEY,
    format text NOT NULL,
    size bigint NOT NULL,
    root_hash bytea NOT NULL,
    checkpoint text NOT NULL,
    last_received_at text COLLATE "C" NOT NULL
  ) WITH (fillfactor = 20); -- one hot row per log: room on its page for the versions a commit leaves behind

  CREATE TABLE auditql.entries (
    log text COLLATE "C",
    leaf_index bigint,
    received_at text COLLATE "C" NOT NULL,
    leaf_hash bytea NOT NULL,
    canonical text NOT NULL,
    PRIMARY KEY (log, leaf_index)
  );

  CREATE TABLE auditql.tiles (
    log text COLLATE "C",
    tile_level integer,
    tile_index bigint,
    nodes bytea NOT NULL,
    PRIMARY KEY (log, tile_level, tile_index)
  );
  ALTER TABLE auditql.tiles ALTER COLUMN nodes SET STORAGE EXTERNAL; -- hashes do not compress
  `,
  `
  CREATE TABLE auditql.docs (
    log text COLLATE "C",
    leaf_index bigint,
    terms text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    timestamp text COLLATE "C" NOT NULL,
    PRIMARY KEY (log, leaf_index)
  );
  -- New terms gather in the index's pending list and whoever indexes merges them batch by batch: one by one costs twice as much.
  CREATE INDEX docs_by_term ON auditql.docs USING gin (string_to_array(btrim(terms), ' '))
    WITH (fastupdate = on, gin_pending_list_limit = 16384);
  ALTER TABLE auditql.docs ALTER COLUMN terms SET STATISTICS 0; -- the planner looks at the index over terms, never at the text
  CREATE INDEX docs_by_actor ON auditql.docs (log, actor, leaf_index);
  CREATE INDEX docs_by_timestamp ON auditql.docs (log, timestamp, leaf_index);

  CREATE TABLE auditql.words (
    log text COLLATE "C",
    word text COLLATE "C",
    PRIMARY KEY (log, word)
  );

  CREATE TABLE auditql.indexing (
    log text COLLATE "C" PRIMARY KEY,
    size bigint NOT NULL, -- the leaves below it are in docs
    holder text COLLATE "C" NOT NULL, -- who may index until then, by the database's clock
    held_until timestamptz NOT NULL
  );
  `,
  `
  CREATE TABLE auditql.receipts (
    log text COLLATE "C",
    key bytea,
    request_digest bytea NOT NULL,
    first_index bigint NOT NULL,
    entry_count integer NOT NULL,
    tree_size bigint NOT NULL,
    PRIMARY KEY (log, key)
  );
  `,
  `
  CREATE TABLE auditql.bulks (
    log text COLLATE "C",
    name text COLLATE "C",
    owner text COLLATE "C" NOT NULL,
    request_digest bytea NOT NULL,
    body text NOT NULL, -- emptied when the request has ended
    accepted_at_ms bigint NOT NULL,
    held_until_ms bigint NOT NULL,
    outcome text, -- null until the request has ended
    expires_at_ms bigint,
    PRIMARY KEY (log, name)
  );
  CREATE INDEX bulks_unfinished ON auditql.bulks (accepted_at_ms) WHERE outcome IS NULL;
  CREATE INDEX bulks_by_expiry ON auditql.bulks (expires_at_ms) WHERE outcome IS NOT NULL;
  `,
  `
  ALTER TABLE auditql.bulks ADD COLUMN bytes integer NOT NULL DEFAULT 0; -- what it counts for while it waits
  UPDATE auditql.bulks SET bytes = octet_length(body);
  CREATE INDEX bulks_waiting ON auditql.bulks (log, bytes) WHERE outcome IS NULL;
  `,
  `
  ALTER TABLE auditql.receipts ADD COLUMN seal bytea; -- of the log's key; null in the rows of a version that made none
  ALTER TABLE auditql.bulks ADD COLUMN seal bytea;
  `,
  dropBulks,
  `
  DROP TABLE auditql.docs, auditql.words, auditql.indexing;

  CREATE TABLE auditql.segments (
    log text COLLATE "C",
    level integer,
    number bigint,
    blocks integer NOT NULL,
    digest bytea NOT NULL,
    last_leaf_hash bytea NOT NULL,
    PRIMARY KEY (log, level, number)
  );

  CREATE TABLE auditql.blocks (
    log text COLLATE "C",
    level integer,
    number bigint,
    block integer,
    data bytea NOT NULL,
    PRIMARY KEY (log, level, number, block)
  ) WITH (toast_tuple_target = 4080, autovacuum_vacuum_scale_factor = 0.02); -- a block in its row; merged segments leave dead rows
  ALTER TABLE auditql.blocks ALTER COLUMN data SET STORAGE EXTERNAL; -- bits do not compress

  CREATE TABLE auditql.index_turns (
    log text COLLATE "C" PRIMARY KEY,
    holder text COLLATE "C" NOT NULL, -- who may store segments until then, by the database's clock
    held_until timestamptz NOT NULL
  ) WITH (fillfactor = 20);
  `,
];
