-- when the last packet of each stream came, to tell calls whose end never comes
-- depends: 0004_spool_refusals

-- migrate: apply

-- Of streams that are there already the time of this migration counts, so that no live call looks silent. It
-- changes with every batch of packets and must be in no index: updates then stay in place.
ALTER TABLE streams ADD COLUMN last_packet_at timestamptz NOT NULL DEFAULT now();

-- migrate: rollback

ALTER TABLE streams DROP COLUMN last_packet_at;
