-- What becomes of a wish to be contacted, and visits to businesses.
alter table contact_wishes add column owner_id text references users (id);
alter table contact_wishes add column due_on text;
alter table contact_wishes add column note text not null default '';
alter table contact_wishes add column done_at bigint;

create table visits (
    id text primary key,
    municipality_id text not null references municipalities (id),
    business_id text not null references businesses (id),
    visited_on text not null,
    visitor text not null,
    note text not null,
    -- Why a business that the register protects may be visited all the same.
    basis text,
    created_by text not null references users (id),
    created_at bigint not null
);
create index visits_by_day on visits (municipality_id, visited_on);
create index visits_by_business on visits (business_id);
