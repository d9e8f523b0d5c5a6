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
