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
-- A guardian's values are for those who may see the guardian, an exam's for those who may see its findings.
CREATE POLICY read ON field_change FOR SELECT TO hcrm_app USING (
    (SELECT hcrm.role()) = 'manager' OR EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id)
    AND (subject <> 'guardian' OR EXISTS (SELECT 1 FROM guardian g WHERE g.id = subject_id)));
GRANT SELECT ON field_change TO hcrm_app;

CREATE TRIGGER count_version BEFORE UPDATE ON field_change FOR EACH ROW EXECUTE FUNCTION hcrm.count_version_and_touch();
CREATE TRIGGER note_insert AFTER INSERT ON field_change REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_site_rows('field_change', 'people');
CREATE TRIGGER note_update AFTER UPDATE ON field_change REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_former_site_rows('field_change', 'people');
CREATE TRIGGER note_delete AFTER DELETE ON field_change REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_site_rows('field_change', 'people');
