-- how many packets of each stream came again
-- depends: 0009_supervision

-- migrate: apply

-- An older process goes on writing and leaves the count alone. It changes with packets and must be in no index:
-- updates then stay in place. NOT VALID: what is there already has none, and need not be read for that.
ALTER TABLE streams ADD COLUMN duplicates bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT streams_duplicates CHECK (duplicates >= 0) NOT VALID;

-- migrate: rollback

ALTER TABLE streams DROP COLUMN duplicates;
