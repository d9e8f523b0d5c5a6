-- More facts of every customer. Run by 0010_facts.py; frozen with it.

ALTER TABLE customer_facts ADD COLUMN site_id uuid;
