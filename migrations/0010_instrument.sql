-- The instrument in the analyst's hands: questionnaires in the making.

-- A version in the making, its last state before the latest change, and what was decided about changed questions.
create table questionnaire_drafts (
    id text primary key,
    municipality_id text not null references municipalities (id),
    base_id text not null references questionnaires (id),
    body text not null,
    undo_body text,
    decisions text not null,
    revision bigint not null,
    edited_by text references users (id),
    created_at bigint not null,
    updated_at bigint not null
);
create index questionnaire_drafts_by_municipality on questionnaire_drafts (municipality_id);

-- Where a version comes from, and whether its changed questions still measure the same.
create table questionnaire_origins (
    questionnaire_id text primary key references questionnaires (id),
    municipality_id text not null references municipalities (id),
    base_id text not null references questionnaires (id),
    decisions text not null,
    note text not null,
    made_by text references users (id),
    made_at bigint not null
);
create index questionnaire_origins_by_municipality on questionnaire_origins (municipality_id);
