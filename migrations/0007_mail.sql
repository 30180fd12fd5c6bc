-- Why protected businesses may be asked all the same, and who recorded it.

create table contact_bases (
    id text primary key,
    municipality_id text not null references municipalities (id),
    round_id text not null references rounds (id),
    -- The business that consented; null: the basis is the law's, for every protected business of the round.
    business_id text references businesses (id),
    words text not null,
    -- Who decided or consented, and on which day.
    given_by text not null,
    given_on text not null,
    -- Who wrote it down; null: at the command line.
    recorded_by text references users (id),
    recorded_at bigint not null,
    ended_by text references users (id),
    ended_at bigint
);
create index contact_bases_by_round on contact_bases (round_id, business_id);

-- The invitation stands for a protected business whose basis has ended: nobody writes or calls.
alter table invitations add column barred_at bigint;
