//! Questionnaires in the making.
use domain::fieldwork::Role;
use domain::ids::{MunicipalityId, UserId};
use domain::language::Country;
use domain::municipality::Settings;
use domain::questionnaire::{Decision, Decisions, shipped};
use domain::time::Millis;

use super::{Ground, on_both};
use crate::StoreError;
use crate::instrument::Edit;
use crate::rounds::RoundPlan;

const NOW: Millis = Millis(1_790_000_000_000);

async fn house(ground: &Ground) -> (MunicipalityId, UserId) {
    let store = &ground.store;
    let id = store.create_municipality("hojager", "Højager", Country::Dk, &Settings::default(), NOW).await.unwrap().id;
    let user = store.create_user(&id, "Mette Holm", "mette@hojager.example", Role::Analyst, NOW).await.unwrap();
    (id, user.id)
}

fn plan(questionnaire: &domain::ids::QuestionnaireId) -> RoundPlan {
    RoundPlan {
        title: "Målingen".into(),
        opens_on: None,
        closes_on: Some("2026-11-01".into()),
        questionnaire: Some(questionnaire.clone()),
        threshold: 5,
    }
}

async fn two_editors_do_not_overwrite_each_other(ground: &Ground) {
    let (store, (id, user)) = (&ground.store, house(ground).await);
    let base = store.save_questionnaire(&id, &shipped(), NOW).await.unwrap();
    let draft = store.begin_questionnaire_draft(&id, &base, &user, NOW).await.unwrap();
    let read = store.questionnaire_draft(&id, &draft).await.unwrap();
    assert_eq!((read.form.clone(), read.revision, read.can_undo), (shipped(), 0, false));
    let edit = |revision| Edit { draft: &draft, revision, user: &user, now: NOW };
    let (mut first, mut second) = (read.form.clone(), read.form.clone());
    first.title.da = "Første".into();
    second.title.da = "Anden".into();
    assert!(store.change_questionnaire_draft(&id, edit(0), &first).await.unwrap());
    assert!(!store.change_questionnaire_draft(&id, edit(0), &second).await.unwrap(), "made on what is gone");
    let read = store.questionnaire_draft(&id, &draft).await.unwrap();
    assert_eq!((read.form.title.da.as_str(), read.revision, read.can_undo), ("Første", 1, true));
    assert_eq!(read.edited_by.as_deref(), Some("Mette Holm"));
    assert!(store.undo_questionnaire_draft(&id, edit(1)).await.unwrap());
    assert_eq!(store.questionnaire_draft(&id, &draft).await.unwrap().form, shipped());
    assert!(store.undo_questionnaire_draft(&id, edit(2)).await.unwrap(), "and once more puts it in again");
    assert_eq!(store.questionnaire_draft(&id, &draft).await.unwrap().form.title.da, "Første");
    let stranger = MunicipalityId("another".into());
    assert!(store.questionnaire_draft(&stranger, &draft).await.is_err());
    assert!(!store.change_questionnaire_draft(&stranger, edit(3), &second).await.unwrap());
    store.drop_questionnaire_draft(&id, &draft).await.unwrap();
    assert!(store.questionnaire_drafts(&id).await.unwrap().is_empty());
}

async fn a_decision_becomes_a_break_in_the_year_of_its_round(ground: &Ground) {
    let (store, (id, user)) = (&ground.store, house(ground).await);
    let base = store.save_questionnaire(&id, &shipped(), NOW).await.unwrap();
    let draft = store.begin_questionnaire_draft(&id, &base, &user, NOW).await.unwrap();
    let edit = |revision| Edit { draft: &draft, revision, user: &user, now: NOW };
    let mut form = shipped();
    form.blocks[0].questions[0].text.da = "Er I tilfredse?".into();
    assert!(store.change_questionnaire_draft(&id, edit(0), &form).await.unwrap());
    let decisions = Decisions::from([("overall".to_owned(), Decision::New), ("known".to_owned(), Decision::Same)]);
    assert!(store.decide_questionnaire_draft(&id, edit(1), &decisions).await.unwrap());
    assert_eq!(store.finish_questionnaire_draft(&id, edit(1), "").await.unwrap(), None, "changed meanwhile");
    let second = store.finish_questionnaire_draft(&id, edit(2), "kortere").await.unwrap().unwrap();
    let made = store.questionnaire(&id, &second).await.unwrap();
    assert_eq!((made.version, made.blocks[0].questions[0].text.da.as_str()), (2, "Er I tilfredse?"));
    assert!(store.questionnaire_drafts(&id).await.unwrap().is_empty());
    assert_eq!(store.questionnaire_notes(&id).await.unwrap()[0].note, "kortere");

    let earlier = store.create_round(&id, 2025, &plan(&base), NOW).await.unwrap();
    let later = store.create_round(&id, 2026, &plan(&base), NOW).await.unwrap();
    store.use_questionnaire(&id, &later.id, &second, NOW).await.unwrap();
    assert!(store.series_breaks(&id).await.unwrap().is_empty(), "a round in draft has no series");
    for round in [&earlier, &later] {
        store.close_round(&id, &round.id, NOW).await.unwrap();
    }
    let breaks = store.series_breaks(&id).await.unwrap();
    assert_eq!(breaks.into_iter().collect::<Vec<_>>(), [(2026, ["overall".to_owned()].into())]);
    let frozen = store.use_questionnaire(&id, &later.id, &base, NOW).await;
    assert!(matches!(frozen, Err(StoreError::State(_))));
}

on_both!(two_editors_do_not_overwrite_each_other, a_decision_becomes_a_break_in_the_year_of_its_round);
