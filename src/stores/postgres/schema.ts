/**
 * The tables, as the steps that led to them: step n takes the database from version n - 1 to n. A released step is never edited.
 *
 * Every primary key begins with the log's id, so that a distributed engine can keep a log's rows together. Text that is
 * compared has the collation "C": its order is that of code points on every machine, whatever its locale libraries say.
 */
export const SCHEMA_STEPS: readonly string[] = [
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
];
