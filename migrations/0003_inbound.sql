-- Mail that comes in: bounces, complaints, answers of machines and people. Kept raw before it is acknowledged.

create table inbound_mails (
    id text primary key,
    -- Made of the message itself, so that the same one kept twice is one.
    fingerprint text not null unique,
    source text not null check (source in ('imap', 'folder', 'webhook')),
    media text not null check (media in ('message', 'report')),
    raw bytea,
    -- Bytes of the message before it was cut to what is kept.
    size bigint not null,
    state text not null check (state in ('new', 'open', 'bounce', 'complaint', 'notice', 'handled')),
    received_at bigint not null,
    processed_at bigint,
    municipality_id text references municipalities (id),
    round_id text references rounds (id),
    invitation_id text references invitations (id),
    mail_id text references outbox (id),
    matched_by text check (matched_by in ('return-path', 'message-id', 'recipient', 'person')),
    kind text check (kind in ('none', 'auto-reply', 'temporary', 'permanent', 'complaint')),
    -- The address itself is dead, and no mail goes there any more.
    hard_at bigint,
    status text,
    reason text,
    address text not null,
    words text not null,
    sender text not null,
    subject text not null
);
create index inbound_mails_new on inbound_mails (id) where state = 'new';
create index inbound_mails_by_state on inbound_mails (municipality_id, state, received_at);
create index inbound_mails_by_mail on inbound_mails (mail_id);
create index inbound_mails_by_round on inbound_mails (round_id);
create index inbound_mails_by_invitation on inbound_mails (invitation_id);
create index inbound_mails_by_address on inbound_mails (address);
create index contacts_by_address on contacts (address);
