-- Changed customers, requests, quarantine, absences and stand-ins. Run by 0012_scan.py; frozen with it.

ALTER TABLE scan_run ADD COLUMN kind TEXT DEFAULT 'asked' NOT NULL, ADD COLUMN fence BIGINT DEFAULT '0' NOT NULL;

CREATE TABLE scan_request (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    key TEXT DEFAULT '' NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    requested_by_id UUID,
    finished_at TIMESTAMP WITH TIME ZONE,
    counts JSONB DEFAULT '{}'::jsonb NOT NULL,
    failed TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_scan_request PRIMARY KEY (id)
);

CREATE TABLE changed_customer (
    n BIGINT GENERATED ALWAYS AS IDENTITY,
    customer_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_changed_customer PRIMARY KEY (n)
);

CREATE TABLE quarantine (
    customer_id UUID NOT NULL,
    reason TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_quarantine PRIMARY KEY (customer_id),
    CONSTRAINT fk_quarantine_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id) ON DELETE CASCADE
);

CREATE TABLE absence (
    id UUID NOT NULL,
    staff_id UUID NOT NULL,
    first_on DATE NOT NULL,
    last_on DATE NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    entered_by_id UUID,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_absence PRIMARY KEY (id),
    CONSTRAINT ck_absence_order CHECK (last_on >= first_on),
    CONSTRAINT fk_absence_staff_id_staff FOREIGN KEY(staff_id) REFERENCES staff (id)
);
CREATE INDEX ix_absence_staff_id ON absence (staff_id);

CREATE TABLE stand_in (
    customer_id UUID NOT NULL,
    home_id UUID NOT NULL,
    since DATE NOT NULL,
    CONSTRAINT pk_stand_in PRIMARY KEY (customer_id),
    CONSTRAINT fk_stand_in_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id) ON DELETE CASCADE,
    CONSTRAINT fk_stand_in_home_id_staff FOREIGN KEY(home_id) REFERENCES staff (id)
);

DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['scan_request', 'changed_customer', 'quarantine', 'absence', 'stand_in'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('CREATE POLICY jobs ON %I TO hcrm_jobs USING (true) WITH CHECK (true)', one);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO hcrm_jobs', one);
    END LOOP;
END $$;
