-- Drafts beside a response, telephone calls, and links that were passed on.

-- Answers in the making that do not count yet: a new answer in place of a sent one, or what an interviewer types on the
-- telephone. Known by panel id, like the responses. Sent, they take the response's place; never sent, they go with the round.
create table drafts (
    id text primary key,
    municipality_id text not null references municipalities (id),
    round_id text not null references rounds (id),
    panel_id text not null,
    mode text not null check (mode in ('web', 'telephone')),
    language text not null,
    revision bigint not null,
    last_screen text,
    started_at bigint not null,
    updated_at bigint not null,
    unique (round_id, panel_id, mode)
);

create table draft_answers (
    draft_id text not null references drafts (id),
    question_key text not null,
    value text,
    revision bigint not null,
    primary key (draft_id, question_key)
);

-- What came of a telephone call, in AAPOR's codes. With the identity, apart from the answers.
create table calls (
    id text primary key,
    municipality_id text not null references municipalities (id),
    round_id text not null references rounds (id),
    business_id text not null references businesses (id),
    user_id text not null references users (id),
    outcome text not null,
    again_on text,
    note text not null,
    at bigint not null
);
create index calls_by_business on calls (round_id, business_id, at);

-- Who has a business on the telephone, so that two do not call it at once.
create table call_holds (
    round_id text not null references rounds (id),
    business_id text not null references businesses (id),
    user_id text not null references users (id),
    until_at bigint not null,
    primary key (round_id, business_id)
);

-- Links that ended when an invitation was passed on, so that whoever still opens one is told and not left alone.
create table former_links (
    lookup text primary key,
    invitation_id text not null references invitations (id),
    ended_at bigint not null
);
create index former_links_by_invitation on former_links (invitation_id);
