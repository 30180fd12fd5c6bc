//! The state every handler is given, and the view through which it answers with a page.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use domain::ids::{MunicipalityId, QuestionnaireId};
use domain::language::Language;
use domain::municipality::Municipality;
use domain::questionnaire::{Facts, Questionnaire};
use domain::secrets::Keys;
use domain::time::{Clock, Millis};
use store::Store;
use text::messages::{Arg, MessagesError};
use text::{EngineError, Messages};

use crate::assets::Assets;
use crate::auth::Rules;
use crate::downloads::Downloads;
use crate::error::PageError;
use crate::explore::{ExploreError, Explorer, Shelf};
use crate::limits::Limits;
use crate::proxies::Proxies;
use crate::reading::Reading;
use crate::templates::{LanguageLink, LogoLink, Page, Site, Templates};
use crate::visit::Visit;

/// What is set from outside.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where people reach this server, without a slash at the end: `https://maaling.hojager.dk`.
    pub public_url: String,
    /// Mail goes to a table and is shown on a page: the demo.
    pub catcher: bool,
}

impl Settings {
    /// Cookies are `Secure` and carry the `__Host-` prefix, and browsers are told to stay on https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The host of the address: the right-hand side of Message-IDs.
    #[must_use]
    pub fn host(&self) -> &str {
        let after = self.public_url.split_once("://").map_or(self.public_url.as_str(), |(_, rest)| rest);
        after.split(['/', ':']).next().filter(|host| !host.is_empty()).unwrap_or("localhost")
    }

    /// A cookie's name: with the prefix `__Host-` on https, as it is on plain http.
    #[must_use]
    pub fn cookie_name(&self, name: &str) -> String {
        if self.is_https() { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// A `Set-Cookie` value that lives for `seconds` (0 removes it).
    #[must_use]
    pub fn cookie(&self, name: &str, value: &str, seconds: u64) -> String {
        let secure = if self.is_https() { "; Secure" } else { "" };
        format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", self.cookie_name(name))
    }
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The messages are incomplete.
    #[error("messages: {0}")]
    Messages(#[from] MessagesError),
    /// A template is broken or asks for what its page does not have.
    #[error("templates: {0}")]
    Templates(#[from] EngineError),
}

/// Combinations of facts whose minutes are kept: more than sectors × sizes × areas of one municipality.
const MINUTES_KEPT: usize = 5000;

/// Expected minutes by questionnaire and facts. Key and version do not name a questionnaire: every municipality has its own
/// version 2. Its place in memory does, since those that were read are kept for good.
type Minutes = HashMap<(usize, Facts), (u32, u32)>;

struct Inner {
    store: Store,
    keys: Keys,
    clock: Arc<dyn Clock>,
    settings: Settings,
    templates: Templates,
    assets: Assets,
    /// Stored questionnaires never change, so each is read once.
    questionnaires: Mutex<HashMap<QuestionnaireId, Arc<Questionnaire>>>,
    /// Expected minutes take a hundred walks through a questionnaire; most businesses share their facts with others.
    minutes: Mutex<Minutes>,
    /// The secret of whoever may bring mail over HTTP.
    hook_secret: OnceLock<String>,
    /// Whose word on a client's address is believed.
    proxies: OnceLock<Proxies>,
    limits: Limits,
    /// The key under which this instance signs data packages.
    public_key: OnceLock<String>,
    /// How people sign in.
    rules: OnceLock<Rules>,
    /// Where mail goes, when it does not go to everybody.
    mail_trial: OnceLock<MailTrial>,
    /// Figures of closed rounds, table by table.
    explore: Shelf,
    /// What makes files that need more than this room has.
    downloads: OnceLock<Downloads>,
    /// What reads open answers.
    reading: OnceLock<Reading>,
}

/// Mail does not reach the businesses: what staff must see on every page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTrial {
    /// Only so many listed addresses get mail.
    OnlyTo(usize),
    /// Mail is written to files.
    Files,
}

/// The state every handler is given. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

impl App {
    /// Loads messages and templates and renders every page's samples in every language, so that a broken one stops the
    /// program and not a respondent.
    ///
    /// # Errors
    /// [`StartError`] with file, key, language or variable.
    pub fn new(store: Store, keys: Keys, clock: Arc<dyn Clock>, settings: Settings) -> Result<Self, StartError> {
        let assets = Assets::embedded();
        let templates = Templates::load(Arc::new(Messages::load()?))?;
        let sample = Site::sample(&assets);
        crate::pages::check(&templates, &sample)?;
        let (questionnaires, minutes) = (Mutex::default(), Mutex::default());
        let (hook_secret, proxies) = (OnceLock::new(), OnceLock::new());
        let limits = Limits::new(Arc::clone(&clock));
        let public_key = OnceLock::new();
        Ok(Self(Arc::new(Inner {
            store,
            keys,
            clock,
            settings,
            templates,
            assets,
            questionnaires,
            minutes,
            hook_secret,
            proxies,
            limits,
            rules: OnceLock::new(),
            mail_trial: OnceLock::new(),
            explore: Shelf::default(),
            downloads: OnceLock::new(),
            reading: OnceLock::new(),
            public_key,
        })))
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The subkeys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.0.clock.now()
    }

    /// Opens `POST /hooks/mail` to whoever signs with this secret; the first one stays.
    pub fn accept_mail(&self, secret: &str) {
        let _ = self.0.hook_secret.set(secret.to_owned());
    }

    /// People sign in by these rules; the first ones stay.
    pub fn sign_in_by(&self, rules: Rules) {
        let _ = self.0.rules.set(rules);
    }

    /// How people sign in.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        self.0.rules.get_or_init(Rules::default)
    }

    /// The secret of whoever may bring mail; `None`: nobody may.
    #[must_use]
    pub(crate) fn hook_secret(&self) -> Option<&str> {
        self.0.hook_secret.get().map(String::as_str)
    }

    /// Believes these proxies about where a request comes from; the first ones stay.
    pub fn trust(&self, proxies: Proxies) {
        let _ = self.0.proxies.set(proxies);
    }

    /// Whose word on a client's address is believed.
    pub(crate) fn proxies(&self) -> &Proxies {
        static NONE: Proxies = Proxies::NONE;
        self.0.proxies.get().unwrap_or(&NONE)
    }

    /// How often things were tried.
    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Says on every page of the console that mail does not reach the businesses; the first word stays.
    pub fn tell_mail_trial(&self, trial: MailTrial) {
        let _ = self.0.mail_trial.set(trial);
    }

    /// Why mail does not reach the businesses, if it does not.
    #[must_use]
    pub fn mail_trial(&self) -> Option<MailTrial> {
        self.0.mail_trial.get().copied()
    }

    /// Files that need more than this room has are made by these; the first ones stay.
    pub fn make_files_with(&self, downloads: Downloads) {
        let _ = self.0.downloads.set(downloads);
    }

    /// What makes such files; `None`: they are not offered.
    #[must_use]
    pub(crate) fn downloads(&self) -> Option<&Downloads> {
        self.0.downloads.get()
    }

    /// Open answers are read with these; the first ones stay.
    pub fn read_answers_with(&self, reading: Reading) {
        let _ = self.0.reading.set(reading);
    }

    /// What reads open answers; `None`: they are not shown.
    #[must_use]
    pub(crate) fn reading(&self) -> Option<Reading> {
        self.0.reading.get().copied()
    }

    /// The explorer of a municipality's closed rounds.
    ///
    /// # Errors
    /// As [`Shelf::of`].
    pub async fn explorer(&self, municipality: &Municipality) -> Result<Arc<Explorer>, ExploreError> {
        self.0.explore.of(self.store(), municipality).await
    }

    /// Says under which public key this instance signs data packages; the first one stays.
    pub fn signs_as(&self, public_key: &str) {
        let _ = self.0.public_key.set(public_key.to_owned());
    }

    /// The public key under which this instance signs data packages.
    #[must_use]
    pub(crate) fn public_key(&self) -> Option<&str> {
        self.0.public_key.get().map(String::as_str)
    }

    /// What is set from outside.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The embedded static files.
    #[must_use]
    pub fn assets(&self) -> &Assets {
        &self.0.assets
    }

    /// The messages.
    #[must_use]
    pub fn messages(&self) -> &Messages {
        self.0.templates.messages()
    }

    /// A message in a language.
    #[must_use]
    pub fn t(&self, language: Language, key: &str, args: &[(&str, Arg)]) -> String {
        self.messages().t(language, key, args)
    }

    /// A stored questionnaire, read once.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn questionnaire(
        &self,
        municipality: &MunicipalityId,
        id: &QuestionnaireId,
    ) -> Result<Arc<Questionnaire>, PageError> {
        let known = self.0.questionnaires.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let read = Arc::new(self.store().questionnaire(municipality, id).await?);
        let mut kept = self.0.questionnaires.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(kept.entry(id.clone()).or_insert(read)))
    }

    /// The minutes promised to a business with these facts: median and 90th percentile; of a questionnaire that was read here.
    #[must_use]
    pub fn expected_minutes(&self, questionnaire: &Arc<Questionnaire>, facts: &Facts) -> (u32, u32) {
        let mut known = facts.clone();
        known.remove("draw");
        let key = (Arc::as_ptr(questionnaire).addr(), known);
        let mut cache = self.0.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() > MINUTES_KEPT {
            cache.clear();
        }
        *cache.entry(key).or_insert_with(|| questionnaire.expected_minutes(facts))
    }

    /// Begins an answer to a visitor.
    pub fn view<'a>(&'a self, visit: &'a Visit) -> View<'a> {
        View {
            app: self,
            visit,
            municipality: None,
            preferred: None,
            status: StatusCode::OK,
            form: None,
            indexed: false,
        }
    }
}

/// An answer to a visitor: whose page it is, in what language, with what status.
#[must_use]
pub struct View<'a> {
    app: &'a App,
    visit: &'a Visit,
    municipality: Option<&'a Municipality>,
    preferred: Option<Language>,
    status: StatusCode,
    form: Option<&'static str>,
    indexed: bool,
}

impl<'a> View<'a> {
    /// A page of this municipality: its name, colour, time zone and language.
    pub fn of(mut self, municipality: &'a Municipality) -> Self {
        self.municipality = Some(municipality);
        self
    }

    /// The language when the visitor has chosen none.
    pub fn prefer(mut self, language: Option<Language>) -> Self {
        self.preferred = language;
        self
    }

    /// A status other than 200.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The language switch becomes buttons `name="language"` of the form with this id, so that what is typed is kept.
    pub fn switch_by_form(mut self, form: &'static str) -> Self {
        self.form = Some(form);
        self
    }

    /// Search engines may keep this page.
    pub fn indexed(mut self) -> Self {
        self.indexed = true;
        self
    }

    /// The language of the page: chosen, else preferred, else the municipality's, else the browser's.
    #[must_use]
    pub fn language(&self) -> Language {
        let municipality = self.municipality.map(|m| m.settings.language);
        self.visit.chosen.or(self.preferred).or(municipality).or(self.visit.accepted).unwrap_or(Language::Da)
    }

    /// The page as a response.
    ///
    /// # Errors
    /// When the template fails, which the check at start makes unlikely.
    pub fn render<P: Page>(self, page: &P) -> Result<Response, PageError> {
        let language = self.language();
        let site = Site {
            name: self.municipality.map_or_else(|| "Pejling".to_owned(), |m| m.name.clone()),
            slug: self.municipality.map(|m| m.slug.clone()),
            zone: self.municipality.map_or_else(|| "Europe/Copenhagen".to_owned(), |m| m.settings.time_zone.clone()),
            theme: self
                .municipality
                .map(|m| format!("/{}/theme.css?v={}", m.slug, m.settings.colour.trim_start_matches('#'))),
            languages: Language::ALL
                .map(|l| LanguageLink { tag: l.tag(), name: l.own_name(), current: l == language })
                .to_vec(),
            language_form: self.form,
            assets: self.app.assets().urls().clone(),
            logo: self.municipality.and_then(|m| {
                let logo = m.settings.logo.as_ref()?;
                let src = format!("/{}/logo?v={}", m.slug, logo.digest);
                Some(LogoLink { src, alt: logo.alt.clone(), width: logo.width, height: logo.height })
            }),
            accessibility_url: self.municipality.map(|m| m.settings.accessibility_url.clone()).unwrap_or_default(),
            indexed: self.indexed,
            demo: self.app.settings().catcher,
        };
        let html = self.app.0.templates.render(P::TEMPLATE, language, page, &site)?;
        Ok((self.status, [("content-language", language.tag())], Html(html)).into_response())
    }
}
