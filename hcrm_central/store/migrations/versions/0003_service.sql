-- What the HTTP service needs of the database. Run by 0003_service.py; frozen with it.

-- A pull finds rows by the ids of stream entries, while keys lead with the customer.
CREATE INDEX ix_exam_id ON exam (id);
CREATE INDEX ix_eye_measurement_id ON eye_measurement (id);
CREATE INDEX ix_lens_order_id ON lens_order (id);
CREATE INDEX ix_visit_id ON visit (id);
CREATE INDEX ix_recheck_plan_id ON recheck_plan (id);
CREATE INDEX ix_follow_up_id ON follow_up (id);
CREATE INDEX ix_membership_id ON membership (id);
CREATE INDEX ix_task_id ON task (id);

-- Whether the schema is this program's: for /health and doctor.
GRANT SELECT ON alembic_version TO hcrm_app, hcrm_jobs;

-- A booked visit becomes arrived, or gives way to another day.
CREATE POLICY settle ON visit FOR UPDATE TO hcrm_app USING (
    (SELECT hcrm.role()) IN ('assistant', 'optometrist', 'manager')
    AND EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id));
GRANT UPDATE (state) ON visit TO hcrm_app;

-- The group in numbers. Runs with the owner's rights, so it asks for the role itself and returns counts only.
-- "open" and "done" count as the workstation's task list does (hcrm_desktop.cache.queries.tasks).
CREATE FUNCTION hcrm.overview(today date) RETURNS TABLE (site_id uuid, subject text, key text, n bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
DECLARE
    begins timestamptz := today::timestamp AT TIME ZONE 'Asia/Shanghai';
    ends timestamptz := (today + 1)::timestamp AT TIME ZONE 'Asia/Shanghai';
BEGIN
    IF hcrm.role() NOT IN ('manager', 'executive') THEN
        RAISE EXCEPTION 'the overview is for managers and executives' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
        SELECT c.site_id, 'customers', '', count(*) FROM customer c GROUP BY c.site_id
        UNION ALL
        SELECT m.site_id, 'segment', m.segment_key, count(*) FROM membership m WHERE m.left_on IS NULL GROUP BY 1, 3
        UNION ALL
        SELECT t.site_id, 'open', t.sop_key, count(*) FROM task t
        WHERE t.state IN ('open', 'in_progress') OR t.state = 'snoozed' AND t.next_on <= today GROUP BY 1, 3
        UNION ALL
        SELECT t.site_id, 'done', t.sop_key, count(*) FROM task t
        WHERE t.state IN ('done', 'cancelled') AND t.closed_at >= begins AND t.closed_at < ends
            OR t.state = 'snoozed' AND t.next_on > today AND EXISTS (
                SELECT 1 FROM follow_up f WHERE f.customer_id = t.customer_id AND f.task_id = t.id
                AND f.contacted_at >= begins AND f.contacted_at < ends)
        GROUP BY 1, 3;
END $$;
REVOKE EXECUTE ON FUNCTION hcrm.overview(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hcrm.overview(date) TO hcrm_app;
