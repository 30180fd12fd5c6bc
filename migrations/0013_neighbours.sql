-- Other municipalities: the key with which each signs its packages, confirmed once by a person, and the packages themselves.
create table neighbours (
    id text primary key,
    municipality_id text not null references municipalities (id),
    public_key text not null,
    name text not null,
    country text not null,
    created_at bigint not null,
    confirmed_at bigint,
    unique (municipality_id, public_key)
);

create table neighbour_packages (
    id text primary key,
    neighbour_id text not null references neighbours (id),
    year bigint not null,
    version bigint not null,
    hash text not null,
    content text not null,
    imported_at bigint not null,
    unique (neighbour_id, year, version)
);

-- Figures that others publish without answers (Insikt, Svenskt Näringsliv, DI, KL): they measure something else and are never tested.
create table outside_figures (
    id text primary key,
    municipality_id text not null references municipalities (id),
    source text not null,
    measure text not null,
    place text not null,
    year bigint not null,
    value double precision not null,
    unit text not null,
    n bigint,
    note text not null,
    imported_at bigint not null,
    unique (municipality_id, source, measure, place, year)
);
