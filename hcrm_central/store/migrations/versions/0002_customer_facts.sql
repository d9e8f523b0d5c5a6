-- The facts of every customer. Run by 0002_customer_facts.py; frozen with it.

CREATE TABLE customer_facts (
    customer_id UUID NOT NULL,
    computed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    birth_date DATE,
    sex TEXT,
    filed_on DATE,
    do_not_contact BOOLEAN,
    ever_bought BOOLEAN,
    first_bought_on DATE,
    last_bought_on DATE,
    product TEXT,
    wear_start_on DATE,
    oldest_lens_on DATE,
    oldest_ok_lens_on DATE,
    product_od TEXT,
    wear_start_on_od DATE,
    lens_dispensed_on_od DATE,
    product_os TEXT,
    wear_start_on_os DATE,
    lens_dispensed_on_os DATE,
    last_exam_on DATE,
    last_arrival_on DATE,
    last_follow_up_on DATE,
    last_answered_on DATE,
    last_activity_on DATE,
    recheck_due_on DATE,
    next_appointment_on DATE,
    open_lead BOOLEAN,
    se_od NUMERIC(7, 3),
    se_on_od DATE,
    axial_length_od NUMERIC(7, 3),
    axial_length_on_od DATE,
    k_flat_od NUMERIC(7, 3),
    k_flat_on_od DATE,
    cct_um_od INTEGER,
    cct_on_od DATE,
    se_range_2y_od NUMERIC(7, 3),
    se_range_2y_from_on_od DATE,
    se_growth_frame_od NUMERIC(7, 3),
    se_growth_frame_from_on_od DATE,
    se_growth_frame_from_id_od UUID,
    se_growth_frame_to_on_od DATE,
    se_growth_frame_to_id_od UUID,
    se_growth_frame_refusal_od TEXT,
    se_growth_3m_od NUMERIC(7, 3),
    se_growth_3m_from_on_od DATE,
    se_growth_3m_from_id_od UUID,
    se_growth_3m_to_on_od DATE,
    se_growth_3m_to_id_od UUID,
    se_growth_3m_refusal_od TEXT,
    se_growth_6m_od NUMERIC(7, 3),
    se_growth_6m_from_on_od DATE,
    se_growth_6m_from_id_od UUID,
    se_growth_6m_to_on_od DATE,
    se_growth_6m_to_id_od UUID,
    se_growth_6m_refusal_od TEXT,
    al_growth_12m_od NUMERIC(7, 3),
    al_growth_12m_from_on_od DATE,
    al_growth_12m_from_id_od UUID,
    al_growth_12m_to_on_od DATE,
    al_growth_12m_to_id_od UUID,
    al_growth_12m_refusal_od TEXT,
    se_os NUMERIC(7, 3),
    se_on_os DATE,
    axial_length_os NUMERIC(7, 3),
    axial_length_on_os DATE,
    k_flat_os NUMERIC(7, 3),
    k_flat_on_os DATE,
    cct_um_os INTEGER,
    cct_on_os DATE,
    se_range_2y_os NUMERIC(7, 3),
    se_range_2y_from_on_os DATE,
    se_growth_frame_os NUMERIC(7, 3),
    se_growth_frame_from_on_os DATE,
    se_growth_frame_from_id_os UUID,
    se_growth_frame_to_on_os DATE,
    se_growth_frame_to_id_os UUID,
    se_growth_frame_refusal_os TEXT,
    se_growth_3m_os NUMERIC(7, 3),
    se_growth_3m_from_on_os DATE,
    se_growth_3m_from_id_os UUID,
    se_growth_3m_to_on_os DATE,
    se_growth_3m_to_id_os UUID,
    se_growth_3m_refusal_os TEXT,
    se_growth_6m_os NUMERIC(7, 3),
    se_growth_6m_from_on_os DATE,
    se_growth_6m_from_id_os UUID,
    se_growth_6m_to_on_os DATE,
    se_growth_6m_to_id_os UUID,
    se_growth_6m_refusal_os TEXT,
    al_growth_12m_os NUMERIC(7, 3),
    al_growth_12m_from_on_os DATE,
    al_growth_12m_from_id_os UUID,
    al_growth_12m_to_on_os DATE,
    al_growth_12m_to_id_os UUID,
    al_growth_12m_refusal_os TEXT,
    se_worse NUMERIC(7, 3),
    CONSTRAINT pk_customer_facts PRIMARY KEY (customer_id),
    CONSTRAINT fk_customer_facts_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id) ON DELETE CASCADE
);

-- Facts hang on a customer and are visible with him; only the jobs write them.
ALTER TABLE customer_facts ENABLE ROW LEVEL SECURITY;
CREATE POLICY jobs ON customer_facts TO hcrm_jobs USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_facts TO hcrm_jobs;
CREATE POLICY read ON customer_facts FOR SELECT TO hcrm_app USING (
    (SELECT hcrm.role()) = 'manager' OR EXISTS (SELECT 1 FROM customer c WHERE c.id = customer_id));
GRANT SELECT ON customer_facts TO hcrm_app;

-- Asked for each changed row at commit. By primary key only: with "seq IS NULL" in the condition the planner takes
-- the index of unstamped entries, which a transaction that changed n rows has filled with n dead entries: n² steps.
CREATE OR REPLACE FUNCTION hcrm.refuse_unstamped() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    entry stream_entry%ROWTYPE;
BEGIN
    SELECT * INTO entry FROM stream_entry WHERE stream = NEW.stream AND kind = NEW.kind AND row_id = NEW.row_id;
    IF FOUND AND entry.seq IS NULL THEN
        RAISE EXCEPTION 'a % row changed without hcrm.stamp(): readers would never see it', NEW.kind
            USING HINT = 'write through hcrm_central.store.engine.transaction, or SELECT hcrm.stamp() before commit';
    END IF;
    RETURN NULL;
END $$;
