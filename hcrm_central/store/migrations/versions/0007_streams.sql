-- Which streams a row belongs to. Run by 0007_streams.py; frozen with it.
--
-- What hangs on a customer belongs to the streams of the site where he is now: who looks after him there must have his
-- whole past, also what another site measured. A family and its guardians belong to every site where one of its
-- customers is. Whatever changes who may see a row re-notes it in every stream in which it ever stood: those who lost
-- it are told that it is gone.

CREATE INDEX ix_stream_entry_row_id ON stream_entry (row_id);

-- ── what hangs on customers and families ─────────────────────────────────────────────────────────────────
CREATE FUNCTION hcrm.rows_of_customers(customers uuid[]) RETURNS TABLE (customer_id uuid, kind text, area text, id uuid)
    LANGUAGE sql STABLE SET search_path = public AS $$
    SELECT customer_id, 'exam', 'clinical', id FROM exam WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'eye_measurement', 'clinical', id FROM eye_measurement WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'lens_order', 'clinical', id FROM lens_order WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'visit', 'clinical', id FROM visit WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'recheck_plan', 'clinical', id FROM recheck_plan WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'follow_up', 'tasks', id FROM follow_up WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'membership', 'tasks', id FROM membership WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'task', 'tasks', id FROM task WHERE customer_id = ANY(customers)
    UNION ALL SELECT customer_id, 'field_change', 'people', id FROM field_change WHERE customer_id = ANY(customers)
$$;
CREATE FUNCTION hcrm.rows_of_families(families uuid[]) RETURNS TABLE (family_id uuid, kind text, id uuid)
    LANGUAGE sql STABLE SET search_path = public AS $$
    SELECT id, 'family', id FROM family WHERE id = ANY(families)
    UNION ALL SELECT family_id, 'guardian', id FROM guardian WHERE family_id = ANY(families)
$$;

-- Noted again in every stream where they stand, and in those where they now belong. Who sees a family's guardian may
-- also see what was changed about him.
CREATE FUNCTION hcrm.note_families(families uuid[]) RETURNS void LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    UPDATE stream_entry e SET seq = NULL FROM (
        SELECT kind, id FROM hcrm.rows_of_families(families)
        UNION ALL
        SELECT 'field_change', f.id FROM guardian g JOIN field_change f ON f.subject_id = g.id
        WHERE g.family_id = ANY(families)
    ) r WHERE e.row_id = r.id AND e.kind = r.kind AND e.seq IS NOT NULL;
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT DISTINCT c.site_id || ':people', r.kind, r.id
    FROM hcrm.rows_of_families(families) r JOIN customer c ON c.family_id = r.family_id
    ON CONFLICT (stream, kind, row_id) DO NOTHING;
END $$;

-- ── triggers: SECURITY DEFINER, because who changes a row need not see the streams ───────────────────────
CREATE FUNCTION hcrm.note_customer_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT DISTINCT c.site_id || ':' || TG_ARGV[1], TG_ARGV[0], r.id FROM changed_rows r JOIN customer c ON c.id = r.customer_id
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_former_customer_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    -- A row that was given to another customer leaves the streams of the former.
    UPDATE stream_entry e SET seq = NULL FROM former_rows o JOIN changed_rows n USING (id)
    WHERE o.customer_id <> n.customer_id AND e.row_id = n.id AND e.kind = TG_ARGV[0];
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT DISTINCT c.site_id || ':' || TG_ARGV[1], TG_ARGV[0], r.id FROM changed_rows r JOIN customer c ON c.id = r.customer_id
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_gone_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    UPDATE stream_entry e SET seq = NULL FROM changed_rows r WHERE e.row_id = r.id AND e.kind = TG_ARGV[0];
    RETURN NULL;
END $$;

CREATE FUNCTION hcrm.note_family() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT site_id || ':people', 'family', id FROM changed_rows
    UNION SELECT c.site_id || ':people', 'family', r.id FROM changed_rows r JOIN customer c ON c.family_id = r.id
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_guardian() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT site_id || ':people', 'guardian', id FROM changed_rows
    UNION SELECT c.site_id || ':people', 'guardian', r.id FROM changed_rows r JOIN customer c ON c.family_id = r.family_id
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_former_guardian() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    UPDATE stream_entry e SET seq = NULL FROM former_rows o JOIN changed_rows n USING (id)
    WHERE (o.family_id, o.site_id) <> (n.family_id, n.site_id) AND e.row_id = n.id AND e.kind = 'guardian';
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT site_id || ':people', 'guardian', id FROM changed_rows
    UNION SELECT c.site_id || ':people', 'guardian', r.id FROM changed_rows r JOIN customer c ON c.family_id = r.family_id
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION hcrm.note_new_customers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT site_id || ':people', 'customer', id FROM changed_rows
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;
    -- A second child's optometrist may now see the family.
    PERFORM hcrm.note_families((SELECT array_agg(DISTINCT family_id) FROM changed_rows WHERE family_id IS NOT NULL));
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_gone_customers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    UPDATE stream_entry e SET seq = NULL FROM changed_rows r WHERE e.row_id = r.id AND e.kind = 'customer';
    PERFORM hcrm.note_families((SELECT array_agg(DISTINCT family_id) FROM changed_rows WHERE family_id IS NOT NULL));
    RETURN NULL;
END $$;
CREATE FUNCTION hcrm.note_changed_customers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    given uuid[];
    families uuid[];
BEGIN
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT site_id || ':people', 'customer', id FROM changed_rows
    UNION SELECT o.site_id || ':people', 'customer', o.id FROM former_rows o JOIN changed_rows n USING (id) WHERE o.site_id <> n.site_id
    ON CONFLICT (stream, kind, row_id) DO UPDATE SET seq = NULL;

    SELECT array_agg(n.id), array_agg(n.family_id) || array_agg(o.family_id) INTO given, families
    FROM changed_rows n JOIN former_rows o USING (id)
    WHERE (n.assistant_id, n.optometrist_id, n.site_id, n.family_id)
        IS DISTINCT FROM (o.assistant_id, o.optometrist_id, o.site_id, o.family_id);
    IF given IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE stream_entry e SET seq = NULL FROM hcrm.rows_of_customers(given) r
    WHERE e.row_id = r.id AND e.kind = r.kind AND e.seq IS NOT NULL;
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT c.site_id || ':' || r.area, r.kind, r.id FROM hcrm.rows_of_customers(given) r JOIN customer c ON c.id = r.customer_id
    ON CONFLICT (stream, kind, row_id) DO NOTHING;
    PERFORM hcrm.note_families(families);
    RETURN NULL;
END $$;

DO $$
DECLARE
    entry record;
BEGIN
    FOR entry IN SELECT * FROM (VALUES
        ('task', 'tasks'), ('follow_up', 'tasks'), ('membership', 'tasks'), ('field_change', 'people'),
        ('exam', 'clinical'), ('eye_measurement', 'clinical'), ('lens_order', 'clinical'),
        ('visit', 'clinical'), ('recheck_plan', 'clinical')
    ) AS t(kind, area) LOOP
        EXECUTE format('DROP TRIGGER note_insert ON %I', entry.kind);
        EXECUTE format('DROP TRIGGER note_update ON %I', entry.kind);
        EXECUTE format('DROP TRIGGER note_delete ON %I', entry.kind);
        EXECUTE format('CREATE TRIGGER note_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_customer_rows(%L, %L)', entry.kind, entry.kind, entry.area);
        EXECUTE format('CREATE TRIGGER note_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_former_customer_rows(%L, %L)', entry.kind, entry.kind, entry.area);
        EXECUTE format('CREATE TRIGGER note_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_gone_rows(%L)', entry.kind, entry.kind);
    END LOOP;
    FOR entry IN SELECT unnest(ARRAY['family', 'guardian', 'customer']) AS kind LOOP
        EXECUTE format('DROP TRIGGER note_insert ON %I', entry.kind);
        EXECUTE format('DROP TRIGGER note_update ON %I', entry.kind);
        EXECUTE format('DROP TRIGGER note_delete ON %I', entry.kind);
    END LOOP;
END $$;
DROP TRIGGER note_reassigned ON customer;
DROP FUNCTION hcrm.note_reassigned_customers();
DROP FUNCTION hcrm.note_site_rows();
DROP FUNCTION hcrm.note_former_site_rows();

CREATE TRIGGER note_insert AFTER INSERT ON family REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_family();
CREATE TRIGGER note_update AFTER UPDATE ON family REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_family();
CREATE TRIGGER note_delete AFTER DELETE ON family REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_gone_rows('family');
CREATE TRIGGER note_insert AFTER INSERT ON guardian REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_guardian();
CREATE TRIGGER note_update AFTER UPDATE ON guardian REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_former_guardian();
CREATE TRIGGER note_delete AFTER DELETE ON guardian REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_gone_rows('guardian');
CREATE TRIGGER note_insert AFTER INSERT ON customer REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_new_customers();
CREATE TRIGGER note_update AFTER UPDATE ON customer REFERENCING OLD TABLE AS former_rows NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_changed_customers();
CREATE TRIGGER note_delete AFTER DELETE ON customer REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION hcrm.note_gone_customers();

REVOKE EXECUTE ON FUNCTION hcrm.rows_of_customers(uuid[]), hcrm.rows_of_families(uuid[]), hcrm.note_families(uuid[]) FROM PUBLIC;

-- The sites whose streams hold customers of an assistant. Ids of sites only.
CREATE FUNCTION hcrm.assigned_sites(staff uuid) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT DISTINCT site_id FROM customer WHERE assistant_id = staff
$$;
REVOKE EXECUTE ON FUNCTION hcrm.assigned_sites(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hcrm.assigned_sites(uuid) TO hcrm_app, hcrm_jobs;

-- ── what is there already: missing entries are made, and where a row does not belong any more it is noted as gone ──
DO $$
BEGIN
    UPDATE stream_entry e SET seq = NULL FROM customer c, hcrm.rows_of_customers(ARRAY[c.id]) r
    WHERE e.row_id = r.id AND e.kind = r.kind AND e.stream <> c.site_id || ':' || r.area;
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT c.site_id || ':' || r.area, r.kind, r.id FROM customer c, hcrm.rows_of_customers(ARRAY[c.id]) r
    ON CONFLICT (stream, kind, row_id) DO NOTHING;
    INSERT INTO stream_entry (stream, kind, row_id)
    SELECT DISTINCT c.site_id || ':people', r.kind, r.id FROM customer c, hcrm.rows_of_families(ARRAY[c.family_id]) r
    WHERE c.family_id IS NOT NULL
    ON CONFLICT (stream, kind, row_id) DO NOTHING;
    PERFORM hcrm.stamp();
END $$;

-- ── what runs with the owner's rights looks at his tables ────────────────────────────────────────────────────
-- A path that does not name pg_temp begins with it: a temporary table of the caller's would be taken for the true one.
DO $$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'hcrm'::regnamespace AND prosecdef LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', one);
    END LOOP;
END $$;
