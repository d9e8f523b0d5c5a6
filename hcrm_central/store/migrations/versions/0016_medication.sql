-- Courses of medicines against myopia. Run by 0016_medication.py; frozen with it.

CREATE TABLE medication (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    medicine VARCHAR(32) NOT NULL,
    percent NUMERIC(4, 3) NOT NULL,
    started_on DATE NOT NULL,
    ended_on DATE,
    end_reason TEXT DEFAULT '' NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    prescriber_id UUID,
    source VARCHAR(32) NOT NULL,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_medication PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_medication_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id),
    CONSTRAINT ck_medication_percent CHECK (percent > 0 AND percent <= 1),
    CONSTRAINT ck_medication_days CHECK (ended_on >= started_on),
    CONSTRAINT ck_medication_medicine CHECK (medicine IN ('atropine')),
    CONSTRAINT fk_medication_prescriber_id_staff FOREIGN KEY(prescriber_id) REFERENCES staff (id),
    CONSTRAINT ck_medication_source CHECK (source IN ('his', 'sales', 'screening', 'device', 'ledger', 'workstation', 'simulation')),
    CONSTRAINT fk_medication_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_medication_id ON medication (id);
CREATE INDEX ix_medication_site_id ON medication (site_id);
CREATE INDEX ix_medication_customer_id_started_on ON medication (customer_id, started_on);

-- ── who sees and writes it: as examinations ──────────────────────────────────────────────────────────────
ALTER TABLE medication ENABLE ROW LEVEL SECURITY;
CREATE POLICY jobs ON medication TO hcrm_jobs USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON medication TO hcrm_jobs;
CREATE POLICY read ON medication FOR SELECT TO hcrm_app USING (
    (SELECT hcrm.sees_all()) OR EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id));
GRANT SELECT ON medication TO hcrm_app;
CREATE POLICY enter ON medication FOR INSERT TO hcrm_app WITH CHECK (
    (SELECT hcrm.role()) = 'optometrist' AND prescriber_id = (SELECT hcrm.staff_id())
    AND EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id AND c.site_id = medication.site_id));
GRANT INSERT ON medication TO hcrm_app;
-- A running course ends; what has ended stays as it is.
CREATE POLICY finish ON medication FOR UPDATE TO hcrm_app
    USING ((SELECT hcrm.role()) = 'optometrist' AND ended_on IS NULL
        AND EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id))
    WITH CHECK (ended_on IS NOT NULL);
GRANT UPDATE (ended_on, end_reason) ON medication TO hcrm_app;

-- ── it travels as all that hangs on a customer (0007, 0009) ──────────────────────────────────────────────
CREATE OR REPLACE FUNCTION hcrm.rows_of_customers(customers uuid[])
    RETURNS TABLE (customer_id uuid, kind text, area text, id uuid)
    LANGUAGE sql STABLE SET search_path = public AS $$
    SELECT customer_id, 'exam', 'clinical', id FROM exam WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'eye_measurement', 'clinical', id FROM eye_measurement WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'lens_order', 'clinical', id FROM lens_order WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'medication', 'clinical', id FROM medication WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'visit', 'clinical', id FROM visit WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'recheck_plan', 'clinical', id FROM recheck_plan WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'lead', 'clinical', id FROM lead WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'follow_up', 'tasks', id FROM follow_up WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'membership', 'tasks', id FROM membership WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'task', 'tasks', id FROM task WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'field_change', 'people', id FROM field_change WHERE customer_id = ANY(customers)
$$;

CREATE TRIGGER count_version BEFORE UPDATE ON medication FOR EACH ROW EXECUTE FUNCTION hcrm.count_version_and_touch();
CREATE TRIGGER note_insert AFTER INSERT ON medication REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_customer_rows('medication', 'clinical');
CREATE TRIGGER note_update AFTER UPDATE ON medication REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_former_customer_rows('medication', 'clinical');
CREATE TRIGGER note_delete AFTER DELETE ON medication REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_gone_rows('medication');

-- ── whose facts may be others now (0012) ─────────────────────────────────────────────────────────────────
CREATE TRIGGER note_facts_insert AFTER INSERT ON medication REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_facts_rows();
CREATE TRIGGER note_facts_update AFTER UPDATE ON medication REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_former_facts_rows();
CREATE TRIGGER note_facts_delete AFTER DELETE ON medication REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_facts_rows();
