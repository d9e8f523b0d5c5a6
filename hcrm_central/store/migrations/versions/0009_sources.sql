-- Source rows, read by whoever may see the customer; leads in the streams. Run by 0009_sources.py; frozen with it.
--
-- Rows are decided here, fields of the payload in hcrm_central.api.sources, as columns of rows are. What hangs on no
-- customer (families, guardians) is nobody's to read. Who acts by a former right sees the one customer (0005).

CREATE POLICY read ON source_record FOR SELECT TO hcrm_app USING (
    customer_id IS NOT NULL AND ((SELECT hcrm.sees_all()) OR EXISTS (
        SELECT 1 FROM customer c WHERE c.id = source_record.customer_id
        -- As the follow-ups themselves: an optometrist sees those of his own customers.
        AND (source_record.kind <> 'follow_up' OR (SELECT hcrm.role()) <> 'optometrist'
            OR (SELECT hcrm.staff_id()) IN (c.optometrist_id, (SELECT hcrm.late_optometrist()))))));
GRANT SELECT (source, kind, source_key, batch_id, customer_id, row_id, payload) ON source_record TO hcrm_app;

-- A batch tells of files, not of people.
CREATE POLICY read ON import_batch FOR SELECT TO hcrm_app USING (
    (SELECT hcrm.role()) IN ('assistant', 'optometrist', 'manager'));
GRANT SELECT (id, file_name, profile, started_at, undone_at) ON import_batch TO hcrm_app;

-- ── leads travel as all that hangs on a customer (0007) ──────────────────────────────────────────────────────
CREATE INDEX ix_lead_id ON lead (id);

CREATE OR REPLACE FUNCTION hcrm.rows_of_customers(customers uuid[])
    RETURNS TABLE (customer_id uuid, kind text, area text, id uuid)
    LANGUAGE sql STABLE SET search_path = public AS $$
    SELECT customer_id, 'exam', 'clinical', id FROM exam WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'eye_measurement', 'clinical', id FROM eye_measurement WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'lens_order', 'clinical', id FROM lens_order WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'visit', 'clinical', id FROM visit WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'recheck_plan', 'clinical', id FROM recheck_plan WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'lead', 'clinical', id FROM lead WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'follow_up', 'tasks', id FROM follow_up WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'membership', 'tasks', id FROM membership WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'task', 'tasks', id FROM task WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'field_change', 'people', id FROM field_change WHERE customer_id = ANY(customers)
$$;

CREATE TRIGGER note_insert AFTER INSERT ON lead REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_customer_rows('lead', 'clinical');
CREATE TRIGGER note_update AFTER UPDATE ON lead REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_former_customer_rows('lead', 'clinical');
CREATE TRIGGER note_delete AFTER DELETE ON lead REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_gone_rows('lead');

DO $$
BEGIN
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT c.site_id || ':clinical', 'lead', l.id FROM lead l JOIN customer c ON c.id = l.customer_id
    ON CONFLICT (stream, kind, row_id) DO NOTHING;
    PERFORM hcrm.stamp();
END $$;
