-- When mail may go out: its end as a state of its own, reasons of a pause as keys, office hours, pace, and the switch for all mail.

-- A changed constraint needs a new table in the SQL that both engines share.
create table outbox_next (
    id text primary key,
    municipality_id text not null references municipalities (id),
    round_id text not null references rounds (id),
    invitation_id text not null references invitations (id),
    contact_id text not null references contacts (id),
    generation bigint not null,
    wave bigint not null check (wave >= 0),
    message_id text not null unique,
    state text not null check (state in ('pending', 'claimed', 'sending', 'sent', 'deferred', 'failed', 'uncertain', 'cancelled', 'expired')),
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
insert into outbox_next select id, municipality_id, round_id, invitation_id, contact_id, generation, wave, message_id, state, lease_owner,
    lease_until, attempts, next_attempt_at, words, queued_at, updated_at, sent_at from outbox;
drop table outbox;
alter table outbox_next rename to outbox;
-- In the order in which workers take them, so that a claim reads a hundred rows and not the whole queue.
create index outbox_due on outbox (next_attempt_at, id) where state in ('pending', 'deferred');
create index outbox_leased on outbox (lease_until) where state in ('claimed', 'sending');
create index outbox_by_contact on outbox (contact_id);
create index outbox_by_round on outbox (round_id, wave, state);

-- Why sending stopped: a key of the texts, with pause_reason as the server's own words; no key: a person's words.
alter table rounds add column pause_key text;
-- Nothing of the round is sent before (outside office hours), or after (set by hand; its last day ends it anyway).
alter table rounds add column mail_after bigint not null default 0;
alter table rounds add column mail_until bigint;

-- One row: does any mail go out at all, and when did a sender last show itself?
create table mail_switch (
    id bigint primary key check (id = 1),
    instance text not null,
    beat_at bigint not null,
    paused_at bigint,
    pause_key text,
    words text not null
);

-- Token buckets, by relay and by recipient domain.
create table mail_pace (
    bucket text primary key,
    tokens double precision not null,
    at bigint not null
);
