//! A small town over a real SQLite store, and a browser without script that walks through it.
#![expect(dead_code, reason = "each test file and the example use their part of it")]
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use domain::fieldwork::RoundState;
use domain::frame::FrameUnit;
use domain::industry::Classification;
use domain::language::Country;
use domain::municipality::{Municipality, Settings as MunicipalitySettings};
use domain::secrets::{Keys, SecretKey};
use domain::time::{Millis, SetClock};
use store::respondent::Respondent;
use store::rounds::{Round, RoundPlan};
use store::{Store, StoreOptions};
use tower::ServiceExt;

/// 1 October 2026, 10:00 UTC.
pub const NOW: Millis = Millis(1_790_848_800_000);

/// Pages over a database of their own.
pub struct Town {
    pub app: web::App,
    pub router: Router,
    pub store: Store,
    pub keys: Keys,
    pub clock: Arc<SetClock>,
    pub municipality: Municipality,
    pub round: Round,
    /// The links' tokens by business name.
    pub tokens: BTreeMap<String, String>,
    _folder: tempfile::TempDir,
}

pub fn unit(number: u32, name: &str, industry: &str, employees: u32, email: &str) -> FrameUnit {
    FrameUnit {
        unit_key: format!("dk:p:{:010}", 1_000_000_000 + number),
        country: Country::Dk,
        company_number: None,
        name: name.to_owned(),
        street: format!("Havnevej {number}"),
        postcode: "4690".to_owned(),
        city: "Højager".to_owned(),
        industry_code: industry.to_owned(),
        classification: Classification::Db25,
        employees_low: employees,
        employees_high: Some(employees),
        company_employees_low: None,
        company_employees_high: None,
        sector: "transport".to_owned(),
        size: if employees < 2 { "0-1" } else { "10-49" }.to_owned(),
        area: None,
        started_on: Some("2011-05-01".to_owned()),
        email: Some(email.to_owned()),
        phone: Some(format!("12 34 56 {number:02}")),
        protected: false,
    }
}

impl Town {
    /// A round in the field with a haulier of twelve and a hairdresser alone.
    pub async fn open() -> Self {
        Self::open_with(None, &[]).await
    }

    /// The same, with both in an area of this key.
    pub async fn open_in(area: &str) -> Self {
        Self::open_with(Some(area), &[]).await
    }

    /// The same round with further businesses.
    pub async fn with(further: &[FrameUnit]) -> Self {
        Self::open_with(None, further).await
    }

    async fn open_with(area: Option<&str>, further: &[FrameUnit]) -> Self {
        let folder = tempfile::tempdir().expect("the town is sound");
        let url = format!("sqlite:{}", folder.path().join("town.sqlite").display());
        let store =
            Store::connect(&url, &StoreOptions { durable: false, connections: 4 }).await.expect("the town is sound");
        let keys = SecretKey::parse(&"5a".repeat(32)).expect("the town is sound").keys();
        let settings = MunicipalitySettings {
            contact_name: "Karin Holm, erhvervskonsulent".into(),
            contact_phone: "+45 00 00 00 00".into(),
            contact_email: "erhverv@hojager.example".into(),
            sender_email: "maaling@hojager.example".into(),
            confirmation_url: "https://hojager.example/maaling".into(),
            postal_address: "Rådhustorvet 1, 4690 Højager".into(),
            comment_reader: "erhvervskonsulenten i Erhvervsservice".into(),
            dpo_email: "dpo@hojager.example".into(),
            committee: "Erhvervsudvalget".into(),
            ..MunicipalitySettings::default()
        };
        let municipality = store
            .create_municipality("hojager", "Højager Kommune", Country::Dk, &settings, NOW)
            .await
            .expect("the town is sound");
        let id = &municipality.id;
        let mut units = vec![
            unit(3, "Vognmand Holm ApS", "49.41.00", 12, "holm@example.dk"),
            unit(9, "Salon Saks", "96.21.00", 0, "saks@example.dk"),
        ];
        units.extend_from_slice(further);
        if area.is_some() {
            units.iter_mut().for_each(|unit| unit.area = area.map(str::to_owned));
        }
        let import = store.begin_frame_import(id, 2026, "udtraek.csv", "0123", NOW).await.expect("the town is sound");
        store.stage_frame_rows(id, &import.id, &units, NOW).await.expect("the town is sound");
        store.finish_frame_import(id, &import.id, NOW).await.expect("the town is sound");
        let questionnaire =
            store.save_questionnaire(id, &domain::questionnaire::shipped(), NOW).await.expect("the town is sound");
        let plan = RoundPlan {
            title: "Erhvervsmålingen 2026".into(),
            opens_on: Some("2026-10-01".into()),
            closes_on: Some("2026-11-22".into()),
            questionnaire: Some(questionnaire),
            threshold: 5,
        };
        let round = store.create_round(id, 2026, &plan, NOW).await.expect("the town is sound");
        store.freeze_and_open(id, &round.id, &keys, "hojager.example", NOW).await.expect("the town is sound");
        let round = store.round(id, &round.id).await.expect("the town is sound");
        assert_eq!(round.state, RoundState::Open);
        let links = store.links(id, &round.id, None, 10).await.expect("the town is sound");
        let token = |l: &store::rounds::LinkRow| keys.invitation_token(&l.invitation, l.generation).reveal().to_owned();
        let tokens = links.iter().map(|l| (l.name.clone(), token(l))).collect();
        let clock = Arc::new(SetClock::new(NOW));
        let settings = web::Settings { public_url: "http://127.0.0.1:8080".into(), catcher: false };
        let app = web::App::new(store.clone(), keys.clone(), clock.clone(), settings).expect("the town is sound");
        Self { router: web::router(app.clone()), app, store, keys, clock, municipality, round, tokens, _folder: folder }
    }

    /// The haulier's token.
    pub fn haulier(&self) -> &str {
        &self.tokens["Vognmand Holm ApS"]
    }

    /// The hairdresser's token.
    pub fn hairdresser(&self) -> &str {
        &self.tokens["Salon Saks"]
    }

    /// What the database knows of a link.
    pub async fn respondent(&self, token: &str) -> Respondent {
        self.store
            .invitation_by_lookup(&self.keys.lookup(token))
            .await
            .expect("the town is sound")
            .expect("the town is sound")
    }

    /// The database to its last byte, with what was written and not yet moved into it.
    pub fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let read = |name: &str| std::fs::read(self._folder.path().join(name)).unwrap_or_default();
        (read("town.sqlite"), read("town.sqlite-wal"))
    }

    /// A browser without script and without cookies yet.
    pub fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new() }
    }
}

/// A browser without script: follows redirects, keeps cookies, fills in forms.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
}

/// A page as it came.
pub struct Got {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub path: String,
    pub body: String,
}

impl Browser {
    /// A browser over other settings.
    pub fn over(router: Router) -> Self {
        Self { router, cookies: BTreeMap::new() }
    }

    /// Holds a cookie that was given elsewhere.
    pub fn take_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub async fn get(&mut self, path: &str) -> Got {
        self.follow(Request::get(path)).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Got {
        let pairs: Vec<String> = fields.iter().map(|(n, v)| format!("{}={}", encoded(n), encoded(v))).collect();
        self.send(
            Request::post(path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("sec-fetch-site", "same-origin"),
            pairs.join("&"),
        )
        .await
    }

    async fn follow(&mut self, request: axum::http::request::Builder) -> Got {
        self.send(request, String::new()).await
    }

    pub async fn send(&mut self, mut request: axum::http::request::Builder, body: String) -> Got {
        let mut path = request.uri_ref().expect("the town is sound").to_string();
        let mut body = Body::from(body);
        for _ in 0..5 {
            let jar: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            let sent = request
                .header(header::COOKIE, jar.join("; "))
                .header(header::HOST, "127.0.0.1:8080")
                .body(body)
                .expect("the town is sound");
            let response = self.router.clone().oneshot(sent).await.expect("the town is sound");
            for cookie in response.headers().get_all(header::SET_COOKIE) {
                let (name, value) = cookie
                    .to_str()
                    .expect("the town is sound")
                    .split(';')
                    .next()
                    .expect("the town is sound")
                    .split_once('=')
                    .expect("the town is sound");
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            if !response.headers().contains_key(header::LOCATION) {
                let (status, headers) = (response.status(), response.headers().clone());
                let bytes = to_bytes(response.into_body(), 1 << 22).await.expect("the town is sound");
                return Got { status, headers, path, body: String::from_utf8_lossy(&bytes).into_owned() };
            }
            path = response.headers()[header::LOCATION].to_str().expect("the town is sound").to_owned();
            request = Request::get(&path);
            body = Body::empty();
        }
        panic!("{path} redirects without end");
    }

    /// Sends the form of a page: everything that is filled in on it, changed by `with` (radio buttons and ticks by name and
    /// value, texts by name), with the button `go`.
    pub async fn fill_in(&mut self, page: &Got, with: &[(&str, &str)], go: (&str, &str)) -> Got {
        let form = page.form();
        let mut fields: Vec<(String, String)> = Vec::new();
        let set: Vec<&str> = with.iter().map(|(n, _)| *n).collect();
        fields.extend(form.filled.iter().filter(|(n, _)| !set.contains(&n.as_str())).cloned());
        for (name, value) in with {
            assert!(form.names.contains(&(*name).to_owned()), "{} has no field {name}", page.path);
            if !value.is_empty() {
                fields.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        fields.push((go.0.to_owned(), go.1.to_owned()));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        self.post(&form.action, &fields).await
    }
}

/// The page's form as a browser would send it untouched.
pub struct FormOnPage {
    pub action: String,
    pub names: Vec<String>,
    pub filled: Vec<(String, String)>,
    /// Every radio button and tick: name, value.
    pub offered: Vec<(String, String)>,
}

impl Got {
    /// The first form of the main part.
    pub fn form(&self) -> FormOnPage {
        let main = &self.body[self.body.find("<main").expect("a main part")..];
        let start = main.find("<form").unwrap_or_else(|| panic!("{} has no form: {main}", self.path));
        let form = &main[start..start + main[start..].find("</form>").expect("the town is sound")];
        let mut on_page = FormOnPage {
            action: attribute(form, "action").expect("the town is sound"),
            names: Vec::new(),
            filled: Vec::new(),
            offered: Vec::new(),
        };
        for (at, _) in form.match_indices("<input") {
            let tag = &form[at..at + form[at..].find('>').expect("the town is sound")];
            let (Some(name), value) = (attribute(tag, "name"), attribute(tag, "value").unwrap_or_default()) else {
                continue;
            };
            let kind = attribute(tag, "type").unwrap_or_default();
            on_page.names.push(name.clone());
            if matches!(kind.as_str(), "radio" | "checkbox") {
                on_page.offered.push((name.clone(), value.clone()));
                if !tag.ends_with(" checked") {
                    continue;
                }
            }
            on_page.filled.push((name, value));
        }
        for (at, _) in form.match_indices("<textarea") {
            let tag = &form[at..];
            let open = tag.find('>').expect("the town is sound");
            let text = &tag[open + 1..tag.find("</textarea>").expect("the town is sound")];
            let name = attribute(&tag[..open], "name").expect("the town is sound");
            on_page.names.push(name.clone());
            on_page.filled.push((name, unescaped(text.strip_prefix('\n').unwrap_or(text))));
        }
        on_page
    }

    /// Is this radio button or tick chosen?
    pub fn is_checked(&self, name: &str, value: &str) -> bool {
        self.form().filled.contains(&(name.to_owned(), value.to_owned()))
    }

    #[track_caller]
    pub fn assert_text(&self, text: &str) {
        assert!(unescaped(&self.body).contains(text), "{} {} lacks {text:?}:\n{}", self.status, self.path, self.body);
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = &tag[..tag.find('>').unwrap_or(tag.len())];
    let at = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(unescaped(&tag[at..at + tag[at..].find('"')?]))
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&#x2F;", "/")
        .replace("&amp;", "&")
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
