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
CREATE INDEX ix_held_operation_device_id ON held_operation (device_id);
CREATE INDEX ix_held_operation_undecided ON held_operation (at) WHERE decided_at IS NULL;

-- Whoever signed in last on each workstation works there, as far as anybody knows.
UPDATE device d SET account_id = t.account_id
FROM (SELECT DISTINCT ON (device_id) device_id, account_id FROM token ORDER BY device_id, issued_at DESC) t
WHERE t.device_id = d.id;

-- A workstation tells of itself; managers and administrators read it.
CREATE POLICY tell ON device_incident FOR INSERT TO hcrm_app WITH CHECK (true);
CREATE POLICY read ON device_incident FOR SELECT TO hcrm_app USING ((SELECT hcrm.role()) IN ('manager', 'admin'));
GRANT SELECT, INSERT ON device_incident TO hcrm_app;

-- ── histories: kept by triggers, so that no writer can forget; without gaps, because the end of one row is the
-- beginning of the next. Instants are the database's own: what somebody may do is not for any program's clock to say.
-- What was before the first change holds for all time before it: nobody is refused because an import came late.
CREATE FUNCTION hcrm.keep_account_history(accounts uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    -- Account and staff may change in two transactions at once: the later one must see both.
    PERFORM 1 FROM account WHERE id = ANY(accounts) ORDER BY id FOR UPDATE;
    WITH present AS (
        SELECT a.id, a.role, a.staff_id, s.site_id, a.active AND coalesce(s.active, true) AS active
        FROM account a LEFT JOIN staff s ON s.id = a.staff_id WHERE a.id = ANY(accounts)
    ), ended AS (
        UPDATE account_history h SET until = greatest(clock_timestamp(), h.since + interval '1 microsecond')
        FROM present p WHERE h.account_id = p.id AND h.until IS NULL
            AND (h.role, h.staff_id, h.site_id, h.active) IS DISTINCT FROM (p.role::text, p.staff_id, p.site_id, p.active)
        RETURNING p.*, h.until
    )
    INSERT INTO account_history (account_id, since, role, staff_id, site_id, active)
    SELECT id, until, role, staff_id, site_id, active FROM ended
    UNION ALL
    SELECT id, '0001-01-01 00:00+00', role, staff_id, site_id, active FROM present p
    WHERE NOT EXISTS (SELECT 1 FROM account_history h WHERE h.account_id = p.id);
END $$;
CREATE FUNCTION hcrm.note_account_rights() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    PERFORM hcrm.keep_account_history((SELECT array_agg(id) FROM changed_rows));
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_staff_rights() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    PERFORM hcrm.keep_account_history((
        SELECT array_agg(a.id) FROM account a
        JOIN changed_rows n ON n.id = a.staff_id JOIN former_rows o ON o.id = n.id
        WHERE (n.site_id, n.active) IS DISTINCT FROM (o.site_id, o.active)));
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_new_customer_rights() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO customer_history (customer_id, since, site_id, assistant_id, optometrist_id)
    SELECT id, '0001-01-01 00:00+00', site_id, assistant_id, optometrist_id FROM changed_rows;
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_customer_rights() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    WITH ended AS (
        UPDATE customer_history h SET until = greatest(clock_timestamp(), h.since + interval '1 microsecond')
        FROM changed_rows n JOIN former_rows o USING (id)
        WHERE h.customer_id = n.id AND h.until IS NULL
            AND (n.site_id, n.assistant_id, n.optometrist_id) IS DISTINCT FROM (o.site_id, o.assistant_id, o.optometrist_id)
        RETURNING n.id, n.site_id, n.assistant_id, n.optometrist_id, h.until
    )
    INSERT INTO customer_history (customer_id, since, site_id, assistant_id, optometrist_id)
    SELECT id, until, site_id, assistant_id, optometrist_id FROM ended;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION hcrm.keep_account_history(uuid[]), hcrm.note_account_rights(), hcrm.note_staff_rights(),
    hcrm.note_new_customer_rights(), hcrm.note_customer_rights() FROM PUBLIC;

CREATE TRIGGER note_new_rights AFTER INSERT ON account REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_account_rights();
CREATE TRIGGER note_rights AFTER UPDATE ON account REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_account_rights();
CREATE TRIGGER note_rights AFTER UPDATE ON staff REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_staff_rights();
CREATE TRIGGER note_new_rights AFTER INSERT ON customer REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_new_customer_rights();
CREATE TRIGGER note_rights AFTER UPDATE ON customer REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_customer_rights();

SELECT hcrm.keep_account_history((SELECT array_agg(id) FROM account));
INSERT INTO customer_history (customer_id, since, site_id, assistant_id, optometrist_id)
SELECT id, '0001-01-01 00:00+00', site_id, assistant_id, optometrist_id FROM customer;

-- ── who somebody was at an instant ───────────────────────────────────────────────────────────────────────
CREATE FUNCTION hcrm.account_then(account uuid, instant timestamptz)
    RETURNS TABLE (role text, staff_id uuid, site_id uuid, active boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT h.role, h.staff_id, h.site_id, h.active FROM account_history h
    WHERE h.account_id = account AND h.since <= instant AND (h.until IS NULL OR instant < h.until)
$$;
-- The counterpart of the policy on customer, for the past.
CREATE FUNCTION hcrm.may_work_with(role text, staff_id uuid, site_id uuid, customer customer_history) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(CASE role
        WHEN 'manager' THEN true
        WHEN 'optometrist' THEN customer.site_id = site_id
        WHEN 'assistant' THEN customer.assistant_id = staff_id
    END, false)
$$;
-- Who the declared account was at an instant, if it might work with a customer then.
CREATE FUNCTION hcrm.right_at(customer uuid, instant timestamptz) RETURNS TABLE (role text, staff_id uuid, site_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT a.role, a.staff_id, a.site_id
    FROM hcrm.account_then(hcrm.account_id(), instant) a
    JOIN customer_history c ON c.customer_id = customer AND c.since <= instant AND (c.until IS NULL OR instant < c.until)
    WHERE a.active AND hcrm.may_work_with(a.role, a.staff_id, a.site_id, c)
$$;
-- The same, and when that right ended: the first change after which there was none in the same role. NULL: it stands.
CREATE FUNCTION hcrm.right_then(customer uuid, instant timestamptz)
    RETURNS TABLE (role text, staff_id uuid, site_id uuid, ended_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT r.role, r.staff_id, r.site_id, (
        SELECT min(change.since) FROM (
            SELECT since FROM account_history WHERE account_id = hcrm.account_id() AND since > instant
            UNION ALL SELECT since FROM customer_history WHERE customer_id = customer AND since > instant
        ) change
        WHERE NOT EXISTS (
            SELECT 1 FROM hcrm.right_at(customer, change.since) l
            WHERE l.role = r.role AND l.staff_id IS NOT DISTINCT FROM r.staff_id))
    FROM hcrm.right_at(customer, instant) r
$$;

-- ── acting on one customer by a former right, or by a supervisor's leave ─────────────────────────────────
-- Set for one operation by hcrm_central.rights.acting. They open nothing by themselves: `hcrm.has_late_right` looks it up.
CREATE FUNCTION hcrm.late_customer() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('hcrm.late_customer', true), '')::uuid $$;
CREATE FUNCTION hcrm.late_at() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('hcrm.late_at', true), '')::timestamptz $$;
CREATE FUNCTION hcrm.late_leave() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('hcrm.late_leave', true), '')::uuid $$;
-- Whoever acts late sees the one customer and nobody else, whatever his role was.
CREATE FUNCTION hcrm.sees_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT hcrm.role() = 'manager' AND hcrm.late_customer() IS NULL $$;
CREATE FUNCTION hcrm.has_late_right() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT EXISTS (
        SELECT 1 FROM hcrm.right_at(hcrm.late_customer(), hcrm.late_at()) r
        WHERE r.role = hcrm.role() AND r.staff_id IS NOT DISTINCT FROM hcrm.staff_id()
    ) OR EXISTS (
        SELECT 1 FROM held_operation h JOIN account m ON m.id = h.decided_by_id
        WHERE h.op_id = hcrm.late_leave() AND h.account_id = hcrm.account_id()
            AND h.decision = 'apply' AND h.xmin = pg_current_xact_id()::xid  -- decided by this very transaction
            AND m.role = 'manager' AND m.active
            AND hcrm.late_customer()::text IN (h.operation -> 'body' ->> 'customer_id', h.operation ->> 'row_id'))
$$;
CREATE FUNCTION hcrm.late_optometrist() RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT c.optometrist_id FROM customer_history c WHERE c.customer_id = hcrm.late_customer()
        AND c.since <= hcrm.late_at() AND (c.until IS NULL OR hcrm.late_at() < c.until)
$$;
REVOKE EXECUTE ON FUNCTION hcrm.account_then(uuid, timestamptz), hcrm.right_at(uuid, timestamptz),
    hcrm.right_then(uuid, timestamptz), hcrm.has_late_right(), hcrm.late_optometrist() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hcrm.account_then(uuid, timestamptz) TO hcrm_app, hcrm_jobs;
GRANT EXECUTE ON FUNCTION hcrm.right_then(uuid, timestamptz), hcrm.has_late_right(), hcrm.late_optometrist() TO hcrm_app;

ALTER POLICY read ON customer USING (
    CASE WHEN (SELECT hcrm.late_customer()) IS NOT NULL
        THEN id = (SELECT hcrm.late_customer()) AND (SELECT hcrm.has_late_right())
    ELSE CASE (SELECT hcrm.role())
        WHEN 'manager' THEN true
        WHEN 'optometrist' THEN site_id = ANY ((SELECT hcrm.site_ids())::uuid[])
        WHEN 'assistant' THEN assistant_id = (SELECT hcrm.staff_id())
        ELSE false
    END END);
ALTER POLICY read ON family USING (
    (SELECT hcrm.sees_all()) OR EXISTS (SELECT 1 FROM customer c WHERE c.family_id = family.id));
ALTER POLICY read ON guardian USING (
    (SELECT hcrm.sees_all()) OR EXISTS (
        SELECT 1 FROM customer c WHERE c.family_id = guardian.family_id AND ((SELECT hcrm.role()) <> 'optometrist'
            OR (SELECT hcrm.staff_id()) IN (c.optometrist_id, (SELECT hcrm.late_optometrist())))));
DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['exam', 'eye_measurement', 'lens_order', 'visit', 'recheck_plan', 'lead', 'membership', 'customer_facts'] LOOP
        EXECUTE format($policy$
            ALTER POLICY read ON %I USING (
                (SELECT hcrm.sees_all()) OR EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id))
        $policy$, one);
    END LOOP;
    FOREACH one IN ARRAY ARRAY['task', 'follow_up'] LOOP
        EXECUTE format($policy$
            ALTER POLICY read ON %I USING (
                (SELECT hcrm.sees_all()) OR EXISTS (
                    SELECT 1 FROM customer c WHERE c.id = customer_id AND ((SELECT hcrm.role()) <> 'optometrist'
                        OR (SELECT hcrm.staff_id()) IN (c.optometrist_id, (SELECT hcrm.late_optometrist())))))
        $policy$, one);
    END LOOP;
END $$;
