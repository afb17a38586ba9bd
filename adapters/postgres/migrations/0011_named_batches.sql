-- what a batch of calls to reprocess was asked for by, so that everybody can be told
-- depends: 0010_duplicates

-- migrate: apply

-- Neither: calls that were named one by one. Those of an earlier release look like that too.
ALTER TABLE reprocess_batches
    ADD COLUMN failure_reason text,
    ADD COLUMN all_failed boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT reprocess_batches_asked_for CHECK (failure_reason IS NULL OR NOT all_failed);

-- migrate: rollback

ALTER TABLE reprocess_batches DROP COLUMN failure_reason, DROP COLUMN all_failed;
