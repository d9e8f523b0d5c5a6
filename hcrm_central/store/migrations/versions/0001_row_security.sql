-- Functions, triggers and row-level security of the first schema. Run by 0001_first.py; frozen with it.

CREATE SCHEMA hcrm;
GRANT USAGE ON SCHEMA hcrm, public TO hcrm_app, hcrm_jobs;

-- ── who asks: set for one transaction by hcrm_central.store.engine.declare ────────────────────────────────
CREATE FUNCTION hcrm.role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(current_setting('hcrm.role', true), '') $$;
CREATE FUNCTION hcrm.staff_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('hcrm.staff_id', true), '')::uuid $$;
CREATE FUNCTION hcrm.account_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('hcrm.account_id', true), '')::uuid $$;
CREATE FUNCTION hcrm.site_ids() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT string_to_array(nullif(current_setting('hcrm.site_ids', true), ''), ',')::uuid[] $$;

-- ── versions: counted here, so that no writer can forget ─────────────────────────────────────────────────
CREATE FUNCTION hcrm.count_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ver := OLD.ver + 1;
    RETURN NEW;
END $$;
CREATE FUNCTION hcrm.count_version_and_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ver := OLD.ver + 1;
    NEW.updated_at := now();
    RETURN NEW;
END $$;

-- ── streams: every change leaves an entry without a number; stamp() numbers them last ────────────────────
CREATE FUNCTION hcrm.note_site_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT DISTINCT site_id || ':' || TG_ARGV[1], TG_ARGV[0], id FROM changed_rows
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_former_site_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    -- A row that changed its site leaves a tombstone in the stream it left.
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT DISTINCT o.site_id || ':' || TG_ARGV[1], TG_ARGV[0], o.id
    FROM former_rows o JOIN changed_rows n USING (id) WHERE o.site_id <> n.site_id
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT DISTINCT site_id || ':' || TG_ARGV[1], TG_ARGV[0], id FROM changed_rows
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_reference_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT DISTINCT 'ref', TG_ARGV[0], id FROM changed_rows
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;
    RETURN NULL;
END $$;

-- Who may see a customer's rows changed: all of them must be offered again (or taken away).
CREATE FUNCTION hcrm.note_reassigned_customers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS reassigned (id uuid, family_id uuid) ON COMMIT DELETE ROWS;
    TRUNCATE reassigned;
    INSERT INTO reassigned
    SELECT n.id, n.family_id FROM changed_rows n JOIN former_rows o USING (id)
    WHERE (n.assistant_id, n.optometrist_id, n.site_id, n.family_id)
        IS DISTINCT FROM (o.assistant_id, o.optometrist_id, o.site_id, o.family_id);
    IF NOT EXISTS (SELECT 1 FROM reassigned) THEN
        RETURN NULL;
    END IF;
    UPDATE stream_entry e SET seq = NULL FROM (
        SELECT 'family' AS kind, family_id AS id FROM reassigned WHERE family_id IS NOT NULL
        UNION ALL SELECT 'guardian', g.id FROM guardian g JOIN reassigned r USING (family_id)
        UNION ALL SELECT 'exam', x.id FROM exam x JOIN reassigned r ON r.id = x.customer_id
        UNION ALL SELECT 'eye_measurement', x.id FROM eye_measurement x JOIN reassigned r ON r.id = x.customer_id
        UNION ALL SELECT 'lens_order', x.id FROM lens_order x JOIN reassigned r ON r.id = x.customer_id
        UNION ALL SELECT 'visit', x.id FROM visit x JOIN reassigned r ON r.id = x.customer_id
        UNION ALL SELECT 'recheck_plan', x.id FROM recheck_plan x JOIN reassigned r ON r.id = x.customer_id
        UNION ALL SELECT 'follow_up', x.id FROM follow_up x JOIN reassigned r ON r.id = x.customer_id
        UNION ALL SELECT 'membership', x.id FROM membership x JOIN reassigned r ON r.id = x.customer_id
        UNION ALL SELECT 'task', x.id FROM task x JOIN reassigned r ON r.id = x.customer_id
    ) rows WHERE e.kind = rows.kind AND e.row_id = rows.id;
    RETURN NULL;
END $$;

CREATE FUNCTION hcrm.stamp() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    one text;
    many bigint;
    top bigint;
BEGIN
    -- Sorted, so that two transactions that touch the same streams wait for each other and never deadlock.
    FOR one IN SELECT DISTINCT stream FROM stream_entry WHERE seq IS NULL ORDER BY stream LOOP
        SELECT count(*) INTO many FROM stream_entry WHERE stream = one AND seq IS NULL;
        INSERT INTO stream (key, seq) VALUES (one, many)
        ON CONFLICT (key) DO UPDATE SET seq = stream.seq + many RETURNING seq INTO top;
        UPDATE stream_entry e SET seq = top - many + numbered.n
        FROM (
            SELECT kind, row_id, row_number() OVER (ORDER BY kind, row_id) AS n
            FROM stream_entry WHERE stream = one AND seq IS NULL
        ) numbered
        WHERE e.stream = one AND e.kind = numbered.kind AND e.row_id = numbered.row_id;
    END LOOP;
END $$;

CREATE FUNCTION hcrm.refuse_unstamped() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM stream_entry WHERE stream = NEW.stream AND kind = NEW.kind AND row_id = NEW.row_id AND seq IS NULL) THEN
        RAISE EXCEPTION 'a % row changed without hcrm.stamp(): readers would never see it', NEW.kind
            USING HINT = 'write through hcrm_central.store.engine.transaction, or SELECT hcrm.stamp() before commit';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refuse_unstamped AFTER INSERT OR UPDATE ON stream_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.seq IS NULL) EXECUTE FUNCTION hcrm.refuse_unstamped();

DO $$
DECLARE
    entry record;
BEGIN
    FOR entry IN SELECT * FROM (VALUES
        ('task', 'tasks'), ('follow_up', 'tasks'), ('membership', 'tasks'),
        ('family', 'people'), ('guardian', 'people'), ('customer', 'people'),
        ('exam', 'clinical'), ('eye_measurement', 'clinical'), ('lens_order', 'clinical'),
        ('visit', 'clinical'), ('recheck_plan', 'clinical'), ('lead', '')
    ) AS t(kind, area) LOOP
        EXECUTE format('CREATE TRIGGER count_version BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION hcrm.count_version_and_touch()', entry.kind);
        CONTINUE WHEN entry.area = '';
        EXECUTE format('CREATE TRIGGER note_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_site_rows(%L, %L)', entry.kind, entry.kind, entry.area);
        EXECUTE format('CREATE TRIGGER note_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_former_site_rows(%L, %L)', entry.kind, entry.kind, entry.area);
        EXECUTE format('CREATE TRIGGER note_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_site_rows(%L, %L)', entry.kind, entry.kind, entry.area);
    END LOOP;
    CREATE TRIGGER note_reassigned AFTER UPDATE ON customer REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows
        FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_reassigned_customers();
    FOR entry IN SELECT unnest(ARRAY['site', 'staff', 'segment', 'sop']) AS kind LOOP
        EXECUTE format('CREATE TRIGGER count_version BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION hcrm.count_version()', entry.kind);
        EXECUTE format('CREATE TRIGGER note_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_reference_rows(%L)', entry.kind, entry.kind);
        EXECUTE format('CREATE TRIGGER note_update AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_reference_rows(%L)', entry.kind, entry.kind);
        EXECUTE format('CREATE TRIGGER note_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_reference_rows(%L)', entry.kind, entry.kind);
    END LOOP;
    FOR entry IN SELECT unnest(ARRAY['department', 'team']) AS kind LOOP
        EXECUTE format('CREATE TRIGGER count_version BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION hcrm.count_version()', entry.kind);
    END LOOP;
END $$;

-- ── row security ─────────────────────────────────────────────────────────────────────────────────────────
DO $$
DECLARE
    one text;
BEGIN
    FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('CREATE POLICY jobs ON %I TO hcrm_jobs USING (true) WITH CHECK (true)', one);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO hcrm_jobs', one);
    END LOOP;

    -- The group itself is no secret to those who are signed in; what belongs to devices and tokens is decided in code.
    FOREACH one IN ARRAY ARRAY['site', 'department', 'team', 'staff', 'segment', 'sop', 'incarnation', 'stream', 'stream_entry', 'watermark', 'scan_run', 'rule_version', 'rule_parameter', 'account'] LOOP
        EXECUTE format('CREATE POLICY read ON %I FOR SELECT TO hcrm_app USING (true)', one);
        EXECUTE format('GRANT SELECT ON %I TO hcrm_app', one);
    END LOOP;
    FOREACH one IN ARRAY ARRAY['device', 'token', 'receipt', 'held_operation'] LOOP
        EXECUTE format('CREATE POLICY serve ON %I TO hcrm_app USING (true) WITH CHECK (true)', one);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO hcrm_app', one);
    END LOOP;

    -- Rows that hang on a customer are visible with him. Whoever sees everybody skips the look-up.
    FOREACH one IN ARRAY ARRAY['exam', 'eye_measurement', 'lens_order', 'visit', 'recheck_plan', 'lead', 'membership'] LOOP
        EXECUTE format($policy$
            CREATE POLICY read ON %I FOR SELECT TO hcrm_app USING (
                (SELECT hcrm.role()) = 'manager' OR EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id))
        $policy$, one);
        EXECUTE format('GRANT SELECT ON %I TO hcrm_app', one);
    END LOOP;
    -- Tasks and follow-ups are the assistants' side: an optometrist sees those of his own customers.
    FOREACH one IN ARRAY ARRAY['task', 'follow_up'] LOOP
        EXECUTE format($policy$
            CREATE POLICY read ON %I FOR SELECT TO hcrm_app USING (
                (SELECT hcrm.role()) = 'manager' OR EXISTS (
                    SELECT 1 FROM customer c WHERE c.id = customer_id
                    AND ((SELECT hcrm.role()) <> 'optometrist' OR c.optometrist_id = (SELECT hcrm.staff_id()))))
        $policy$, one);
        EXECUTE format('GRANT SELECT ON %I TO hcrm_app', one);
    END LOOP;
END $$;

CREATE POLICY read ON customer FOR SELECT TO hcrm_app USING (
    CASE (SELECT hcrm.role())
        WHEN 'manager' THEN true
        WHEN 'optometrist' THEN site_id = ANY ((SELECT hcrm.site_ids())::uuid[])
        WHEN 'assistant' THEN assistant_id = (SELECT hcrm.staff_id())
        ELSE false
    END);
CREATE POLICY read ON family FOR SELECT TO hcrm_app USING (
    (SELECT hcrm.role()) = 'manager' OR EXISTS (SELECT 1 FROM customer c WHERE c.family_id = family.id));
-- Phones: an optometrist is given those of his own customers only.
CREATE POLICY read ON guardian FOR SELECT TO hcrm_app USING (
    (SELECT hcrm.role()) = 'manager' OR EXISTS (
        SELECT 1 FROM customer c WHERE c.family_id = guardian.family_id
        AND ((SELECT hcrm.role()) <> 'optometrist' OR c.optometrist_id = (SELECT hcrm.staff_id()))));
GRANT SELECT ON customer, family, guardian TO hcrm_app;

-- ── what people may write ────────────────────────────────────────────────────────────────────────────────
CREATE POLICY enter ON exam FOR INSERT TO hcrm_app WITH CHECK (
    (SELECT hcrm.role()) = 'optometrist' AND examiner_id = (SELECT hcrm.staff_id())
    AND EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id AND c.site_id = exam.site_id));
CREATE POLICY amend ON exam FOR UPDATE TO hcrm_app
    USING ((SELECT hcrm.role()) = 'optometrist' AND EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id));
CREATE POLICY enter ON eye_measurement FOR INSERT TO hcrm_app WITH CHECK (
    (SELECT hcrm.role()) = 'optometrist'
    AND EXISTS (SELECT 1 FROM exam x WHERE x.customer_id = eye_measurement.customer_id AND x.id = exam_id));
CREATE POLICY enter ON follow_up FOR INSERT TO hcrm_app WITH CHECK (
    staff_id = (SELECT hcrm.staff_id()) AND (SELECT hcrm.role()) IN ('assistant', 'optometrist', 'manager')
    AND EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id));
CREATE POLICY work ON task FOR UPDATE TO hcrm_app USING (
    (SELECT hcrm.role()) IN ('assistant', 'manager') AND EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id)
    OR owner_id = (SELECT hcrm.staff_id()));
CREATE POLICY enter ON visit FOR INSERT TO hcrm_app WITH CHECK (
    (SELECT hcrm.role()) IN ('assistant', 'optometrist', 'manager') AND EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id));
CREATE POLICY enter ON audit_entry FOR INSERT TO hcrm_app WITH CHECK (true);

-- `status` is the one column of an exam that changes: a correction is a new row.
GRANT INSERT ON exam, eye_measurement, follow_up, visit, audit_entry TO hcrm_app;
GRANT UPDATE (status) ON exam TO hcrm_app;
GRANT UPDATE (state, attempts, last_outcome, next_on, closed_at, close_reason) ON task TO hcrm_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA hcrm TO hcrm_app, hcrm_jobs;

INSERT INTO incarnation (epoch) VALUES (gen_random_uuid());
INSERT INTO scan_lease DEFAULT VALUES;
