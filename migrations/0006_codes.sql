-- Codes of open answers as a person confirmed them: the themes of one comment, by one coder, under one version of the codebook.
-- No theme at all is a code too: the comment was read and raises nothing of the codebook.
create table comment_codes (
    response_id text not null references responses (id),
    question_key text not null,
    coder text not null,
    codebook_version bigint not null,
    themes text not null,
    confirmed_at bigint not null,
    primary key (response_id, question_key, coder, codebook_version)
);
