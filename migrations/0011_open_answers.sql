-- Quotes that the analyst has released to the committee: the redacted words alone. They can be taken back until they are published.
create table quotes (
    response_id text not null references responses (id),
    question_key text not null,
    municipality_id text not null references municipalities (id),
    words text not null,
    released_by text not null references users (id),
    released_at bigint not null,
    published_at bigint,
    primary key (response_id, question_key)
);
create index quotes_by_municipality on quotes (municipality_id);
