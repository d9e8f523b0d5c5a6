-- Shared pages. Run by 0008_handout.py; frozen with it.
--
-- Like tokens they are decided on in code: who opens a page has not signed in. What the page shows is read under row
-- security as the person who shared it.

CREATE TABLE share (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    device_id UUID NOT NULL,
    family_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_share PRIMARY KEY (id),
    CONSTRAINT fk_share_account_id_account FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE,
    CONSTRAINT fk_share_device_id_device FOREIGN KEY(device_id) REFERENCES device (id) ON DELETE CASCADE,
    CONSTRAINT fk_share_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id) ON DELETE CASCADE
);
CREATE INDEX ix_share_account_id ON share (account_id);
CREATE INDEX ix_share_customer_id ON share (customer_id);
CREATE INDEX ix_share_device_id ON share (device_id);

CREATE TABLE share_key (
    hash BYTEA NOT NULL,
    purpose TEXT NOT NULL,
    share_id UUID NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_share_key PRIMARY KEY (hash),
    CONSTRAINT fk_share_key_share_id_share FOREIGN KEY(share_id) REFERENCES share (id) ON DELETE CASCADE
);
CREATE INDEX ix_share_key_share_id ON share_key (share_id);

ALTER TABLE share ENABLE ROW LEVEL SECURITY;
ALTER TABLE share_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY serve ON share TO hcrm_app USING (true) WITH CHECK (true);
CREATE POLICY serve ON share_key TO hcrm_app USING (true) WITH CHECK (true);
CREATE POLICY jobs ON share TO hcrm_jobs USING (true) WITH CHECK (true);
CREATE POLICY jobs ON share_key TO hcrm_jobs USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON share, share_key TO hcrm_app;
GRANT UPDATE (ended_at) ON share TO hcrm_app;
GRANT UPDATE (used_at) ON share_key TO hcrm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON share, share_key TO hcrm_jobs;
