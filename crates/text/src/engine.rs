//! The template engine: tera with our messages, numbers and dates; one instance per language, so that they also work inside components.
use std::collections::BTreeSet;
use std::sync::Arc;

use domain::language::Language;
use domain::time::Millis;
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, TeraResult, Value};

use crate::format;
use crate::messages::{Arg, Messages};

/// Why a template cannot be read or rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Reading the templates failed.
    #[error("templates: {0}")]
    Load(#[source] tera::Error),
    /// Rendering failed.
    #[error("{template} in {language}: {}", chain(.source))]
    Render {
        /// The template.
        template: String,
        /// The language's tag.
        language: &'static str,
        /// The engine's words.
        #[source]
        source: tera::Error,
    },
    /// A template uses a variable that its page does not have.
    #[error("{template} uses {name}, which its page does not have")]
    UnknownVariable {
        /// The template.
        template: String,
        /// The variable.
        name: String,
    },
}

fn chain(error: &tera::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Templates ready to render in every language.
///
/// In templates: `{{ t(key="area.key", n=3) }}` or `{{ "area.key" | t(n=3) }}`; `{{ x | number(decimals=1) }}`;
/// `{{ share | percent }}`; `{{ millis_or_iso_date | date }}`, `| datetime` (zone: argument `zone`, or the variable `zone`,
/// or `site.zone`); `{{ texts | text }}` for a [`domain::language::Texts`]. The variable `lang` holds the language's tag.
pub struct Engine {
    teras: [Tera; 3],
    messages: Arc<Messages>,
}

impl Engine {
    /// Reads templates given as (name, content). Names ending in `.html` are escaped.
    ///
    /// # Errors
    /// [`EngineError::Load`] with the engine's report of the place.
    pub fn new<N: AsRef<str>, C: AsRef<str>>(
        messages: Arc<Messages>,
        templates: impl IntoIterator<Item = (N, C)>,
    ) -> Result<Self, EngineError> {
        let templates: Vec<(N, C)> = templates.into_iter().collect();
        let load = |language: Language| -> Result<Tera, EngineError> {
            let mut tera = Tera::new();
            tera.autoescape_on([".html"]);
            register(&mut tera, language, &messages);
            tera.add_raw_templates(templates.iter().map(|(n, c)| (n.as_ref(), c.as_ref())))
                .map_err(EngineError::Load)?;
            Ok(tera)
        };
        let [da, sv, en] = Language::ALL;
        Ok(Self { teras: [load(da)?, load(sv)?, load(en)?], messages: Arc::clone(&messages) })
    }

    /// The messages.
    #[must_use]
    pub fn messages(&self) -> &Messages {
        &self.messages
    }

    /// Is there such a template?
    #[must_use]
    pub fn contains(&self, template: &str) -> bool {
        self.teras[0].contains_template(template)
    }

    /// Renders a template with `fields` as its variables.
    ///
    /// # Errors
    /// [`EngineError::Render`].
    pub fn render(&self, template: &str, language: Language, fields: &impl Serialize) -> Result<String, EngineError> {
        self.render_context(template, language, fields, None)
    }

    /// Renders a template with `fields` as its variables and `site` (what every page of a site shares) as the variable `site`.
    ///
    /// # Errors
    /// [`EngineError::Render`].
    pub fn render_in(
        &self,
        template: &str,
        language: Language,
        fields: &impl Serialize,
        site: &impl Serialize,
    ) -> Result<String, EngineError> {
        self.render_context(template, language, fields, Some(Value::from_serializable(site)))
    }

    fn render_context(
        &self,
        template: &str,
        language: Language,
        fields: &impl Serialize,
        site: Option<Value>,
    ) -> Result<String, EngineError> {
        let failed = |source| EngineError::Render { template: template.to_owned(), language: language.tag(), source };
        let mut context = Context::from_serialize(fields).map_err(failed)?;
        context.insert("lang", language.tag());
        if let Some(site) = site {
            context.insert_value("site", site);
        }
        self.tera(language).render(template, &context).map_err(failed)
    }

    /// Checks that a template prints no variable outside `allowed` (`lang` is always there).
    ///
    /// # Errors
    /// [`EngineError::UnknownVariable`] naming the first; [`EngineError::Load`] when there is no such template.
    pub fn check_variables(&self, template: &str, allowed: &BTreeSet<String>) -> Result<(), EngineError> {
        let used = self.teras[0].get_template_variables(template).map_err(EngineError::Load)?;
        let unknown: BTreeSet<&str> =
            used.into_iter().filter(|name| *name != "lang" && !allowed.contains(*name)).collect();
        match unknown.first() {
            None => Ok(()),
            Some(name) => Err(EngineError::UnknownVariable { template: template.to_owned(), name: (*name).to_owned() }),
        }
    }

    const fn tera(&self, language: Language) -> &Tera {
        match language {
            Language::Da => &self.teras[0],
            Language::Sv => &self.teras[1],
            Language::En => &self.teras[2],
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

fn register(tera: &mut Tera, language: Language, messages: &Arc<Messages>) {
    let m = Arc::clone(messages);
    tera.register_function("t", move |kwargs: Kwargs, _: &State| -> TeraResult<String> {
        let key = kwargs.must_get::<String>("key")?;
        translate(&m, language, &key, &kwargs)
    });
    let m = Arc::clone(messages);
    tera.register_filter("t", move |key: String, kwargs: Kwargs, _: &State| -> TeraResult<String> {
        translate(&m, language, &key, &kwargs)
    });
    tera.register_filter("number", move |value: f64, kwargs: Kwargs, _: &State| -> TeraResult<String> {
        let decimals = kwargs.get::<usize>("decimals")?.unwrap_or(0);
        Ok(format::number(language, value, decimals))
    });
    tera.register_filter("percent", move |value: f64, kwargs: Kwargs, _: &State| -> TeraResult<String> {
        let decimals = kwargs.get::<usize>("decimals")?.unwrap_or(0);
        Ok(format::percent(language, value, decimals))
    });
    tera.register_filter("date", move |value: Value, kwargs: Kwargs, state: &State| -> TeraResult<String> {
        match moment(&value)? {
            Moment::Date(date) => Ok(format::date(language, date)),
            Moment::Instant(at) => Ok(format::date_of(language, at, &zone(&kwargs, state)?)),
        }
    });
    tera.register_filter("datetime", move |value: Value, kwargs: Kwargs, state: &State| -> TeraResult<String> {
        match moment(&value)? {
            Moment::Date(date) => Ok(format::date(language, date)),
            Moment::Instant(at) => Ok(format::datetime_of(language, at, &zone(&kwargs, state)?)),
        }
    });
    tera.register_filter("text", move |value: Value, _: Kwargs, _: &State| -> TeraResult<String> {
        value
            .get_from_path(language.tag())
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| tera::Error::message("`text` needs a text in every language"))
    });
}

fn translate(messages: &Messages, language: Language, key: &str, kwargs: &Kwargs) -> TeraResult<String> {
    let mut args = Vec::new();
    for (name, value) in kwargs.iter() {
        let name = name.as_str().unwrap_or_default();
        if name != "key" {
            args.push((name, argument(value)));
        }
    }
    messages.try_t(language, key, &args).map_err(tera::Error::message)
}

fn argument(value: &Value) -> Arg {
    if let Some(text) = value.as_str() {
        return Arg::Text(text.to_owned());
    }
    match value.as_number() {
        Some(number) if number.is_integer() => {
            value.as_i64().map_or_else(|| Arg::Text(value.to_string()), Arg::Integer)
        }
        Some(number) => {
            let float = number.as_float();
            Arg::Decimal(float, usize::from(float.fract() != 0.0))
        }
        None => Arg::Text(value.to_string()),
    }
}

enum Moment {
    Date(jiff::civil::Date),
    Instant(Millis),
}

fn moment(value: &Value) -> TeraResult<Moment> {
    if let Some(millis) = value.as_i64() {
        return Ok(Moment::Instant(Millis(millis)));
    }
    let text = value.as_str().unwrap_or_default();
    text.parse().map(Moment::Date).map_err(|_| tera::Error::message("a date is milliseconds or yyyy-mm-dd"))
}

fn zone(kwargs: &Kwargs, state: &State) -> TeraResult<jiff::tz::TimeZone> {
    let named = match kwargs.get::<String>("zone")? {
        Some(name) => Some(name),
        None => match state.get::<String>("zone")? {
            Some(name) => Some(name),
            None => state
                .get::<Value>("site")?
                .and_then(|s| s.get_from_path("zone").and_then(Value::as_str).map(str::to_owned)),
        },
    };
    Ok(format::zone(named.as_deref().unwrap_or("Europe/Copenhagen")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(template: &str) -> Engine {
        let toml = "hi = \"Hej {name}\"\nleft = { one = \"{n} svar\", other = \"{n} svar i alt\" }";
        let messages = Messages::from_files([("x.da.toml", toml), ("x.sv.toml", toml), ("x.en.toml", toml)]).unwrap();
        Engine::new(Arc::new(messages), [("page.html", template)]).unwrap()
    }

    fn render(template: &str) -> String {
        #[derive(Serialize)]
        struct Page {
            name: &'static str,
            at: Millis,
            title: domain::language::Texts,
        }
        let page = Page {
            name: "A&B <b>",
            at: Millis(1_795_388_400_000),
            title: domain::language::Texts { da: "titel".into(), sv: "rubrik".into(), en: "title".into() },
        };
        let site = serde_json::json!({ "zone": "UTC" });
        engine(template).render_in("page.html", Language::Da, &page, &site).unwrap()
    }

    #[test]
    fn what_people_wrote_is_escaped_and_ours_is_filled_in() {
        assert_eq!(render("{{ t(key=\"x.hi\", name=name) }}"), "Hej A&amp;B &lt;b&gt;");
        assert_eq!(render("{{ \"x.left\" | t(n=1) }}, {{ \"x.left\" | t(n=1500) }}"), "1 svar, 1.500 svar i alt");
        assert_eq!(
            render("{{ 1234.56 | number(decimals=1) }} {{ 0.5 | percent }} {{ 7 | number }}"),
            "1.234,6 50\u{a0}% 7"
        );
        assert_eq!(
            render("{{ at | date }} {{ at | date(zone=\"Europe/Stockholm\") }} {{ \"2026-01-02\" | date }}"),
            "22. november 2026 23. november 2026 2. januar 2026"
        );
        assert_eq!(render("{{ title | text }}"), "titel");
    }

    #[test]
    fn a_message_or_variable_that_is_not_there_is_an_error() {
        let empty = serde_json::json!({});
        let error =
            engine("{{ t(key=\"x.gone\") }}").render("page.html", Language::Sv, &empty).unwrap_err().to_string();
        assert!(error.contains("page.html in sv") && error.contains("x.gone"), "{error}");
        assert!(engine("{{ gone }}").render("page.html", Language::Da, &empty).is_err());
        let error = engine("{% if gone %}x{% endif %}").check_variables("page.html", &BTreeSet::new()).unwrap_err();
        assert_eq!(error.to_string(), "page.html uses gone, which its page does not have");
    }
}
