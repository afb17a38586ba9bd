-- what was acknowledged while the database was away, and refused when it was replayed
-- depends: 0003_packet_days

-- migrate: apply

-- One row, made by the first process that starts: journals on disk are kept apart by it, so that none is
-- ever replayed into another database.
CREATE TABLE installation (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);

-- json, not jsonb: what was refused may hold a NUL character.
CREATE TABLE spool_refusals (
    entry_id text COLLATE "C" PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    spooled_at timestamptz NOT NULL,
    what text NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    entry json NOT NULL,
    CONSTRAINT spool_refusals_what CHECK (what IN ('init', 'packets', 'completion'))
);

CREATE INDEX spool_refusals_newest ON spool_refusals (at DESC, entry_id DESC);

-- migrate: rollback

DROP TABLE spool_refusals, installation;
