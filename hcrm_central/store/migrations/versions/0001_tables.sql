-- Tables of the first schema. Run by 0001_first.py; frozen with it.

CREATE TABLE audit_entry (
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    account_id UUID,
    device_id UUID,
    action TEXT NOT NULL,
    subject_kind TEXT DEFAULT '' NOT NULL,
    subject_id UUID,
    customer_id UUID,
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_audit_entry PRIMARY KEY (id)
);
CREATE INDEX ix_audit_entry_at ON audit_entry (at);

CREATE TABLE device (
    id UUID NOT NULL,
    secret_hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    app_version TEXT NOT NULL,
    last_n BIGINT DEFAULT '0' NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    seen_at TIMESTAMP WITH TIME ZONE,
    unsent INTEGER DEFAULT '0' NOT NULL,
    oldest_unsent_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_device PRIMARY KEY (id)
);

CREATE TABLE import_batch (
    id UUID NOT NULL,
    source TEXT NOT NULL,
    file_name TEXT NOT NULL,
    file_sha256 TEXT NOT NULL,
    profile TEXT NOT NULL,
    counts JSONB NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    undone_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_import_batch PRIMARY KEY (id)
);

CREATE TABLE incarnation (
    one BOOLEAN DEFAULT 'true' NOT NULL,
    epoch UUID NOT NULL,
    CONSTRAINT pk_incarnation PRIMARY KEY (one)
);

CREATE TABLE rule_parameter (
    id UUID NOT NULL,
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    definition JSONB NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    author TEXT NOT NULL,
    CONSTRAINT pk_rule_parameter PRIMARY KEY (id),
    CONSTRAINT uq_rule_parameter_key_number UNIQUE (key, number)
);

CREATE TABLE scan_lease (
    one BOOLEAN DEFAULT 'true' NOT NULL,
    fence BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_scan_lease PRIMARY KEY (one)
);

CREATE TABLE scan_run (
    id UUID NOT NULL,
    scanned_for DATE NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    counts JSONB NOT NULL,
    CONSTRAINT pk_scan_run PRIMARY KEY (id)
);

CREATE TABLE segment (
    id UUID NOT NULL,
    key TEXT NOT NULL,
    label TEXT NOT NULL,
    tone TEXT NOT NULL,
    rank INTEGER NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT pk_segment PRIMARY KEY (id),
    CONSTRAINT uq_segment_key UNIQUE (key)
);

CREATE TABLE site (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    active BOOLEAN DEFAULT 'true' NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT pk_site PRIMARY KEY (id),
    CONSTRAINT uq_site_code UNIQUE (code)
);

CREATE TABLE sop (
    id UUID NOT NULL,
    key TEXT NOT NULL,
    label TEXT NOT NULL,
    summary TEXT NOT NULL,
    rank INTEGER NOT NULL,
    definition JSONB NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT pk_sop PRIMARY KEY (id),
    CONSTRAINT uq_sop_key UNIQUE (key)
);

CREATE TABLE stream (
    key TEXT NOT NULL,
    seq BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_stream PRIMARY KEY (key)
);

CREATE TABLE stream_entry (
    stream TEXT NOT NULL,
    kind TEXT NOT NULL,
    row_id UUID NOT NULL,
    seq BIGINT,
    CONSTRAINT pk_stream_entry PRIMARY KEY (stream, kind, row_id)
);
CREATE INDEX ix_stream_entry_unstamped ON stream_entry (stream) WHERE seq IS NULL;
CREATE UNIQUE INDEX uq_stream_entry_seq ON stream_entry (stream, seq);

CREATE TABLE watermark (
    feed TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_watermark PRIMARY KEY (feed)
);

CREATE TABLE department (
    id UUID NOT NULL,
    site_id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT pk_department PRIMARY KEY (id),
    CONSTRAINT uq_department_site_id_code UNIQUE (site_id, code),
    CONSTRAINT fk_department_site_id_site FOREIGN KEY(site_id) REFERENCES site (id),
    CONSTRAINT ck_department_departmentkind CHECK (kind IN ('optometry', 'refractive'))
);

CREATE TABLE family (
    id UUID NOT NULL,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_family PRIMARY KEY (id),
    CONSTRAINT fk_family_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_family_site_id ON family (site_id);

CREATE TABLE import_effect (
    batch_id UUID NOT NULL,
    n INTEGER NOT NULL,
    table_name TEXT NOT NULL,
    row_id UUID NOT NULL,
    customer_id UUID,
    action TEXT NOT NULL,
    before JSONB,
    ver INTEGER NOT NULL,
    CONSTRAINT pk_import_effect PRIMARY KEY (batch_id, n),
    CONSTRAINT fk_import_effect_batch_id_import_batch FOREIGN KEY(batch_id) REFERENCES import_batch (id)
);

CREATE TABLE import_problem (
    batch_id UUID NOT NULL,
    n INTEGER NOT NULL,
    sheet TEXT NOT NULL,
    row INTEGER NOT NULL,
    "column" TEXT NOT NULL,
    code TEXT NOT NULL,
    severity TEXT NOT NULL,
    seen TEXT NOT NULL,
    remedy TEXT NOT NULL,
    CONSTRAINT pk_import_problem PRIMARY KEY (batch_id, n),
    CONSTRAINT fk_import_problem_batch_id_import_batch FOREIGN KEY(batch_id) REFERENCES import_batch (id)
);

CREATE TABLE receipt (
    device_id UUID NOT NULL,
    n BIGINT NOT NULL,
    op_id UUID NOT NULL,
    digest BYTEA NOT NULL,
    result JSONB NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_receipt PRIMARY KEY (device_id, n),
    CONSTRAINT fk_receipt_device_id_device FOREIGN KEY(device_id) REFERENCES device (id),
    CONSTRAINT uq_receipt_op_id UNIQUE (op_id)
);

CREATE TABLE rule_version (
    id UUID NOT NULL,
    rule_key TEXT NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    segment_key TEXT NOT NULL,
    definition JSONB NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE,
    author TEXT NOT NULL,
    CONSTRAINT pk_rule_version PRIMARY KEY (id),
    CONSTRAINT uq_rule_version_rule_key_number UNIQUE (rule_key, number),
    CONSTRAINT fk_rule_version_segment_key_segment FOREIGN KEY(segment_key) REFERENCES segment (key)
);
CREATE UNIQUE INDEX uq_rule_version_published ON rule_version (rule_key) WHERE state = 'published';

CREATE TABLE source_record (
    id UUID NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    source_key TEXT NOT NULL,
    batch_id UUID NOT NULL,
    customer_id UUID,
    row_id UUID,
    digest TEXT NOT NULL,
    payload JSONB NOT NULL,
    CONSTRAINT pk_source_record PRIMARY KEY (id),
    CONSTRAINT uq_source_record_source_kind_source_key UNIQUE (source, kind, source_key),
    CONSTRAINT fk_source_record_batch_id_import_batch FOREIGN KEY(batch_id) REFERENCES import_batch (id)
);
CREATE INDEX ix_source_record_batch_id ON source_record (batch_id);
CREATE INDEX ix_source_record_customer_id ON source_record (customer_id);

CREATE TABLE guardian (
    id UUID NOT NULL,
    family_id UUID NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    relation TEXT DEFAULT '' NOT NULL,
    phone TEXT,
    phone_tail TEXT,
    wecom_id TEXT,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_guardian PRIMARY KEY (id),
    CONSTRAINT fk_guardian_family_id_family FOREIGN KEY(family_id) REFERENCES family (id),
    CONSTRAINT fk_guardian_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_guardian_family_id ON guardian (family_id);
CREATE INDEX ix_guardian_phone ON guardian (phone);
CREATE INDEX ix_guardian_site_id ON guardian (site_id);

CREATE TABLE team (
    id UUID NOT NULL,
    department_id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT pk_team PRIMARY KEY (id),
    CONSTRAINT uq_team_department_id_code UNIQUE (department_id, code),
    CONSTRAINT fk_team_department_id_department FOREIGN KEY(department_id) REFERENCES department (id)
);

CREATE TABLE staff (
    id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    site_id UUID NOT NULL,
    department_id UUID,
    team_id UUID,
    active BOOLEAN DEFAULT 'true' NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT pk_staff PRIMARY KEY (id),
    CONSTRAINT uq_staff_code UNIQUE (code),
    CONSTRAINT fk_staff_site_id_site FOREIGN KEY(site_id) REFERENCES site (id),
    CONSTRAINT fk_staff_department_id_department FOREIGN KEY(department_id) REFERENCES department (id),
    CONSTRAINT fk_staff_team_id_team FOREIGN KEY(team_id) REFERENCES team (id)
);
CREATE INDEX ix_staff_site_id ON staff (site_id);

CREATE TABLE account (
    id UUID NOT NULL,
    username TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role VARCHAR(32) NOT NULL,
    staff_id UUID,
    name TEXT NOT NULL,
    active BOOLEAN DEFAULT 'true' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_account PRIMARY KEY (id),
    CONSTRAINT uq_account_username UNIQUE (username),
    CONSTRAINT ck_account_role CHECK (role IN ('assistant', 'optometrist', 'manager', 'executive', 'admin')),
    CONSTRAINT fk_account_staff_id_staff FOREIGN KEY(staff_id) REFERENCES staff (id)
);

CREATE TABLE customer (
    id UUID NOT NULL,
    family_id UUID,
    name TEXT NOT NULL,
    name_pinyin TEXT DEFAULT '' NOT NULL,
    name_initials TEXT DEFAULT '' NOT NULL,
    sex VARCHAR(32),
    birth_date DATE,
    filed_on DATE,
    assistant_id UUID,
    optometrist_id UUID,
    do_not_contact BOOLEAN DEFAULT 'false' NOT NULL,
    school TEXT DEFAULT '' NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_customer PRIMARY KEY (id),
    CONSTRAINT fk_customer_family_id_family FOREIGN KEY(family_id) REFERENCES family (id),
    CONSTRAINT ck_customer_sex CHECK (sex IN ('male', 'female')),
    CONSTRAINT fk_customer_assistant_id_staff FOREIGN KEY(assistant_id) REFERENCES staff (id),
    CONSTRAINT fk_customer_optometrist_id_staff FOREIGN KEY(optometrist_id) REFERENCES staff (id),
    CONSTRAINT fk_customer_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_customer_assistant_id_site_id ON customer (assistant_id, site_id);
CREATE INDEX ix_customer_family_id ON customer (family_id);
CREATE INDEX ix_customer_name_birth_date ON customer (name, birth_date);
CREATE INDEX ix_customer_optometrist_id ON customer (optometrist_id);
CREATE INDEX ix_customer_site_id ON customer (site_id);

CREATE TABLE customer_identifier (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_customer_identifier PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_customer_identifier_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id) ON DELETE CASCADE,
    CONSTRAINT uq_customer_identifier_customer_id_kind_value UNIQUE (customer_id, kind, value)
);
CREATE INDEX ix_customer_identifier_kind_value ON customer_identifier (kind, value);

CREATE TABLE exam (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    examined_on DATE NOT NULL,
    method VARCHAR(32) NOT NULL,
    cycloplegic BOOLEAN,
    lens_state VARCHAR(32) NOT NULL,
    washout_days INTEGER,
    device TEXT DEFAULT '' NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    examiner_id UUID,
    source VARCHAR(32) NOT NULL,
    status VARCHAR(32) NOT NULL,
    supersedes_id UUID,
    amend_reason TEXT DEFAULT '' NOT NULL,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_exam PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_exam_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id),
    CONSTRAINT ck_exam_washout_days CHECK (washout_days IS NULL OR washout_days >= 0),
    CONSTRAINT ck_exam_refractionmethod CHECK (method IN ('autorefraction', 'retinoscopy', 'subjective', 'lens_power', 'unknown')),
    CONSTRAINT ck_exam_lensstate CHECK (lens_state IN ('none', 'spectacles', 'ok_lens', 'ok_washout', 'soft_lens', 'unknown')),
    CONSTRAINT fk_exam_examiner_id_staff FOREIGN KEY(examiner_id) REFERENCES staff (id),
    CONSTRAINT ck_exam_source CHECK (source IN ('his', 'sales', 'screening', 'device', 'ledger', 'workstation', 'simulation')),
    CONSTRAINT ck_exam_examstatus CHECK (status IN ('final', 'amended', 'void')),
    CONSTRAINT fk_exam_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_exam_customer_id_examined_on ON exam (customer_id, examined_on);
CREATE INDEX ix_exam_site_id ON exam (site_id);

CREATE TABLE follow_up (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    task_id UUID,
    staff_id UUID,
    channel VARCHAR(32) NOT NULL,
    outcome VARCHAR(32) NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    next_on DATE,
    contacted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    source VARCHAR(32) NOT NULL,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_follow_up PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_follow_up_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id),
    CONSTRAINT fk_follow_up_staff_id_staff FOREIGN KEY(staff_id) REFERENCES staff (id),
    CONSTRAINT ck_follow_up_channel CHECK (channel IN ('wecom', 'sms', 'phone', 'ai_call', 'in_person')),
    CONSTRAINT ck_follow_up_outcome CHECK (outcome IN ('booked', 'no_answer', 'considering', 'declined', 'arrived', 'wrong_number', 'moved_away', 'satisfied', 'discomfort')),
    CONSTRAINT ck_follow_up_source CHECK (source IN ('his', 'sales', 'screening', 'device', 'ledger', 'workstation', 'simulation')),
    CONSTRAINT fk_follow_up_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_follow_up_customer_id_contacted_at ON follow_up (customer_id, contacted_at);
CREATE INDEX ix_follow_up_site_id ON follow_up (site_id);

CREATE TABLE held_operation (
    op_id UUID NOT NULL,
    device_id UUID NOT NULL,
    account_id UUID NOT NULL,
    operation JSONB NOT NULL,
    reason TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by_id UUID,
    CONSTRAINT pk_held_operation PRIMARY KEY (op_id),
    CONSTRAINT fk_held_operation_device_id_device FOREIGN KEY(device_id) REFERENCES device (id),
    CONSTRAINT fk_held_operation_account_id_account FOREIGN KEY(account_id) REFERENCES account (id)
);

CREATE TABLE lead (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    kind VARCHAR(32) NOT NULL,
    state VARCHAR(32) NOT NULL,
    initiator_id UUID,
    initiator_department_id UUID,
    receiver_id UUID,
    receiver_department_id UUID,
    closer_id UUID,
    started_on DATE NOT NULL,
    closed_on DATE,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_lead PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_lead_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id),
    CONSTRAINT ck_lead_leadkind CHECK (kind IN ('upsell', 'referral')),
    CONSTRAINT ck_lead_leadstate CHECK (state IN ('started', 'accepted', 'visited', 'closed', 'returned', 'expired')),
    CONSTRAINT fk_lead_initiator_id_staff FOREIGN KEY(initiator_id) REFERENCES staff (id),
    CONSTRAINT fk_lead_initiator_department_id_department FOREIGN KEY(initiator_department_id) REFERENCES department (id),
    CONSTRAINT fk_lead_receiver_id_staff FOREIGN KEY(receiver_id) REFERENCES staff (id),
    CONSTRAINT fk_lead_receiver_department_id_department FOREIGN KEY(receiver_department_id) REFERENCES department (id),
    CONSTRAINT fk_lead_closer_id_staff FOREIGN KEY(closer_id) REFERENCES staff (id),
    CONSTRAINT fk_lead_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_lead_site_id ON lead (site_id);

CREATE TABLE lens_order (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    eye VARCHAR(32) NOT NULL,
    product VARCHAR(32) NOT NULL,
    brand TEXT DEFAULT '' NOT NULL,
    manufacturer TEXT DEFAULT '' NOT NULL,
    model TEXT DEFAULT '' NOT NULL,
    ordered_on DATE,
    dispensed_on DATE,
    ended_on DATE,
    end_reason TEXT DEFAULT '' NOT NULL,
    sphere NUMERIC(5, 2),
    cylinder NUMERIC(5, 2),
    axis INTEGER,
    price NUMERIC(10, 2),
    sold_by_id UUID,
    department_id UUID,
    source VARCHAR(32) NOT NULL,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_lens_order PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_lens_order_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id),
    CONSTRAINT ck_lens_order_price CHECK (price >= 0),
    CONSTRAINT ck_lens_order_eye CHECK (eye IN ('OD', 'OS')),
    CONSTRAINT ck_lens_order_productkind CHECK (product IN ('ok_lens', 'single_vision', 'functional')),
    CONSTRAINT fk_lens_order_sold_by_id_staff FOREIGN KEY(sold_by_id) REFERENCES staff (id),
    CONSTRAINT fk_lens_order_department_id_department FOREIGN KEY(department_id) REFERENCES department (id),
    CONSTRAINT ck_lens_order_source CHECK (source IN ('his', 'sales', 'screening', 'device', 'ledger', 'workstation', 'simulation')),
    CONSTRAINT fk_lens_order_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_lens_order_customer_id_dispensed_on ON lens_order (customer_id, dispensed_on);
CREATE INDEX ix_lens_order_site_id ON lens_order (site_id);

CREATE TABLE match_review (
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    other_id UUID NOT NULL,
    batch_id UUID,
    reasons JSONB NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decision TEXT,
    CONSTRAINT pk_match_review PRIMARY KEY (id),
    CONSTRAINT uq_match_review_customer_id_other_id UNIQUE (customer_id, other_id),
    CONSTRAINT fk_match_review_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id) ON DELETE CASCADE,
    CONSTRAINT fk_match_review_other_id_customer FOREIGN KEY(other_id) REFERENCES customer (id) ON DELETE CASCADE,
    CONSTRAINT fk_match_review_batch_id_import_batch FOREIGN KEY(batch_id) REFERENCES import_batch (id)
);

CREATE TABLE membership (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    segment_key TEXT NOT NULL,
    rule_version_id UUID NOT NULL,
    entered_on DATE NOT NULL,
    left_on DATE,
    evidence JSONB NOT NULL,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_membership PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_membership_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id),
    CONSTRAINT fk_membership_segment_key_segment FOREIGN KEY(segment_key) REFERENCES segment (key),
    CONSTRAINT fk_membership_rule_version_id_rule_version FOREIGN KEY(rule_version_id) REFERENCES rule_version (id),
    CONSTRAINT fk_membership_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_membership_segment_key ON membership (segment_key);
CREATE INDEX ix_membership_site_id ON membership (site_id);
CREATE UNIQUE INDEX uq_membership_current ON membership (customer_id, segment_key) WHERE left_on IS NULL;

CREATE TABLE recheck_plan (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    planned_on DATE NOT NULL,
    due_on DATE NOT NULL,
    planned_by_id UUID,
    source VARCHAR(32) NOT NULL,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_recheck_plan PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_recheck_plan_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id),
    CONSTRAINT fk_recheck_plan_planned_by_id_staff FOREIGN KEY(planned_by_id) REFERENCES staff (id),
    CONSTRAINT ck_recheck_plan_source CHECK (source IN ('his', 'sales', 'screening', 'device', 'ledger', 'workstation', 'simulation')),
    CONSTRAINT fk_recheck_plan_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_recheck_plan_customer_id_due_on ON recheck_plan (customer_id, due_on);
CREATE INDEX ix_recheck_plan_site_id ON recheck_plan (site_id);

CREATE TABLE task (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    sop_key TEXT NOT NULL,
    step_key TEXT NOT NULL,
    subject TEXT DEFAULT '' NOT NULL,
    anchor_on DATE NOT NULL,
    due_on DATE NOT NULL,
    priority INTEGER NOT NULL,
    state VARCHAR(32) NOT NULL,
    owner_id UUID,
    segment_key TEXT,
    rule_version_id UUID,
    evidence JSONB NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    last_outcome VARCHAR(32),
    next_on DATE,
    closed_at TIMESTAMP WITH TIME ZONE,
    close_reason TEXT DEFAULT '' NOT NULL,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_task PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_task_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id),
    CONSTRAINT uq_task_customer_id_sop_key_subject_anchor_on UNIQUE (customer_id, sop_key, subject, anchor_on),
    CONSTRAINT fk_task_sop_key_sop FOREIGN KEY(sop_key) REFERENCES sop (key),
    CONSTRAINT ck_task_taskstate CHECK (state IN ('open', 'in_progress', 'snoozed', 'done', 'cancelled')),
    CONSTRAINT fk_task_owner_id_staff FOREIGN KEY(owner_id) REFERENCES staff (id),
    CONSTRAINT ck_task_outcome CHECK (last_outcome IN ('booked', 'no_answer', 'considering', 'declined', 'arrived', 'wrong_number', 'moved_away', 'satisfied', 'discomfort')),
    CONSTRAINT fk_task_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_task_owner_id_state_due_on ON task (owner_id, state, due_on);
CREATE INDEX ix_task_site_id ON task (site_id);

CREATE TABLE token (
    hash BYTEA NOT NULL,
    purpose TEXT NOT NULL,
    account_id UUID NOT NULL,
    device_id UUID NOT NULL,
    family_id UUID NOT NULL,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_token PRIMARY KEY (hash),
    CONSTRAINT fk_token_account_id_account FOREIGN KEY(account_id) REFERENCES account (id) ON DELETE CASCADE,
    CONSTRAINT fk_token_device_id_device FOREIGN KEY(device_id) REFERENCES device (id) ON DELETE CASCADE
);
CREATE INDEX ix_token_account_id ON token (account_id);
CREATE INDEX ix_token_device_id ON token (device_id);

CREATE TABLE visit (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    visit_on DATE NOT NULL,
    state VARCHAR(32) NOT NULL,
    department_id UUID,
    purpose TEXT DEFAULT '' NOT NULL,
    source VARCHAR(32) NOT NULL,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_visit PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_visit_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id),
    CONSTRAINT ck_visit_visitstate CHECK (state IN ('booked', 'arrived', 'missed', 'cancelled')),
    CONSTRAINT fk_visit_department_id_department FOREIGN KEY(department_id) REFERENCES department (id),
    CONSTRAINT ck_visit_source CHECK (source IN ('his', 'sales', 'screening', 'device', 'ledger', 'workstation', 'simulation')),
    CONSTRAINT fk_visit_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_visit_customer_id_visit_on ON visit (customer_id, visit_on);
CREATE INDEX ix_visit_site_id ON visit (site_id);

CREATE TABLE eye_measurement (
    customer_id UUID NOT NULL,
    id UUID NOT NULL,
    exam_id UUID NOT NULL,
    eye VARCHAR(32) NOT NULL,
    ucva NUMERIC(3, 2),
    bcva NUMERIC(3, 2),
    sphere NUMERIC(5, 2),
    cylinder NUMERIC(5, 2),
    axis INTEGER,
    axial_length_mm NUMERIC(5, 2),
    k1 NUMERIC(5, 2),
    k2 NUMERIC(5, 2),
    iop_mmhg NUMERIC(4, 1),
    cct_um INTEGER,
    site_id UUID NOT NULL,
    ver INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_eye_measurement PRIMARY KEY (customer_id, id),
    CONSTRAINT fk_eye_measurement_customer_id_exam_id_exam FOREIGN KEY(customer_id, exam_id) REFERENCES exam (customer_id, id),
    CONSTRAINT uq_eye_measurement_customer_id_exam_id_eye UNIQUE (customer_id, exam_id, eye),
    CONSTRAINT ck_eye_measurement_sphere CHECK (sphere BETWEEN -30 AND 25),
    CONSTRAINT ck_eye_measurement_cylinder CHECK (cylinder BETWEEN -10 AND 0),
    CONSTRAINT ck_eye_measurement_axis CHECK (axis BETWEEN 1 AND 180),
    CONSTRAINT ck_eye_measurement_axial_length_mm CHECK (axial_length_mm BETWEEN 15 AND 35),
    CONSTRAINT ck_eye_measurement_k CHECK (k1 BETWEEN 30 AND 60 AND k2 BETWEEN 30 AND 60),
    CONSTRAINT ck_eye_measurement_iop_mmhg CHECK (iop_mmhg BETWEEN 3 AND 60),
    CONSTRAINT ck_eye_measurement_cct_um CHECK (cct_um BETWEEN 350 AND 800),
    CONSTRAINT ck_eye_measurement_eye CHECK (eye IN ('OD', 'OS')),
    CONSTRAINT fk_eye_measurement_site_id_site FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE INDEX ix_eye_measurement_site_id ON eye_measurement (site_id);
