-- Changed customers, requests, quarantine, absences and stand-ins. Run by 0012_scan.py; frozen with it.

ALTER TABLE scan_run ADD COLUMN kind TEXT DEFAULT 'asked' NOT NULL, ADD COLUMN fence BIGINT DEFAULT '0' NOT NULL;
CREATE INDEX ix_scan_run_started_at ON scan_run (started_at);
CREATE INDEX ix_scan_run_whole ON scan_run (started_at) WHERE kind IN ('nightly', 'asked');

CREATE TABLE worker_post (
    one BOOLEAN DEFAULT true NOT NULL,
    holder UUID NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_worker_post PRIMARY KEY (one)
);

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
    FOREACH one IN ARRAY ARRAY['scan_request', 'changed_customer', 'quarantine', 'absence', 'stand_in', 'worker_post'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('CREATE POLICY jobs ON %I TO hcrm_jobs USING (true) WITH CHECK (true)', one);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO hcrm_jobs', one);
    END LOOP;
END $$;

-- ── what managers see and ask for ────────────────────────────────────────────────────────────────────────
DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['scan_request', 'changed_customer', 'quarantine', 'absence'] LOOP
        EXECUTE format('CREATE POLICY read ON %I FOR SELECT TO hcrm_app USING ((SELECT hcrm.role()) = ''manager'')', one);
        EXECUTE format('GRANT SELECT ON %I TO hcrm_app', one);
    END LOOP;
END $$;
CREATE POLICY ask ON scan_request FOR INSERT TO hcrm_app WITH CHECK (
    (SELECT hcrm.role()) = 'manager' AND requested_by_id = (SELECT hcrm.account_id()));
GRANT INSERT (id, kind, key, requested_at, requested_by_id) ON scan_request TO hcrm_app;
CREATE POLICY enter ON absence FOR INSERT TO hcrm_app WITH CHECK ((SELECT hcrm.role()) = 'manager');
CREATE POLICY cancel ON absence FOR UPDATE TO hcrm_app USING ((SELECT hcrm.role()) = 'manager');
GRANT INSERT ON absence TO hcrm_app;
GRANT UPDATE (cancelled_at) ON absence TO hcrm_app;

-- ── whose facts may be others now ────────────────────────────────────────────────────────────────────────
-- An entry a customer and statement, however many rows it wrote. The jobs' own facts, segments and tasks make none.
CREATE FUNCTION hcrm.note_facts_rows() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO changed_customer (customer_id) SELECT DISTINCT customer_id FROM changed_rows;
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_former_facts_rows() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO changed_customer (customer_id)
    SELECT customer_id FROM changed_rows UNION SELECT customer_id FROM former_rows;
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_facts_of_new() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO changed_customer (customer_id) SELECT id FROM changed_rows;
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_facts_of_customers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO changed_customer (customer_id)
    SELECT n.id FROM changed_rows n JOIN former_rows o USING (id)
    WHERE (n.birth_date, n.sex, n.filed_on, n.do_not_contact, n.site_id)
        IS DISTINCT FROM (o.birth_date, o.sex, o.filed_on, o.do_not_contact, o.site_id);
    RETURN NULL;
END $$;

DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['exam', 'eye_measurement', 'lens_order', 'visit', 'recheck_plan', 'follow_up', 'lead'] LOOP
        EXECUTE format('CREATE TRIGGER note_facts_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_facts_rows()', one);
        EXECUTE format('CREATE TRIGGER note_facts_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_former_facts_rows()', one);
        EXECUTE format('CREATE TRIGGER note_facts_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_facts_rows()', one);
    END LOOP;
    CREATE TRIGGER note_facts_insert AFTER INSERT ON customer REFERENCING NEW TABLE AS changed_rows
        FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_facts_of_new();
    CREATE TRIGGER note_facts_update AFTER UPDATE ON customer REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows
        FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_facts_of_customers();
END $$;
