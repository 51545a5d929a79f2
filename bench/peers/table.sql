-- What people build by hand: a table with a hash chain, kept by PL/pgSQL, and words in a tsvector column under a GIN index.
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE SCHEMA audit;

CREATE TABLE audit.entries (
  id bigint PRIMARY KEY,
  received_at timestamptz NOT NULL,
  message text NOT NULL,
  actor text,
  action text,
  new jsonb,
  old jsonb,
  source text,
  status text,
  target text,
  "timestamp" text,
  tenant_id text,
  hash bytea NOT NULL,
  words tsvector GENERATED ALWAYS AS (
    to_tsvector('simple', message || ' ' || coalesce(actor, '') || ' ' || coalesce(action, '') || ' '
      || coalesce(new::text, '') || ' ' || coalesce(old::text, '') || ' ' || coalesce(source, '') || ' '
      || coalesce(status, '') || ' ' || coalesce(target, '') || ' ' || coalesce("timestamp", '') || ' '
      || coalesce(tenant_id, ''))
  ) STORED
);
CREATE INDEX ON audit.entries USING gin (words);
COMMENT ON COLUMN audit.entries.words IS E'@behavior -*';

-- The end of the chain, which each writer locks.
CREATE TABLE audit.head (size bigint NOT NULL, hash bytea NOT NULL);
INSERT INTO audit.head VALUES (0, '');
COMMENT ON TABLE audit.head IS E'@behavior -*';

CREATE FUNCTION audit.chained(events jsonb) RETURNS SETOF audit.entries LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  at audit.head;
  event jsonb;
  entry audit.entries;
BEGIN
  SELECT * INTO at FROM audit.head FOR UPDATE;
  FOR event IN SELECT * FROM jsonb_array_elements(events) LOOP
    at.hash := digest(at.hash || convert_to(event::text, 'UTF8'), 'sha256');
    INSERT INTO audit.entries
      (id, received_at, message, actor, action, new, old, source, status, target, "timestamp", tenant_id, hash)
    VALUES (at.size, clock_timestamp(), event->>'message', event->>'actor', event->>'action', event->'new', event->'old',
      event->>'source', event->>'status', event->>'target', event->>'timestamp', event->>'tenantId', at.hash)
    RETURNING * INTO entry;
    at.size := at.size + 1;
    RETURN NEXT entry;
  END LOOP;
  UPDATE audit.head SET size = at.size, hash = at.hash;
END $$;
COMMENT ON FUNCTION audit.chained IS E'@behavior -*';

CREATE FUNCTION audit.log_event(event jsonb) RETURNS audit.entries LANGUAGE sql VOLATILE AS $$
  SELECT * FROM audit.chained(jsonb_build_array(event))
$$;

CREATE FUNCTION audit.log_events(events jsonb) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT max(id) FROM audit.chained(events)
$$;

-- Newest first.
CREATE FUNCTION audit.search_entries(query text) RETURNS SETOF audit.entries LANGUAGE sql STABLE AS $$
  SELECT * FROM audit.entries WHERE words @@ websearch_to_tsquery('simple', query) ORDER BY id DESC
$$;
