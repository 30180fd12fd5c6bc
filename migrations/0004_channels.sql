-- Letters and Digital Post: by which way a business was approached in a wave, one way at most, kept when it was handed over.
create table approaches (
    round_id text not null references rounds (id),
    wave bigint not null check (wave between 0 and 3),
    business_id text not null references businesses (id),
    municipality_id text not null references municipalities (id),
    invitation_id text not null references invitations (id),
    channel text not null check (channel in ('letter', 'digital_post')),
    -- Stands on the letter or in the message, and comes back with its receipt.
    reference text not null,
    exported_at bigint not null,
    receipt text check (receipt in ('delivered', 'rejected', 'returned')),
    receipt_words text not null,
    receipt_at bigint,
    primary key (round_id, wave, business_id)
);
create index approaches_by_reference on approaches (municipality_id, reference);
create index approaches_by_invitation on approaches (invitation_id);
