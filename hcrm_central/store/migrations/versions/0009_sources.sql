-- Source rows, read by whoever may see the customer. Run by 0009_sources.py; frozen with it.
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
