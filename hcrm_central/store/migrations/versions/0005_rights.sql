-- Rights with their history, held operations, and workstations. Run by 0005_rights.py; frozen with it.

ALTER TABLE device
    ADD COLUMN account_id UUID,
    ADD COLUMN cursors JSONB DEFAULT '{}'::jsonb NOT NULL,
    ADD COLUMN clock_offset_s INTEGER,
    ADD COLUMN wipe_ordered_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN surrendered_at TIMESTAMP WITH TIME ZONE,
    ADD CONSTRAINT fk_device_account_id_account FOREIGN KEY(account_id) REFERENCES account (id);

CREATE TABLE device_incident (
    id UUID NOT NULL,
    device_id UUID NOT NULL,
    code TEXT NOT NULL,
    stream TEXT DEFAULT '' NOT NULL,
    count INTEGER DEFAULT '1' NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_device_incident PRIMARY KEY (id),
    CONSTRAINT fk_device_incident_device_id_device FOREIGN KEY(device_id) REFERENCES device (id)
);
CREATE INDEX ix_device_incident_device_id ON device_incident (device_id);

ALTER TABLE held_operation
    ADD COLUMN decision TEXT,
    ADD COLUMN note TEXT DEFAULT '' NOT NULL,
    ADD COLUMN ver INTEGER;

CREATE TABLE account_history (
    account_id UUID NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    role TEXT NOT NULL,
    staff_id UUID,
    site_id UUID,
    active BOOLEAN NOT NULL,
    CONSTRAINT pk_account_history PRIMARY KEY (account_id, since),
    CONSTRAINT fk_account_history_account_id_account FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE
);

CREATE TABLE customer_history (
    customer_id UUID NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    site_id UUID NOT NULL,
    assistant_id UUID,
    optometrist_id UUID,
    CONSTRAINT pk_customer_history PRIMARY KEY (customer_id, since),
    CONSTRAINT fk_customer_history_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id) ON DELETE CASCADE
);

DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['device_incident', 'account_history', 'customer_history'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('CREATE POLICY jobs ON %I TO hcrm_jobs USING (true) WITH CHECK (true)', one);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO hcrm_jobs', one);
    END LOOP;
END $$;
