-- indexes for the feed, for searching calls, and for those that failed
-- depends: 0008_reprocess_batches
-- transaction: false

-- migrate: apply

-- Built beside the running release, which goes on writing. Should that fail half-way, what it left is made anew.

DROP INDEX CONCURRENTLY IF EXISTS call_events_feed;
CREATE INDEX CONCURRENTLY call_events_feed ON call_events (transaction_id);

DROP INDEX CONCURRENTLY IF EXISTS calls_failed;
CREATE INDEX CONCURRENTLY calls_failed ON calls (failure_reason, started_at DESC, call_id DESC)
    WHERE failure_reason IS NOT NULL;

-- Punctuation only parts words, and no language is assumed: +1 (555) 12-34 is four numbers, c-7:a three words.
-- What is longer is cut, for no tsvector may have more than a megabyte.
CREATE OR REPLACE FUNCTION words_of_call(call_id text, metadata jsonb, transcript jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('pg_catalog.simple', translate(
    call_id || ' '
    || replace(left(coalesce(jsonb_path_query_array(metadata, '$.*')::text, ''), 20000), '\n', ' ') || ' '
    || left(coalesce(transcript ->> 'text', ''), 100000),
    '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                '
));

-- Without fastupdate: no single commit pays for what many have put off, and no search reads what waits.
DROP INDEX CONCURRENTLY IF EXISTS calls_words;
CREATE INDEX CONCURRENTLY calls_words ON calls USING gin (words_of_call(call_id, metadata, transcript))
    WITH (fastupdate = off);

-- migrate: rollback

DROP INDEX calls_words, calls_failed, call_events_feed;
DROP FUNCTION words_of_call;
