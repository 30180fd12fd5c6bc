-- How members of staff prove who they are, and readers from outside.

alter table users add column last_sign_in_at bigint;

-- 'in': signed in; 'code': the password was right, the second step is missing; 'set_up': the second step must be set up first.
alter table sessions add column stage text not null default 'in' check (stage in ('in', 'code', 'set_up'));
alter table sessions add column method text not null default 'link' check (method in ('link', 'password', 'single', 'reader', 'demo'));
alter table sessions add column device text not null default '';
alter table sessions add column seen_at bigint not null default 0;
alter table sessions add column proved_at bigint not null default 0;
-- A reader from outside may be shown one publication only.
alter table sessions add column publication_id text references publications (id);
create index sessions_by_expiry on sessions (expires_at);

-- What a one-time link is for.
alter table sign_ins add column purpose text not null default 'session' check (purpose in ('session', 'invitation', 'reset'));
create index sign_ins_by_user on sign_ins (user_id);

-- The hash names its own parameters, so that they can be raised.
create table passwords (
    user_id text primary key references users (id),
    hash text not null,
    changed_at bigint not null
);

-- The secret is derived from the generation; here is none.
create table second_steps (
    user_id text primary key references users (id),
    generation bigint not null,
    confirmed_at bigint,
    last_step bigint not null,
    created_at bigint not null
);

create table recovery_codes (
    user_id text not null references users (id),
    lookup text not null,
    used_at bigint,
    created_at bigint not null,
    primary key (user_id, lookup)
);

-- Who has tried too often: keyed hashes of accounts and addresses.
create table brakes (
    lookup text primary key,
    failures bigint not null,
    until bigint not null,
    updated_at bigint not null
);
create index brakes_by_time on brakes (updated_at);

-- Who somebody is at the municipality's own sign-in (OIDC).
create table identities (
    municipality_id text not null references municipalities (id),
    issuer text not null,
    subject text not null,
    user_id text not null references users (id),
    created_at bigint not null,
    primary key (municipality_id, issuer, subject)
);
create index identities_by_user on identities (user_id);

-- A sign-in elsewhere that is under way.
create table single_sign_ons (
    lookup text primary key,
    municipality_id text not null references municipalities (id),
    nonce text not null,
    verifier text not null,
    expires_at bigint not null
);

-- Personal links for members of the forum from outside.
create table reader_links (
    id text primary key,
    municipality_id text not null references municipalities (id),
    user_id text not null unique references users (id),
    lookup text not null unique,
    publication_id text references publications (id),
    made_by text references users (id),
    expires_at bigint not null,
    revoked_at bigint,
    first_used_at bigint,
    last_used_at bigint,
    uses bigint not null,
    created_at bigint not null
);
create index reader_links_by_municipality on reader_links (municipality_id, created_at);

-- The one-time link of an empty database.
create table set_ups (
    lookup text primary key,
    expires_at bigint not null,
    used_at bigint,
    created_at bigint not null
);

-- Mail to staff. The link in it is derived from its id when the mail is written.
create table staff_mails (
    id text primary key,
    municipality_id text not null references municipalities (id),
    user_id text not null references users (id),
    kind text not null check (kind in ('invitation', 'reset')),
    state text not null check (state in ('pending', 'sent', 'failed', 'cancelled')),
    attempts bigint not null,
    next_attempt_at bigint not null,
    words text not null,
    queued_at bigint not null,
    sent_at bigint
);
create index staff_mails_due on staff_mails (state, next_attempt_at);
create index staff_mails_by_user on staff_mails (user_id, queued_at);

create index audit_by_user on audit (municipality_id, user_id, at);
