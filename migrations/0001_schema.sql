-- The whole schema, in the SQL that SQLite and PostgreSQL share: text, bigint, double precision, bytea.
-- Ids are text made by the program, times are milliseconds since 1970 UTC, flags are nullable times, days are yyyy-mm-dd.

create table municipalities (
    id text primary key,
    slug text not null unique,
    name text not null,
    country text not null check (country in ('dk', 'se')),
    settings text not null,
    created_at bigint not null,
    updated_at bigint not null
);

-- Staff -------------------------------------------------------------------------------------------------------------

create table users (
    id text primary key,
    municipality_id text not null references municipalities (id),
    name text not null,
    email text not null,
    role text not null check (role in ('administrator', 'analyst', 'committee', 'interviewer')),
    disabled_at bigint,
    created_at bigint not null,
    unique (municipality_id, email)
);

create table sign_ins (
    lookup text primary key,
    user_id text not null references users (id),
    expires_at bigint not null,
    used_at bigint,
    created_at bigint not null
);

create table sessions (
    lookup text primary key,
    user_id text not null references users (id),
    expires_at bigint not null,
    created_at bigint not null
);
create index sessions_by_user on sessions (user_id);

create table audit (
    id text primary key,
    municipality_id text not null references municipalities (id),
    at bigint not null,
    user_id text references users (id),
    action text not null,
    subject text not null,
    detail text not null
);
create index audit_by_time on audit (municipality_id, at);

-- Identity: businesses, frames, contacts, invitations -----------------------------------------------------------------

create table businesses (
    id text primary key,
    municipality_id text not null references municipalities (id),
    unit_key text not null,
    opted_out_at bigint,
    created_at bigint not null,
    unique (municipality_id, unit_key)
);

-- An import is staged out of sight; the one that is 'current' is its year's frame.
create table frame_imports (
    id text primary key,
    municipality_id text not null references municipalities (id),
    year bigint not null,
    file_name text not null,
    content_hash text not null,
    state text not null check (state in ('staging', 'current', 'superseded')),
    change text,
    created_at bigint not null,
    finished_at bigint
);
create index frame_imports_by_municipality on frame_imports (municipality_id, state);
create unique index frame_imports_current on frame_imports (municipality_id, year) where state = 'current';

create table frame_rows (
    import_id text not null references frame_imports (id),
    business_id text not null references businesses (id),
    country text not null,
    company_number text,
    name text not null,
    street text not null,
    postcode text not null,
    city text not null,
    industry_code text not null,
    classification text not null,
    employees_low bigint not null,
    employees_high bigint,
    company_employees_low bigint,
    company_employees_high bigint,
    sector text not null,
    size text not null,
    area text,
    started_on text,
    email text,
    phone text,
    protected_at bigint,
    primary key (import_id, business_id)
);

create table contacts (
    id text primary key,
    municipality_id text not null references municipalities (id),
    address text not null,
    language text,
    opted_out_at bigint,
    suppressed_at bigint,
    suppressed_words text,
    created_at bigint not null,
    unique (municipality_id, address)
);

create table questionnaires (
    id text primary key,
    municipality_id text not null references municipalities (id),
    key text not null,
    version bigint not null,
    body text not null,
    hash text not null,
    created_at bigint not null,
    unique (municipality_id, key, version)
);

create table rounds (
    id text primary key,
    municipality_id text not null references municipalities (id),
    year bigint not null,
    title text not null,
    state text not null check (state in ('draft', 'opening', 'open', 'closed')),
    opens_on text,
    closes_on text,
    questionnaire_id text references questionnaires (id),
    import_id text references frame_imports (id),
    threshold bigint not null check (threshold >= 5),
    cursor text not null,
    opening_done bigint not null,
    opening_total bigint not null,
    paused_at bigint,
    pause_reason text,
    opened_at bigint,
    closed_at bigint,
    links_cut_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    unique (municipality_id, year),
    check (state in ('draft', 'closed') or (questionnaire_id is not null and import_id is not null))
);
create index rounds_by_import on rounds (import_id);

create table invitations (
    id text primary key,
    municipality_id text not null references municipalities (id),
    round_id text not null references rounds (id),
    business_id text not null references businesses (id),
    contact_id text references contacts (id),
    generation bigint not null,
    lookup text not null unique,
    language text,
    opted_out_at bigint,
    passed_on_at bigint,
    created_at bigint not null,
    unique (round_id, contact_id)
);

create index invitations_in_order on invitations (round_id, id);
create index invitations_by_contact on invitations (contact_id);

-- Every business that an invitation stands for, the addressed one included.
create table invitation_businesses (
    round_id text not null references rounds (id),
    business_id text not null references businesses (id),
    invitation_id text not null references invitations (id),
    primary key (round_id, business_id)
);
create index invitation_businesses_by_invitation on invitation_businesses (invitation_id);

-- "May we contact you?": with the identity, apart from the answers.
create table contact_wishes (
    id text primary key,
    municipality_id text not null references municipalities (id),
    invitation_id text not null unique references invitations (id),
    name text not null,
    reach text not null,
    about text not null,
    created_at bigint not null
);

-- The one table that joins identity and answers. -----------------------------------------------------------------------

create table panel_links (
    business_id text primary key references businesses (id),
    municipality_id text not null references municipalities (id),
    panel_id text not null unique,
    created_at bigint not null
);

-- Answers: known by panel id only ---------------------------------------------------------------------------------------

create table responses (
    id text primary key,
    municipality_id text not null references municipalities (id),
    round_id text not null references rounds (id),
    panel_id text not null,
    status text not null check (status in ('started', 'partial', 'complete', 'withdrawn')),
    mode text not null check (mode in ('web', 'telephone', 'imported')),
    language text,
    revision bigint not null,
    reference_hash text,
    last_screen text,
    started_at bigint not null,
    updated_at bigint not null,
    submitted_at bigint,
    unique (round_id, panel_id)
);

-- The panel ids for which a response stands: one per business, and one response per business and round.
create table response_panels (
    round_id text not null references rounds (id),
    panel_id text not null,
    response_id text not null references responses (id),
    primary key (round_id, panel_id)
);
create index response_panels_by_response on response_panels (response_id);

-- A cleared answer keeps its row without a value, so that another device's older page cannot bring it back unseen.
create table answers (
    response_id text not null references responses (id),
    question_key text not null,
    value text,
    revision bigint not null,
    primary key (response_id, question_key)
);

-- Mail -------------------------------------------------------------------------------------------------------------------

create table outbox (
    id text primary key,
    municipality_id text not null references municipalities (id),
    round_id text not null references rounds (id),
    invitation_id text not null references invitations (id),
    contact_id text not null references contacts (id),
    generation bigint not null,
    wave bigint not null check (wave between 0 and 3),
    message_id text not null unique,
    state text not null check (state in ('pending', 'claimed', 'sending', 'sent', 'deferred', 'failed', 'uncertain', 'cancelled')),
    lease_owner text,
    lease_until bigint,
    attempts bigint not null,
    next_attempt_at bigint not null,
    words text not null,
    queued_at bigint not null,
    updated_at bigint not null,
    sent_at bigint,
    unique (invitation_id, generation, wave)
);
-- In the order in which workers take them, so that a claim reads a hundred rows and not the whole queue.
create index outbox_due on outbox (next_attempt_at, id) where state in ('pending', 'deferred');
create index outbox_leased on outbox (lease_until) where state in ('claimed', 'sending');
create index outbox_by_contact on outbox (contact_id);
create index outbox_by_round on outbox (round_id, wave, state);

create table caught_mails (
    id text primary key,
    municipality_id text not null references municipalities (id),
    message_id text not null,
    recipient text not null,
    subject text not null,
    raw bytea not null,
    caught_at bigint not null,
    unique (municipality_id, message_id)
);

-- What comes out -----------------------------------------------------------------------------------------------------------

create table publications (
    id text primary key,
    municipality_id text not null references municipalities (id),
    year bigint not null,
    version bigint not null,
    date text not null,
    title text not null,
    note text not null,
    report text not null,
    extra text not null,
    created_at bigint not null,
    unique (municipality_id, year, version)
);

create table initiatives (
    id text primary key,
    municipality_id text not null references municipalities (id),
    plan text not null,
    state text not null check (state in ('planned', 'running', 'done', 'dropped')),
    created_at bigint not null,
    updated_at bigint not null
);

create table initiative_steps (
    id text primary key,
    initiative_id text not null references initiatives (id),
    state text not null check (state in ('planned', 'running', 'done', 'dropped')),
    note text not null,
    at bigint not null
);
create index initiative_steps_by_initiative on initiative_steps (initiative_id);

create table jobs (
    id text primary key,
    municipality_id text not null references municipalities (id),
    kind text not null,
    arguments text not null,
    state text not null check (state in ('queued', 'running', 'done', 'failed')),
    done bigint not null,
    total bigint not null,
    result text,
    error text,
    attempts bigint not null,
    lease_owner text,
    lease_until bigint,
    created_at bigint not null,
    finished_at bigint
);
create index jobs_by_state on jobs (state, created_at);

create table job_files (
    job_id text not null references jobs (id),
    name text not null,
    media_type text not null,
    bytes bytea not null,
    primary key (job_id, name)
);
