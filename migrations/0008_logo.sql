-- A municipality's logo: one small file, checked and cleaned before it comes here. What pages need to know of it stands in the settings.
create table logos (
    municipality_id text primary key references municipalities (id),
    media_type text not null,
    content bytea not null,
    updated_at bigint not null
);
