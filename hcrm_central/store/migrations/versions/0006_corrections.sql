-- Corrections. Run by 0006_corrections.py; frozen with it.

ALTER TABLE exam DROP CONSTRAINT ck_exam_examstatus;
ALTER TABLE exam ADD CONSTRAINT ck_exam_examstatus CHECK (status IN ('final', 'amended', 'void', 'contested'));

CREATE TABLE field_change (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    subject TEXT NOT NULL,
    subject_id UUID NOT NULL,
    field TEXT NOT NULL,
    old TEXT,
    new TEXT,
    reason TEXT DEFAULT '' NOT NULL,
    applied BOOLEAN DEFAULT 'true' NOT NULL,
    by_id UUID,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    op_id UUID,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_field_change PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_field_change_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id),
    CONSTRAINT fk_field_change_by_id_staff FOREIGN KEY(by_id) REFERENCES staff (id),
    CONSTRAINT fk_field_change_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_field_change_id ON field_change (id);
CREATE INDEX ix_field_change_site_id ON field_change (site_id);
CREATE INDEX ix_field_change_subject_id_at ON field_change (subject_id, at);

ALTER TABLE field_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY jobs ON field_change TO hcrm_jobs USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON field_change TO hcrm_jobs;
-- A guardian's values are for those who may see the guardian. The reasons given for an exam's states are clinical columns.
CREATE POLICY read ON field_change FOR SELECT TO hcrm_app USING (
    (SELECT hcrm.sees_all()) OR EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id)
    AND (subject <> 'guardian' OR EXISTS (SELECT 1 FROM guardian g WHERE g.id = subject_id)));
GRANT SELECT ON field_change TO hcrm_app;

CREATE TRIGGER count_version BEFORE UPDATE ON field_change FOR EACH ROW EXECUTE FUNCTION hcrm.count_version_and_touch();
CREATE TRIGGER note_insert AFTER INSERT ON field_change REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_site_rows('field_change', 'people');
CREATE TRIGGER note_update AFTER UPDATE ON field_change REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_former_site_rows('field_change', 'people');
CREATE TRIGGER note_delete AFTER DELETE ON field_change REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_site_rows('field_change', 'people');

-- ── who may correct what ─────────────────────────────────────────────────────────────────────────────────
-- A note of a change is written by whoever makes it, about a row that hangs on a customer he sees. Notes decide who may
-- correct: the policies below let a row change only together with a note about it.
CREATE POLICY enter ON field_change FOR INSERT TO hcrm_app WITH CHECK (
    by_id = (SELECT hcrm.staff_id())
    AND EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id AND c.site_id = field_change.site_id)
    AND CASE subject
        WHEN 'exam' THEN (SELECT hcrm.role()) = 'optometrist' AND field = 'status'
            AND EXISTS (SELECT 1 FROM exam x WHERE x.customer_id = field_change.customer_id AND x.id = subject_id)
        WHEN 'customer' THEN subject_id = customer_id AND (
            (SELECT hcrm.role()) IN ('assistant', 'manager')
            OR (SELECT hcrm.role()) = 'optometrist' AND field IN ('sex', 'birth_date'))
        WHEN 'guardian' THEN (SELECT hcrm.role()) IN ('assistant', 'manager') AND EXISTS (
            SELECT 1 FROM guardian g JOIN customer c USING (family_id)
            WHERE g.id = subject_id AND c.id = field_change.customer_id)
        ELSE false
    END);
GRANT INSERT (customer_id, id, subject, subject_id, field, old, new, reason, applied, by_id, at, op_id, site_id, ver)
    ON field_change TO hcrm_app;

-- Whether this very transaction has noted a change of a row. `created_at` is the transaction's own time, which hcrm_app
-- cannot write. Runs with the owner's rights, because a policy on customer may not look at customer again.
CREATE FUNCTION hcrm.noted_now(kind text, row_id uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT EXISTS (SELECT 1 FROM field_change f WHERE f.subject = kind AND f.subject_id = row_id AND f.applied
        AND f.by_id = hcrm.staff_id() AND f.created_at = now())
$$;
REVOKE EXECUTE ON FUNCTION hcrm.noted_now(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hcrm.noted_now(text, uuid) TO hcrm_app;

-- What is void stays void.
DROP POLICY amend ON exam;
CREATE POLICY amend ON exam FOR UPDATE TO hcrm_app
    USING ((SELECT hcrm.role()) = 'optometrist' AND status <> 'void'
        AND EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id))
    WITH CHECK (hcrm.noted_now('exam', id));
CREATE POLICY edit ON customer FOR UPDATE TO hcrm_app
    USING ((SELECT hcrm.role()) IN ('assistant', 'optometrist', 'manager'))
    WITH CHECK (hcrm.noted_now('customer', id));
CREATE POLICY edit ON guardian FOR UPDATE TO hcrm_app
    USING ((SELECT hcrm.role()) IN ('assistant', 'manager'))
    WITH CHECK (hcrm.noted_now('guardian', id));
GRANT UPDATE (name, name_pinyin, name_initials, sex, birth_date, do_not_contact) ON customer TO hcrm_app;
GRANT UPDATE (name, relation, phone, phone_tail) ON guardian TO hcrm_app;
