-- packets lie in a partition for each day, so that old ones leave by dropping it
-- depends: 0002_jobs

-- migrate: apply

ALTER TABLE packets RENAME TO packets_of_0001;
ALTER TABLE packets_of_0001 RENAME CONSTRAINT packets_pkey TO packets_of_0001_pkey;

-- By the day, UTC, on which the call started: it never changes, so all of a call lies in one partition and
-- (call, stream, sequence) is unique although each partition has an index of its own. No default partition:
-- it would have to be searched whenever another is attached. The partitions are made ahead by
-- adapters/postgres/packet_days.py.
CREATE TABLE packets (
    call_day date NOT NULL,
    lane smallint NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    sent_at_seconds double precision NOT NULL,
    data bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lane, call_id, stream, sequence, call_day),
    CONSTRAINT packets_bounds CHECK (sequence BETWEEN 0 AND 9007199254740991)
) PARTITION BY RANGE (call_day);

-- Audio does not compress; trying costs time on the packet path.
ALTER TABLE packets ALTER COLUMN data SET STORAGE EXTERNAL;

DO $$
DECLARE
    day date;
BEGIN
    FOR day IN SELECT DISTINCT (started_at AT TIME ZONE 'UTC')::date FROM calls LOOP
        EXECUTE format(
            'CREATE TABLE packets_%s PARTITION OF packets FOR VALUES FROM (%L) TO (%L)',
            to_char(day, 'YYYYMMDD'), day, day + 1
        );
    END LOOP;
END
$$;

INSERT INTO packets
SELECT (started_at AT TIME ZONE 'UTC')::date, lane, call_id, stream, sequence, sent_at_seconds, data, received_at
FROM packets_of_0001 JOIN calls USING (lane, call_id);

DROP TABLE packets_of_0001;

-- migrate: rollback

ALTER TABLE packets RENAME TO packets_of_0003;
ALTER TABLE packets_of_0003 RENAME CONSTRAINT packets_pkey TO packets_of_0003_pkey;

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

ALTER TABLE packets ALTER COLUMN data SET STORAGE EXTERNAL;

INSERT INTO packets
SELECT lane, call_id, stream, sequence, sent_at_seconds, data, received_at FROM packets_of_0003;

DROP TABLE packets_of_0003;
