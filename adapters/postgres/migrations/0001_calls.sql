-- calls, their streams, packets and history
-- depends:

-- migrate: apply

-- Every table of the packet path leads its key with the lane, a small stable hash of the call id, and no
-- statement of that path goes without it: see docs/architecture.md.

CREATE TABLE calls (
    lane smallint NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    state text NOT NULL,
    encoding text NOT NULL,
    sample_rate_hz integer,
    channels smallint,
    metadata jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    archived_at timestamptz,
    final_sequences jsonb NOT NULL DEFAULT '{}',
    next_run_at timestamptz,
    runs integer NOT NULL DEFAULT 0,
    failed_runs integer NOT NULL DEFAULT 0,
    transcript jsonb,
    transcript_is_current boolean NOT NULL DEFAULT false,
    partial_transcripts jsonb NOT NULL DEFAULT '{}',
    analysis jsonb,
    failure_reason text,
    failure_detail text,
    version integer NOT NULL,
    PRIMARY KEY (lane, call_id),
    -- The state machine of domain/call_state.py, as far as one row can show it.
    CONSTRAINT calls_state CHECK (state IN ('IN_PROGRESS', 'COMPLETED', 'PROCESSING_AI', 'ARCHIVED', 'FAILED')),
    CONSTRAINT calls_completed CHECK ((state = 'IN_PROGRESS') = (completed_at IS NULL)),
    CONSTRAINT calls_runs CHECK ((state IN ('IN_PROGRESS', 'COMPLETED')) = (runs = 0)),
    CONSTRAINT calls_due CHECK (next_run_at IS NULL OR state IN ('COMPLETED', 'PROCESSING_AI')),
    CONSTRAINT calls_completed_is_due CHECK (state <> 'COMPLETED' OR next_run_at IS NOT NULL),
    CONSTRAINT calls_archived CHECK (
        (state = 'ARCHIVED') = (archived_at IS NOT NULL)
        AND (state <> 'ARCHIVED' OR (transcript IS NOT NULL AND transcript_is_current AND analysis IS NOT NULL))
    ),
    CONSTRAINT calls_failed CHECK ((state = 'FAILED') = (failure_reason IS NOT NULL)),
    CONSTRAINT calls_failure CHECK ((failure_reason IS NULL) = (failure_detail IS NULL)),
    CONSTRAINT calls_media CHECK (
        (encoding = 'text/plain') = (sample_rate_hz IS NULL) AND (sample_rate_hz IS NULL) = (channels IS NULL)
    ),
    CONSTRAINT calls_version CHECK (version >= 1 AND runs >= 0 AND failed_runs BETWEEN 0 AND runs)
) WITH (fillfactor = 80);

CREATE INDEX calls_newest ON calls (started_at DESC, call_id DESC);
CREATE INDEX calls_newest_by_state ON calls (state, started_at DESC, call_id DESC);

CREATE TABLE streams (
    lane smallint NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    received int8multirange NOT NULL,
    received_bytes bigint NOT NULL,
    PRIMARY KEY (lane, call_id, stream),
    CONSTRAINT streams_bounds CHECK (
        NOT isempty(received) AND NOT lower_inf(received) AND NOT upper_inf(received)
        AND lower(received) >= 0 AND upper(received) <= 9007199254740992 AND received_bytes >= 0
    )
) WITH (fillfactor = 70);

CREATE TABLE packets (
    lane smallint NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    sent_at_seconds double precision NOT NULL,
    data bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lane, call_id, stream, sequence),
    CONSTRAINT packets_bounds CHECK (sequence BETWEEN 0 AND 9007199254740991)
);

-- Audio does not compress; trying costs time on the packet path.
ALTER TABLE packets ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE call_events (
    lane smallint NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    at timestamptz NOT NULL,
    state text NOT NULL,
    event text NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (lane, call_id, version),
    CONSTRAINT call_events_state CHECK (
        state IN ('IN_PROGRESS', 'COMPLETED', 'PROCESSING_AI', 'ARCHIVED', 'FAILED')
    ),
    CONSTRAINT call_events_version CHECK (version >= 1)
);

-- migrate: rollback

DROP TABLE call_events, packets, streams, calls;
