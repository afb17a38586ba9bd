-- runs of a call whose process ended, to tell calls that end it
-- depends: 0005_idle_calls

-- migrate: apply

-- NOT VALID: what is there already has none, and need not be read for that.
ALTER TABLE calls ADD COLUMN abandoned_runs integer NOT NULL DEFAULT 0;
ALTER TABLE calls ADD CONSTRAINT calls_abandoned_runs CHECK (abandoned_runs BETWEEN 0 AND runs) NOT VALID;

-- migrate: rollback

ALTER TABLE calls DROP COLUMN abandoned_runs;
