-- Facts of low-dose atropine. Run by 0017_atropine.py; frozen with it.

ALTER TABLE customer_facts
    ADD COLUMN atropine_since_on DATE,
    ADD COLUMN atropine_percent NUMERIC(7, 3),
    ADD COLUMN last_atropine_on DATE;

CREATE OR REPLACE VIEW hcrm_whole.customer_facts AS SELECT * FROM public.customer_facts WHERE hcrm.sees_all();
