CREATE TABLE calls (
    call_id varchar(128) PRIMARY KEY,
    state varchar(20) NOT NULL,
    last_sequence bigint NOT NULL DEFAULT 0,
    packet_count bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE packets (
    id bigserial PRIMARY KEY,
    call_id varchar(128) NOT NULL REFERENCES calls,
    sequence bigint NOT NULL,
    sent_at_seconds double precision NOT NULL,
    data bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (call_id, sequence)
);
