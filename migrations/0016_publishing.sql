-- What is about to be published, and what was frozen with it.
create table publication_drafts (
    municipality_id text not null references municipalities (id),
    year bigint not null,
    title text not null,
    note text not null,
    foreword text not null,
    remark text not null,
    choice text not null,
    whole text not null,
    extra text not null,
    marks text not null,
    kept text not null,
    -- What it was computed from; another value: it is out of date.
    material text not null,
    made_at bigint not null,
    updated_at bigint not null,
    primary key (municipality_id, year)
);

-- The whole analysis behind a publication, chosen or not: later publications must not tell what it hides.
create table publication_bases (
    publication_id text primary key references publications (id),
    whole text not null,
    marks text not null
);
