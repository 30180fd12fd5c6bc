//! The staff's pages of a small town to look at in a browser: `cargo run -p web --example staff`, then open the printed address.
#[path = "../tests/figures/mod.rs"]
mod figures;
#[path = "../tests/town/mod.rs"]
mod town;

use domain::fieldwork::Role;
use store::results::NewPublication;

#[tokio::main]
async fn main() {
    let town = town::Town::open().await;
    let id = &town.municipality.id;
    for (name, role) in [("Mette Holm", Role::Administrator), ("Jens Krogh", Role::Committee)] {
        let email = format!("{}@hojager.example", role.as_str());
        town.store.create_user(id, name, &email, role, town::NOW).await.expect("the address is free");
    }
    let (report, extra) =
        (domain::results::Report { insight: figures::insight(), ..figures::report() }, serde_json::json!({}));
    let publication = NewPublication {
        year: 2026,
        date: "2026-11-20",
        title: "Erhvervsmålingen 2026",
        note: "",
        report: &report,
        extra: &extra,
    };
    town.store.publish(id, &publication, town::NOW).await.expect("a publication can be put");
    let raw = "From: Højager Kommune <maaling@hojager.example>\r\nTo: holm@example.dk\r\nSubject: Svar\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<h1>Hej</h1><p>Svar <a href=\"http://127.0.0.1:8081/\">her</a></p>";
    town.store
        .catch_mail(id, "1@x", "holm@example.dk", "Hvordan er det at drive virksomhed?", raw.as_bytes(), town::NOW)
        .await
        .expect("a mail is caught");
    let settings = web::Settings { public_url: "http://127.0.0.1:8081".into(), catcher: true };
    let app = web::App::new(town.store.clone(), town.keys.clone(), town.clock.clone(), settings)
        .expect("the templates are whole");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await.expect("port 8081 is free");
    println!("http://127.0.0.1:8081/hojager/sign-in");
    web::serve(listener, app, std::future::pending()).await.expect("the listener works");
}
