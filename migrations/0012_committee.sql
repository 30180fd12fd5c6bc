-- What the committee reads beside figures: focus areas, goals in versions, initiatives with their history, statuses between rounds,
-- growth accounts. The two tables of 0001 were never written to by any page, so that nothing is carried over.
drop table initiative_steps;
drop table initiatives;

create table focus_areas (
    municipality_id text not null references municipalities (id),
    key text not null,
    position bigint not null,
    title text not null,
    theme text not null,
    primary key (municipality_id, key)
);

create table goals (
    id text primary key,
    municipality_id text not null references municipalities (id),
    ended_on text,
    created_at bigint not null
);
create index goals_by_municipality on goals (municipality_id);

create table goal_versions (
    goal_id text not null references goals (id),
    version bigint not null,
    since text not null,
    note text not null,
    plan text not null,
    created_at bigint not null,
    primary key (goal_id, version)
);

create table initiatives (
    id text primary key,
    municipality_id text not null references municipalities (id),
    plan text not null,
    state text not null check (state in ('idea', 'active', 'done', 'stopped')),
    created_at bigint not null,
    updated_at bigint not null
);
create index initiatives_by_municipality on initiatives (municipality_id, created_at);

create table initiative_steps (
    id text primary key,
    initiative_id text not null references initiatives (id),
    state text not null check (state in ('idea', 'active', 'done', 'stopped')),
    on_day text not null,
    note text not null,
    created_at bigint not null
);
create index initiative_steps_by_initiative on initiative_steps (initiative_id);

create table statuses (
    id text primary key,
    municipality_id text not null references municipalities (id),
    publication_id text not null references publications (id),
    date text not null,
    title text not null,
    note text not null,
    standing text not null,
    created_at bigint not null
);
create index statuses_by_municipality on statuses (municipality_id, created_at);

-- A whole municipality's figure has the sector ''.
create table register_facts (
    municipality_id text not null references municipalities (id),
    year bigint not null,
    fact text not null,
    sector text not null,
    kind text not null,
    value double precision not null,
    source text not null,
    imported_at bigint not null,
    primary key (municipality_id, year, fact, sector)
);
