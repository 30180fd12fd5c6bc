//! The questionnaire's editor over HTTP and a real database: from a copy to an answer in the export.
mod town;

use axum::http::StatusCode;
use domain::fieldwork::{ResponseStatus, Role};
use domain::ids::QuestionnaireId;
use domain::language::Language;
use domain::questionnaire::{QuestionKind, Questionnaire, shipped};
use store::rounds::RoundPlan;
use town::{Browser, Got, NOW, Town};

async fn analyst(town: &Town, name: &str) -> Browser {
    let id = &town.municipality.id;
    let email = format!("{}@hojager.example", name.to_lowercase().replace(' ', "."));
    let user = town.store.create_user(id, name, &email, Role::Analyst, NOW).await.expect("the address is free");
    let token = town.keys.random_token();
    let lookup = town.keys.lookup(token.reveal());
    town.store.create_sign_in(id, &user.id, &lookup, NOW.plus_days(1), NOW).await.expect("a link can be kept");
    let mut browser = town.browser();
    let page = browser.post(&format!("/sign-in/{}", token.reveal()), &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    browser
}

/// Begins a draft from the newest version; its address.
async fn begun(browser: &mut Browser) -> String {
    let page = browser.post("/hojager/console/questionnaires/begin", &[("base", "")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page.path.split('?').next().expect("an address").to_owned()
}

fn id_of(href: &str) -> &str {
    href.rsplit('/').next().expect("an id")
}

async fn draft(town: &Town, href: &str) -> store::instrument::QuestionnaireDraft {
    town.store.questionnaire_draft(&town.municipality.id, id_of(href)).await.expect("the draft is there")
}

async fn change(browser: &mut Browser, town: &Town, href: &str, what: &str, more: &[(&str, &str)]) -> Got {
    let revision = draft(town, href).await.revision.to_string();
    let fields: Vec<(&str, &str)> =
        [("revision", revision.as_str()), ("do", what)].into_iter().chain(more.iter().copied()).collect();
    browser.post(href, &fields).await
}

#[tokio::test]
async fn an_edited_questionnaire_is_asked_answered_and_exported() {
    let town = Town::open().await;
    let mut browser = analyst(&town, "Mette Holm").await;
    let id = &town.municipality.id;
    let href = begun(&mut browser).await;

    // Another wording, and a question of one's own on the first page.
    let page = browser.get(&format!("{href}/question/overall")).await;
    page.assert_text("Hvor tilfreds er I alt i alt med kommunen som erhvervskommune?");
    let page = browser.fill_in(&page, &[("text_da", "Hvor glade er I for kommunen?")], ("go", "save")).await;
    page.assert_text("Gemt.");
    let page = change(&mut browser, &town, &href, "question overall", &[("kind overall", "single")]).await;
    assert!(page.path.starts_with(&format!("{href}/question/own_1")), "{}", page.path);
    let page = browser.fill_in(&page, &[("text_da", "Har I brug for havnen?")], ("go", "save")).await;
    page.assert_text("Teksten mangler");
    let page = browser.get(&href).await;
    page.assert_text("mangler SV");
    let texts = [
        ("text_sv", "Behöver ni hamnen?"),
        ("text_en", "Do you need the harbour?"),
        ("option0_da", "Ja"),
        ("option0_sv", "Ja"),
        ("option0_en", "Yes"),
        ("option1_da", "Nej"),
        ("option1_sv", "Nej"),
        ("option1_en", "No"),
        ("key", "harbour"),
    ];
    let page = browser.get(&format!("{href}/question/own_1")).await;
    let page = browser.fill_in(&page, &texts, ("go", "save")).await;
    assert!(page.path.starts_with(&format!("{href}/question/harbour")), "{}", page.path);
    assert_eq!(draft(&town, &href).await.form.faults(), []);

    // It is tried as a business meets it; nothing is kept.
    let page = browser.get(&format!("{href}/preview?size=10-49&employees=yes")).await;
    let frame = page.body.split("<iframe class=\"phone\" src=\"").nth(1).and_then(|rest| rest.split('"').next());
    let frame = frame.expect("a phone").replace("&amp;", "&");
    let page = browser.get(&frame).await;
    page.assert_text("Har I brug for havnen?");
    page.assert_text("Forhåndsvisning: intet gemmes.");
    let csp = page.headers["content-security-policy"].to_str().expect("a policy");
    assert!(csp.contains("frame-ancestors 'self'"), "{csp}");
    let page = browser.fill_in(&page, &[("harbour", "1"), ("overall", "4")], ("go", "next")).await;
    page.assert_text("Hvilke dele af kommunen har I haft kontakt med");
    let page = browser.fill_in(&page, &[("contact", "roads")], ("go", "next")).await;
    page.assert_text("Veje eller grønne områder");

    // A version asks for the decision first.
    let page = browser.get(&format!("{href}/finish")).await;
    assert!(!page.body.contains("name=\"round\""), "nothing can be made yet");
    let plan = RoundPlan {
        title: "Erhvervsmålingen 2027".into(),
        opens_on: Some("2026-10-01".into()),
        closes_on: Some("2026-11-22".into()),
        questionnaire: town.round.questionnaire.clone(),
        threshold: 5,
    };
    let import = town.store.begin_frame_import(id, 2027, "udtraek.csv", "4567", NOW).await.expect("an import");
    let units = [town::unit(3, "Vognmand Holm ApS", "49.41.00", 12, "ny@example.dk")];
    town.store.stage_frame_rows(id, &import.id, &units, NOW).await.expect("rows are staged");
    town.store.finish_frame_import(id, &import.id, NOW).await.expect("the import ends");
    let round = town.store.create_round(id, 2027, &plan, NOW).await.expect("the year is free");
    let page = browser.get(&format!("{href}/differences")).await;
    page.assert_text("Hvor glade er I for kommunen?");
    page.assert_text("måske databrud");
    let page = browser.fill_in(&page, &[("decision overall", "new")], ("go", "save")).await;
    page.assert_text("Gemt.");
    let page = browser.get(&format!("{href}/finish")).await;
    page.assert_text("Databrud: 1.");
    let revision = draft(&town, &href).await.revision.to_string();
    let fields = [("revision", revision.as_str()), ("note", "Havnen er ny"), ("round", round.id.as_str())];
    let page = browser.post(&format!("{href}/finish"), &fields).await;
    page.assert_text("Målingen bruger nu denne version.");
    page.assert_text("Havnen er ny");

    // The round is opened, answered, and what was answered comes out.
    town.store.freeze_and_open(id, &round.id, &town.keys, "hojager.example", NOW).await.expect("it opens");
    let link = town.store.links(id, &round.id, None, 1).await.expect("links").remove(0);
    let token = town.keys.invitation_token(&link.invitation, link.generation);
    let mut business = town.browser();
    let page = business.get(&format!("/s/{}", token.reveal())).await;
    let page = business.post(&page.form().action, &[]).await;
    page.assert_text("Hvor glade er I for kommunen?");
    business.fill_in(&page, &[("overall", "4"), ("harbour", "2")], ("go", "next")).await;
    let page = business.post(&format!("/s/{}/submit", token.reveal()), &[("attempt", "a")]).await;
    assert!(page.status.is_success(), "{}", page.body);
    let rows = town.store.analysis_responses(id, &[2027]).await.expect("the export");
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].answers.get("overall"), rows[0].answers.get("harbour")), (Some("4"), Some("2")));
    assert_ne!(rows[0].status, ResponseStatus::Withdrawn);
    let breaks = town.store.series_breaks(id).await.expect("breaks are read");
    assert_eq!(breaks.into_iter().collect::<Vec<_>>(), [(2027, ["overall".to_owned()].into())]);

    // What is open stays as it is.
    let version = town.round.questionnaire.clone().expect("a questionnaire");
    let fields = [("version", version.as_str()), ("round", round.id.as_str())];
    browser.post("/hojager/console/questionnaires/use", &fields).await.assert_text("frosset");
}

#[tokio::test]
async fn two_editors_and_a_wrong_move_are_told_and_undone() {
    let town = Town::open().await;
    let (mut first, mut second) = (analyst(&town, "Mette Holm").await, analyst(&town, "Karin Dam").await);
    let href = begun(&mut first).await;
    let (one, two) =
        (first.get(&format!("{href}/question/overall")).await, second.get(&format!("{href}/question/overall")).await);
    first.fill_in(&one, &[("text_da", "Første?")], ("go", "save")).await.assert_text("Gemt.");
    let page = second.fill_in(&two, &[("text_da", "Anden?")], ("go", "save")).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.assert_text("ændret af en anden");
    page.assert_text("Anden?");
    assert_eq!(draft(&town, &href).await.form.blocks[0].questions[0].text.da, "Første?");
    second.fill_in(&page, &[], ("go", "save")).await.assert_text("Gemt.");
    assert_eq!(draft(&town, &href).await.form.blocks[0].questions[0].text.da, "Anden?");

    change(&mut first, &town, &href, "remove question overall", &[]).await.assert_text("Fjernet.");
    assert!(draft(&town, &href).await.form.question("overall").is_none());
    change(&mut first, &town, &href, "undo", &[]).await.assert_text("fortrudt");
    assert!(draft(&town, &href).await.form.question("overall").is_some());
    let stale = first.post(&href, &[("revision", "0"), ("do", "down question overall")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    first.get(&format!("{href}/discard")).await.assert_text("Skal kladden kasseres?");
    first.post(&format!("{href}/discard"), &[]).await.assert_text("Kladden er kasseret.");
    assert_eq!(first.get(&href).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn routing_is_edited_by_rows_and_checked_like_a_file() {
    let town = Town::open().await;
    let mut browser = analyst(&town, "Mette Holm").await;
    let href = begun(&mut browser).await;
    let revision = || async { draft(&town, &href).await.revision.to_string() };
    let place = "question overall_why";
    let at = revision().await;
    let add = [("revision", at.as_str()), ("place", "question authority"), ("do", "add"), ("new", "answer overall")];
    browser.post(&format!("{href}/when"), &add).await.assert_text("Meget tilfreds");
    let fields = [
        ("revision", at.as_str()),
        ("place", place),
        ("row0_subject", "fact employees"),
        ("row0_not", "0"),
        ("row0_value", "yes"),
        ("row1_subject", "fact size"),
        ("row1_not", "1"),
        ("row1_value", "0-1"),
        ("joint", "all"),
        ("do", "save"),
    ];
    browser.post(&format!("{href}/when"), &fields).await.assert_text("Gemt.");
    browser.get(&href).await.assert_text("Kun når: Ansatte = ja og ikke (Størrelse =");
    let at = revision().await;
    let empty = [("revision", at.as_str()), ("place", place), ("row0_subject", "fact size"), ("do", "save")];
    let page = browser.post(&format!("{href}/when"), &empty).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let own = [
        ("revision", at.as_str()),
        ("place", place),
        ("row0_subject", "answer overall"),
        ("row0_value", "1"),
        ("do", "save"),
    ];
    browser.post(&format!("{href}/when"), &own).await.assert_text("først stilles på denne side eller senere");
    browser.get(&format!("{href}/finish")).await.assert_text("1 fejl skal rettes");
    let always = [("revision", "3"), ("place", place), ("do", "always")];
    let at = revision().await;
    browser
        .post(&format!("{href}/when"), &[("revision", at.as_str()), always[1], always[2]])
        .await
        .assert_text("Gemt.");
    assert_eq!(draft(&town, &href).await.form, shipped());
}

#[tokio::test]
async fn a_scale_that_changes_breaks_without_a_question() {
    let town = Town::open().await;
    let mut browser = analyst(&town, "Mette Holm").await;
    let href = begun(&mut browser).await;
    let page = browser.get(&format!("{href}/question/nki_ideal")).await;
    browser.fill_in(&page, &[("scale_to", "5")], ("go", "save")).await.assert_text("Gemt.");
    let page = browser.get(&format!("{href}/differences")).await;
    page.assert_text("kan ikke sammenlignes");
    assert!(!page.body.contains("decision nki_ideal"), "there is nothing to choose");
    let revision = draft(&town, &href).await.revision.to_string();
    browser.post(&format!("{href}/finish"), &[("revision", &revision)]).await.assert_text("Den nye version er lavet.");
    let versions = town.store.questionnaires(&town.municipality.id).await.expect("versions");
    let newest: &QuestionnaireId = &versions.iter().find(|v| v.version == 2).expect("version 2").id;
    let made: Questionnaire = town.store.questionnaire(&town.municipality.id, newest).await.expect("it is there");
    let scale = |form: &Questionnaire| match form.question("nki_ideal").map(|q| q.kind.clone()) {
        Some(QuestionKind::Scale(scale)) => scale.to,
        _ => 0,
    };
    assert_eq!((scale(&shipped()), scale(&made)), (10, 5));
    let origins = town.store.questionnaire_origins(&town.municipality.id).await.expect("origins");
    assert_eq!(origins[0].decisions.get("nki_ideal"), Some(&domain::questionnaire::Decision::New));
}

#[tokio::test]
async fn every_page_of_the_editor_stands_in_every_language() {
    let town = Town::open().await;
    let mut browser = analyst(&town, "Mette Holm").await;
    let href = begun(&mut browser).await;
    for page in [
        "",
        "/question/overall",
        "/question/contact",
        "/question/factors",
        "/question/known",
        "/question/overall_why",
        "/block/contact-detail",
        "/when?place=item+cond_schools",
        "/differences",
        "/preview",
        "/preview/overall",
        "/finish",
        "/discard",
    ] {
        for language in Language::ALL {
            let separator = if page.contains('?') { '&' } else { '?' };
            let got = browser.get(&format!("{href}{page}{separator}lang={}", language.tag())).await;
            assert_eq!(got.status, StatusCode::OK, "{page} {language:?}: {}", got.body);
            assert!(got.body.contains(&format!("<html lang=\"{}\"", language.tag())));
        }
    }
}

#[tokio::test]
async fn the_monitor_names_thin_sectors_and_counts_ways_of_answering() {
    let town = Town::open().await;
    let mut browser = analyst(&town, "Mette Holm").await;
    let href = format!("/hojager/console/rounds/{}/monitor", town.round.id);
    let page = browser.get(&href).await;
    page.assert_text("Ingen svar endnu.");
    assert_eq!(page.headers["refresh"], "60", "it comes anew by itself …");
    let still = browser.get(&format!("{href}?live=off")).await;
    assert!(!still.headers.contains_key("refresh"), "… unless one would rather not");
    page.assert_text("mangler 2 svar.");
    page.assert_text("En påmindelse på mail når 2, og 2 kan ringes op.");

    let mut business = town.browser();
    let first = business.get(&format!("/s/{}", town.haulier())).await;
    let screen = business.post(&first.form().action, &[]).await;
    business.fill_in(&screen, &[("overall", "4")], ("go", "next")).await;
    business.post(&format!("/s/{}/submit", town.haulier()), &[("attempt", "a")]).await;
    let page = browser.get(&href).await;
    page.assert_text("mangler 1 svar.");
    page.assert_text("På nettet");
    // One of two has answered: 1.96 · √(0.25 · (1 − 1/2)) = 69.3 points.
    page.assert_text("±69,3");
    page.assert_text("Der er endnu for få svar til at sige noget.");
    assert!(!page.body.contains("Vognmand"), "nobody is named");
    for language in Language::ALL {
        assert_eq!(browser.get(&format!("{href}?lang={}", language.tag())).await.status, StatusCode::OK);
    }
}
