-- Drafts, reviews and history of rules and parameters. Run by 0011_rules.py; frozen with it.

ALTER TABLE rule_version DROP CONSTRAINT fk_rule_version_segment_key_segment;
ALTER TABLE rule_version
    ADD COLUMN author_id UUID,
    ADD COLUMN ver INTEGER DEFAULT '1' NOT NULL,
    ADD COLUMN created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ADD COLUMN based_on INTEGER,
    ADD COLUMN note TEXT DEFAULT '' NOT NULL,
    ADD COLUMN published_by TEXT DEFAULT '' NOT NULL,
    ADD COLUMN published_by_id UUID,
    ADD COLUMN retired_at TIMESTAMP WITH TIME ZONE;
CREATE UNIQUE INDEX uq_rule_version_open ON rule_version (rule_key) WHERE state IN ('draft', 'proposed');
ALTER TABLE rule_parameter ADD COLUMN author_id UUID, ADD COLUMN note TEXT DEFAULT '' NOT NULL;
ALTER TABLE rule_version ADD COLUMN retired_note TEXT DEFAULT '' NOT NULL;

-- ── managers write, everybody else does not even read ────────────────────────────────────────────────────
ALTER POLICY read ON rule_version USING ((SELECT hcrm.role()) = 'manager');
CREATE POLICY write ON rule_version FOR INSERT TO hcrm_app WITH CHECK (
    (SELECT hcrm.role()) = 'manager' AND author_id = (SELECT hcrm.account_id()));
CREATE POLICY change ON rule_version FOR UPDATE TO hcrm_app USING ((SELECT hcrm.role()) = 'manager');
GRANT INSERT ON rule_version TO hcrm_app;
GRANT UPDATE (state, segment_key, definition, author, author_id, ver, note, published_at, published_by, published_by_id,
    retired_at, retired_note) ON rule_version TO hcrm_app;
-- Which version of which rule a membership came by is known to whoever sees the membership.
CREATE FUNCTION hcrm.version_heads() RETURNS TABLE (id uuid, rule_key text, number integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT v.id, v.rule_key, v.number FROM rule_version v WHERE v.state IN ('published', 'retired')
$$;
REVOKE EXECUTE ON FUNCTION hcrm.version_heads() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hcrm.version_heads() TO hcrm_app;

CREATE POLICY write ON rule_parameter FOR INSERT TO hcrm_app WITH CHECK (
    (SELECT hcrm.role()) = 'manager' AND author_id = (SELECT hcrm.account_id()));
GRANT INSERT ON rule_parameter TO hcrm_app;

CREATE POLICY write ON segment FOR INSERT TO hcrm_app WITH CHECK ((SELECT hcrm.role()) = 'manager');
CREATE POLICY change ON segment FOR UPDATE TO hcrm_app USING ((SELECT hcrm.role()) = 'manager');
GRANT INSERT ON segment TO hcrm_app;
GRANT UPDATE (label, tone, rank) ON segment TO hcrm_app;

-- ── history: whoever writes ──────────────────────────────────────────────────────────────────────────────
-- From its publication on a version never changes but for its end, and no number is given twice: nothing is deleted.
CREATE FUNCTION hcrm.keep_rule_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_the_end text[] := ARRAY['state', 'retired_at', 'retired_note'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a version of a rule is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.rule_key, NEW.number, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.rule_key, OLD.number, OLD.created_at) THEN
        RAISE EXCEPTION 'a version of a rule keeps its number' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state IN ('draft', 'proposed') THEN
        RETURN NEW;
    END IF;
    IF OLD.state <> 'published' OR NEW.state <> 'retired' OR to_jsonb(NEW) - of_the_end <> to_jsonb(OLD) - of_the_end THEN
        RAISE EXCEPTION 'a published version of a rule only ends' USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.retired_at := coalesce(NEW.retired_at, now());
    RETURN NEW;
END $$;
CREATE TRIGGER keep_history BEFORE UPDATE OR DELETE ON rule_version
    FOR EACH ROW EXECUTE FUNCTION hcrm.keep_rule_history();

CREATE FUNCTION hcrm.keep_parameter_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a value of a parameter is followed by another and never changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep_history BEFORE UPDATE OR DELETE ON rule_parameter
    FOR EACH ROW EXECUTE FUNCTION hcrm.keep_parameter_history();
