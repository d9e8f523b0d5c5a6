-- Reading streams fast and for ever. Run by 0004_reading.py; frozen with it.

ALTER TABLE stream ADD COLUMN tomb_floor BIGINT DEFAULT '0' NOT NULL;

CREATE TABLE stream_mark (
    stream TEXT NOT NULL,
    on_date DATE NOT NULL,
    seq BIGINT NOT NULL,
    CONSTRAINT pk_stream_mark PRIMARY KEY (stream, on_date)
);
ALTER TABLE stream_mark ENABLE ROW LEVEL SECURITY;
CREATE POLICY jobs ON stream_mark TO hcrm_jobs USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON stream_mark TO hcrm_jobs;

-- hcrm_core.digest.row_digest in SQL: the first 63 bits of SHA-256, so never negative. STABLE as its parts are, or the
-- planner would not inline it: three times as slow.
CREATE FUNCTION hcrm.row_digest(kind text, id uuid, ver integer) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (('x' || left(encode(sha256(convert_to(kind || ':' || id::text || ':' || ver::text, 'UTF8')), 'hex'), 16))::bit(64)
        >> 1)::bigint
$$;
