-- The segments a customer is in, beside his facts. Run by 0015_segments.py; frozen with it.

-- Sorted keys of open memberships, which stay the record: a night compares everybody's verdicts with these in the one
-- scan that finds the verdicts, instead of joining all memberships.
ALTER TABLE customer_facts ADD COLUMN segments TEXT[] NOT NULL DEFAULT '{}';

UPDATE customer_facts f SET segments = m.segments
FROM (
    SELECT customer_id, array_agg(segment_key ORDER BY segment_key COLLATE "C") AS segments
    FROM membership WHERE left_on IS NULL GROUP BY customer_id
) m
WHERE f.customer_id = m.customer_id;

CREATE OR REPLACE VIEW hcrm_whole.customer_facts AS SELECT * FROM public.customer_facts WHERE hcrm.sees_all();
