-- calls that are reprocessed together, at a limited rate
-- depends: 0007_feed

-- migrate: apply

CREATE TABLE reprocess_batches (
    batch_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    per_second double precision NOT NULL,
    next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    CONSTRAINT reprocess_batches_rate CHECK (per_second > 0)
);

CREATE INDEX reprocess_batches_unfinished ON reprocess_batches (next_at) WHERE finished_at IS NULL;

-- Whoever is at a call says so first: if it dies, the next looks whether the call was reprocessed since.
CREATE TABLE reprocess_items (
    batch_id uuid NOT NULL REFERENCES reprocess_batches ON DELETE CASCADE,
    place integer NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    first_begun_at timestamptz,
    begun_at timestamptz,
    outcome text,
    PRIMARY KEY (batch_id, place),
    CONSTRAINT reprocess_items_outcome CHECK (outcome IN ('done', 'refused'))
);

CREATE INDEX reprocess_items_open ON reprocess_items (batch_id, place) WHERE outcome IS NULL;

-- migrate: rollback

DROP TABLE reprocess_items, reprocess_batches;
