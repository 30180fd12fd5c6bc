-- Register extracts that were sent in and are not decided on, which column was which field, and what staff corrected by hand.
create table frame_uploads (
    id text primary key,
    municipality_id text not null references municipalities (id),
    year bigint not null,
    classification text not null,
    file_name text not null,
    -- Headings and first rows, as JSON.
    head text not null,
    -- Field by position of its column, as JSON; null: not chosen yet.
    fields text,
    -- The job that reads it, and what it made.
    job_id text,
    import_id text,
    preview text,
    created_by text references users (id),
    created_at bigint not null,
    -- Last: what stands before it is read without it.
    bytes bytea not null
);
create index frame_uploads_by_municipality on frame_uploads (municipality_id, created_at);

create table frame_mappings (
    municipality_id text not null references municipalities (id),
    heading text not null,
    -- null: this column is left unread.
    field text,
    updated_at bigint not null,
    primary key (municipality_id, heading)
);

-- What became of the file's rows, as JSON; the job that read it; the frame it replaced, for taking it back; changed by hand or by another grouping.
alter table frame_imports add column summary text;
alter table frame_imports add column job_id text;
alter table frame_imports add column former_id text;
alter table frame_imports add column revised_at bigint;

create table frame_edits (
    id text primary key,
    municipality_id text not null references municipalities (id),
    business_id text not null references businesses (id),
    -- The frame in which it was made; it holds for later ones too.
    year bigint not null,
    field text not null check (field in ('name', 'street', 'postcode', 'city', 'email', 'phone', 'sector', 'excluded')),
    -- What the register said; as long as it says so, what staff wrote stands in its place.
    was text,
    written text,
    reason text not null,
    made_by text references users (id),
    made_at bigint not null,
    ended_by text references users (id),
    ended_at bigint
);
create index frame_edits_by_business on frame_edits (municipality_id, business_id);
create unique index frame_edits_in_force on frame_edits (business_id, field) where ended_at is null;

-- Units that staff left out of a frame, to be put back as they were.
create table frame_excluded (
    import_id text not null references frame_imports (id),
    business_id text not null references businesses (id),
    unit text not null,
    primary key (import_id, business_id)
);
