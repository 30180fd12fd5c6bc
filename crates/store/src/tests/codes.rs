//! Confirmed codes: kept for closed rounds, one per coder and codebook version, gone with the answers.
use domain::fieldwork::Mode;
use domain::ids::ResponseId;
use domain::language::Language;

use super::material::{NOW, YEAR, invitations, open_round, save, units};
use super::{Ground, on_both};
use crate::StoreError;
use crate::codes::{CommentRow, ConfirmedCode};

fn code(comment: &CommentRow, coder: &str, themes: &[&str]) -> ConfirmedCode {
    ConfirmedCode {
        response: comment.response.clone(),
        question: comment.question.clone(),
        coder: coder.into(),
        version: 1,
        themes: themes.iter().map(|t| (*t).to_owned()).collect(),
        confirmed_at: NOW,
    }
}

async fn codes_are_confirmed_and_go_with_their_answers(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(3)).await;
    let all = invitations(store, &m, &round).await;
    for (at, invitation) in all.values().enumerate() {
        save(store, invitation, 0, &[("overall", "4"), ("why", if at == 0 { "Bussen." } else { "Vejene." })])
            .await
            .unwrap();
    }
    // A page that was saved is not sent yet: what is no answer is no comment.
    for invitation in all.values() {
        store.submit(invitation, "h", Mode::Web, Language::Da, NOW).await.unwrap();
    }
    let questions = ["why".to_owned(), "first".to_owned()];
    let comments = store.comments(&m, YEAR, &questions).await.unwrap();
    assert_eq!(comments.len(), 3);
    let open = store.confirm_codes(&m, &[code(&comments[0], "ann", &["labour"])]).await;
    assert!(matches!(open, Err(StoreError::NotFound(_))), "the round still takes answers");
    store.close_round(&m, &round, NOW).await.unwrap();

    store.confirm_codes(&m, &[code(&comments[0], "ann", &["labour"]), code(&comments[1], "ann", &[])]).await.unwrap();
    store.confirm_codes(&m, &[code(&comments[0], "ann", &["accessibility", "charges"])]).await.unwrap();
    store.confirm_codes(&m, &[code(&comments[0], "bo", &["charges"])]).await.unwrap();
    let codes = store.comment_codes(&m, YEAR).await.unwrap();
    assert_eq!(codes.len(), 3, "the second word of one coder replaces the first");
    let first = |coder: &str| {
        codes.iter().find(|c| c.coder == coder && c.response == comments[0].response).unwrap().themes.clone()
    };
    assert_eq!(
        (first("ann"), first("bo")),
        (vec!["accessibility".to_owned(), "charges".into()], vec!["charges".into()])
    );
    let lost = ConfirmedCode { response: ResponseId("nobody".into()), ..code(&comments[0], "ann", &[]) };
    assert!(matches!(store.confirm_codes(&m, &[lost]).await, Err(StoreError::NotFound(_))));

    for row in store.frame_units(&m, YEAR, None, 10).await.unwrap() {
        store.erase_business(&m, &row.business, NOW).await.unwrap();
    }
    let mut conn = store.read().await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from comment_codes").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(left, 0);
}

on_both!(codes_are_confirmed_and_go_with_their_answers);
