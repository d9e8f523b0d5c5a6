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

-- As in 0001, but an entry is found again by its place in the table. By key, the planner may take an index in which a
-- large load has left every entry under one value (it knows the table as it was before the load): n² steps.
CREATE OR REPLACE FUNCTION hcrm.stamp() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    one text;
    many bigint;
    top bigint;
BEGIN
    -- Sorted, so that two transactions that touch the same streams wait for each other and never deadlock.
    FOR one IN SELECT DISTINCT stream FROM stream_entry WHERE seq IS NULL ORDER BY stream LOOP
        SELECT count(*) INTO many FROM stream_entry WHERE stream = one AND seq IS NULL;
        INSERT INTO stream (key, seq) VALUES (one, many)
        ON CONFLICT (key) DO UPDATE SET seq = stream.seq + many RETURNING seq INTO top;
        UPDATE stream_entry e SET seq = top - many + numbered.n
        FROM (
            SELECT ctid AS place, row_number() OVER (ORDER BY kind, row_id) AS n
            FROM stream_entry WHERE stream = one AND seq IS NULL
        ) numbered
        WHERE e.ctid = numbered.place;
    END LOOP;
END $$;
