-- Continuous measurement: closed cases, whom we asked about them, and figures by quarter.

-- A round of cases is one day's: the short questionnaire to those whose cases arrived on it. A rule of 0001 is one round per
-- municipality and year, which no SQL of both engines can take back; so such a round has its day (20261123) in the column `year`,
-- and whoever asks for a year's round never meets it.
alter table rounds add column kind text not null default 'yearly' check (kind in ('yearly', 'cases'));

-- With the identity, apart from the answers.
create table cases (
    id text primary key,
    municipality_id text not null references municipalities (id),
    case_id text not null,
    authority text not null,
    closed_on text not null,
    -- Null: no business of the register.
    business_id text references businesses (id),
    -- Null: nobody was asked about it.
    invitation_id text unique references invitations (id),
    outcome text not null check (outcome in ('asked', 'not_in_register', 'protected', 'opted_out', 'no_address', 'too_old', 'other_case', 'lately')),
    imported_at bigint not null,
    unique (municipality_id, case_id)
);
create index cases_by_day on cases (municipality_id, closed_on);

-- What an answer is about; with the answers, so that it stays when the link to the business is cut.
create table case_answers (
    response_id text primary key references responses (id),
    municipality_id text not null references municipalities (id),
    authority text not null,
    closed_on text not null
);
create index case_answers_by_day on case_answers (municipality_id, closed_on);

-- Sums of a quarter (span 1) and of the four quarters that end with it (span 4), kept when no more answers can come. From then on
-- neither a late answer nor an erasure moves a figure, and what was shown stays shown.
create table case_sums (
    municipality_id text not null references municipalities (id),
    quarter text not null,
    span bigint not null check (span in (1, 4)),
    -- 'all': every authority.
    authority text not null,
    measure text not null,
    cases bigint not null,
    answered bigint not null,
    respondents bigint not null,
    n bigint not null,
    businesses bigint not null,
    -- Over businesses with m answers that add up to s: sums of s, s², m·s and m².
    total double precision not null,
    squares double precision not null,
    crossed double precision not null,
    repeats double precision not null,
    shown_at bigint,
    primary key (municipality_id, quarter, span, authority, measure)
);

-- The six-months rule asks by business.
create index invitation_businesses_by_business on invitation_businesses (business_id);
create index approaches_by_business on approaches (business_id);
