-- which transaction wrote an event, so that the feed of changes misses none that commits late
-- depends: 0006_poison

-- migrate: apply

-- Without a default at first: what is there already then stays as it is, is in no feed, and is not written again.
ALTER TABLE call_events ADD COLUMN transaction_id xid8;
ALTER TABLE call_events ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id();

-- migrate: rollback

ALTER TABLE call_events DROP COLUMN transaction_id;
