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
