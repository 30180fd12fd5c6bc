//! Pages are structs; a template may use only its page's fields. Every page is rendered in every language at start.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::language::Language;
use include_dir::{Dir, include_dir};
use serde::Serialize;
use text::{Engine, EngineError, Messages};

use crate::assets::Assets;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../templates/pages");

/// A page: the fields that its template may use.
pub trait Page: Serialize + Sized {
    /// The template's path below `templates/pages/`.
    const TEMPLATE: &'static str;

    /// Pages to be rendered at start: at least one with every list and option full, and one with them empty.
    fn samples() -> Vec<Self>;
}

/// What the layout of every page uses, as the variable `site`.
#[derive(Debug, Clone, Serialize)]
pub struct Site {
    /// The municipality's name, or the product's.
    pub name: String,
    /// The municipality's slug.
    pub slug: Option<String>,
    /// Time zone for `date` and `datetime`.
    pub zone: String,
    /// Address of the municipality's colour.
    pub theme: Option<String>,
    /// The languages on offer.
    pub languages: Vec<LanguageLink>,
    /// The form that the language buttons belong to; links where there is none.
    pub language_form: Option<&'static str>,
    /// Addresses of the static files by file name.
    pub assets: BTreeMap<String, String>,
    /// The logo in place of the name.
    pub logo: Option<LogoLink>,
    /// The accessibility statement; empty: none.
    pub accessibility_url: String,
    /// Search engines may keep the page.
    pub indexed: bool,
    /// This is a demonstration: no mail leaves the machine.
    pub demo: bool,
}

/// A logo on a page.
#[derive(Debug, Clone, Serialize)]
pub struct LogoLink {
    /// Its address.
    pub src: String,
    /// What it says.
    pub alt: String,
    /// Width in CSS pixels.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A language on offer.
#[derive(Debug, Clone, Serialize)]
pub struct LanguageLink {
    /// `da`.
    pub tag: &'static str,
    /// Its name in itself.
    pub name: &'static str,
    /// The page is in it.
    pub current: bool,
}

impl Site {
    /// A site for the check at start.
    #[must_use]
    pub fn sample(assets: &Assets) -> Self {
        Self {
            name: "Højager Kommune".to_owned(),
            slug: Some("hojager".to_owned()),
            zone: "Europe/Copenhagen".to_owned(),
            theme: Some("/hojager/theme.css?v=1d4f7c".to_owned()),
            languages: Language::ALL
                .map(|l| LanguageLink { tag: l.tag(), name: l.own_name(), current: false })
                .to_vec(),
            language_form: Some("screen"),
            assets: assets.urls().clone(),
            logo: Some(LogoLink {
                src: "/hojager/logo?v=1".to_owned(),
                alt: "Højager".to_owned(),
                width: 120,
                height: 40,
            }),
            accessibility_url: "https://example.dk/tilgaengelighed".to_owned(),
            indexed: false,
            demo: true,
        }
    }
}

/// The templates of all pages.
#[derive(Debug)]
pub struct Templates(Engine);

impl Templates {
    /// The embedded templates.
    ///
    /// # Errors
    /// The engine's report of the place.
    pub fn load(messages: Arc<Messages>) -> Result<Self, EngineError> {
        let mut files = Vec::new();
        collect(&FILES, &mut files);
        Self::from_files(messages, files)
    }

    /// Templates given as (name, content).
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_files<N: AsRef<str>, C: AsRef<str>>(
        messages: Arc<Messages>,
        files: impl IntoIterator<Item = (N, C)>,
    ) -> Result<Self, EngineError> {
        Ok(Self(Engine::new(messages, files)?))
    }

    /// Renders all samples of a page in every language and compares the template's variables with the page's fields.
    ///
    /// # Errors
    /// The first fault, with template and language.
    pub fn check<P: Page>(&self, site: &Site) -> Result<(), EngineError> {
        let mut fields = BTreeSet::from(["site".to_owned()]);
        let samples = P::samples();
        for sample in &samples {
            if let Ok(serde_json::Value::Object(object)) = serde_json::to_value(sample) {
                fields.extend(object.into_iter().map(|(name, _)| name));
            }
        }
        self.0.check_variables(P::TEMPLATE, &fields)?;
        let plain = Site {
            slug: None,
            theme: None,
            language_form: None,
            logo: None,
            accessibility_url: String::new(),
            demo: false,
            ..site.clone()
        };
        for language in Language::ALL {
            for sample in &samples {
                self.render(P::TEMPLATE, language, sample, site)?;
                self.render(P::TEMPLATE, language, sample, &plain)?;
            }
        }
        Ok(())
    }

    /// Renders a page.
    ///
    /// # Errors
    /// The engine's report.
    pub fn render(
        &self,
        template: &str,
        language: Language,
        page: &impl Serialize,
        site: &Site,
    ) -> Result<String, EngineError> {
        self.0.render_in(template, language, page, site)
    }

    /// The messages.
    #[must_use]
    pub fn messages(&self) -> &Messages {
        self.0.messages()
    }
}

fn collect(dir: &'static Dir<'_>, files: &mut Vec<(String, &'static str)>) {
    for file in dir.files() {
        if let (Some(name), Some(content)) = (file.path().to_str(), file.contents_utf8()) {
            files.push((name.to_owned(), content));
        }
    }
    for inner in dir.dirs() {
        collect(inner, files);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Greeting {
        name: &'static str,
        lines: Vec<&'static str>,
    }

    impl Page for Greeting {
        const TEMPLATE: &'static str = "greeting.html";

        fn samples() -> Vec<Self> {
            vec![Self { name: "Karin", lines: vec!["a"] }, Self { name: "Karin", lines: Vec::new() }]
        }
    }

    fn check(template: &str) -> Result<(), String> {
        let messages = Arc::new(Messages::load().unwrap());
        let templates = Templates::from_files(messages, [("greeting.html", template)]).map_err(|e| e.to_string())?;
        templates.check::<Greeting>(&Site::sample(&Assets::embedded())).map_err(|e| e.to_string())
    }

    #[test]
    fn a_sound_template_passes() {
        check("{{ name }} {{ site.name }} {{ lang }} {% for line in lines %}{{ line }}{% endfor %}").unwrap();
    }

    #[test]
    fn a_broken_template_stops_the_program() {
        let unknown = check("{% if nmae %}{{ name }}{% endif %}").unwrap_err();
        assert_eq!(unknown, "greeting.html uses nmae, which its page does not have");
        let message = check("{{ t(key=\"common.nothing\") }}").unwrap_err();
        assert!(message.contains("greeting.html in da") && message.contains("common.nothing"), "{message}");
        assert!(check("{{ lines[0] }}").is_err(), "the sample with an empty list finds it");
        assert!(check("{% if name %}").is_err());
    }

    #[test]
    fn every_page_renders_in_every_language() {
        let templates = Templates::load(Arc::new(Messages::load().unwrap())).unwrap();
        crate::pages::check(&templates, &Site::sample(&Assets::embedded())).unwrap();
    }
}
