//! A visitor without JavaScript: fetches pages, fills their forms as they stand, sends them.
use std::collections::BTreeMap;

use reqwest::{Client, ClientBuilder, Response, StatusCode, Url};
use scraper::{ElementRef, Html, Selector};

/// What a client is made with; the first call says which cryptography TLS would use.
pub fn browser() -> ClientBuilder {
    // Somebody else may have said it already: the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
}

/// A browser window.
pub struct Visitor {
    client: Client,
    /// Where the window is.
    pub url: Url,
    /// The status of the last answer.
    pub status: StatusCode,
    /// The page as it came.
    pub html: String,
}

/// A form as it stands on a page: what would be sent, and what could be chosen.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it goes.
    pub action: Url,
    /// Is it sent by POST?
    pub post: bool,
    /// Is it sent as multipart (an upload)?
    pub multipart: bool,
    /// Names and values as they would be sent now.
    pub fields: Vec<(String, String)>,
    /// Names and values that could be chosen: radio buttons, boxes, options.
    pub choices: Vec<Choice>,
    /// Names of free texts.
    pub texts: Vec<String>,
}

/// Something that can be chosen.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
    /// `radio`, `checkbox` or `option`.
    pub kind: &'static str,
}

fn selector(css: &str) -> Selector {
    Selector::parse(css).expect("the selectors of the tests are valid")
}

impl Default for Visitor {
    fn default() -> Self {
        Self::new()
    }
}

impl Visitor {
    /// A window with its own cookies, on no page yet.
    #[must_use]
    pub fn new() -> Self {
        let client = browser().cookie_store(true).build().expect("the client can be made");
        let url = Url::parse("about:blank").expect("a valid address");
        Self { client, url, status: StatusCode::OK, html: String::new() }
    }

    async fn show(&mut self, response: Response) {
        self.url = response.url().clone();
        self.status = response.status();
        self.html = response.text().await.expect("the page is text");
    }

    /// Goes to an address.
    pub async fn get(&mut self, url: &str) -> &mut Self {
        let url = self.url.join(url).or_else(|_| Url::parse(url)).expect("a valid address");
        let response = self.client.get(url).send().await.expect("the server answers");
        self.show(response).await;
        self
    }

    /// What the page says, white space folded.
    #[must_use]
    pub fn text(&self) -> String {
        let html = Html::parse_document(&self.html);
        let main = html.select(&selector("main")).next().unwrap_or_else(|| html.root_element());
        main.text().collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The page says this.
    #[track_caller]
    pub fn assert_text(&self, wanted: &str) {
        let text = self.text();
        assert!(text.contains(wanted), "{} ({}) does not say {wanted:?}:\n{text}", self.url.path(), self.status);
    }

    /// The address of the first link whose words or address contain `wanted`.
    #[must_use]
    pub fn link(&self, wanted: &str) -> Option<String> {
        let html = Html::parse_document(&self.html);
        let links = selector("a[href]");
        let found = html.select(&links).find(|a| {
            a.text().collect::<String>().contains(wanted) || a.attr("href").is_some_and(|h| h.contains(wanted))
        });
        found.and_then(|a| a.attr("href")).map(str::to_owned)
    }

    /// The large figures of the page, by name.
    #[must_use]
    pub fn key_figures(&self) -> BTreeMap<String, String> {
        let html = Html::parse_document(&self.html);
        let words = |figure: ElementRef<'_>, class: &str| {
            figure
                .select(&selector(class))
                .next()
                .map(|e| e.text().collect::<String>().trim().to_owned())
                .unwrap_or_default()
        };
        html.select(&selector(".key-figure")).map(|figure| (words(figure, ".name"), words(figure, ".value"))).collect()
    }

    /// The cells of the table row that is headed `row`, white space folded.
    ///
    /// # Panics
    /// When no row has that heading.
    #[track_caller]
    #[must_use]
    pub fn cells(&self, row: &str) -> Vec<String> {
        self.cells_below("", row)
    }

    /// The cells of the row headed by `row`, in a table that has a column headed by `column`.
    ///
    /// # Panics
    /// When there is no such table or row.
    #[track_caller]
    #[must_use]
    pub fn cells_below(&self, column: &str, row: &str) -> Vec<String> {
        let html = Html::parse_document(&self.html);
        let (rows, heads, cells) = (selector("tr"), selector("th[scope=row]"), selector("td"));
        let headed = |r: &ElementRef<'_>| {
            r.select(&heads).next().is_some_and(|h| h.text().collect::<String>().trim_start().starts_with(row))
        };
        let columns = selector("th[scope=col]");
        let wanted = |table: &ElementRef<'_>| {
            column.is_empty() || table.select(&columns).any(|h| h.text().collect::<String>().trim() == column)
        };
        let tables = selector("table");
        let Some(found) = html.select(&tables).filter(wanted).flat_map(|t| t.select(&rows)).find(headed) else {
            panic!("{} ({}) has no row {row:?}:\n{}", self.url.path(), self.status, self.text())
        };
        let words =
            |cell: ElementRef<'_>| cell.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
        found.select(&cells).map(words).collect()
    }

    /// The forms of the page.
    #[must_use]
    pub fn forms(&self) -> Vec<Form> {
        let html = Html::parse_document(&self.html);
        html.select(&selector("main form")).map(|form| self.read(form)).collect()
    }

    /// The form whose address contains `wanted`.
    #[track_caller]
    #[must_use]
    pub fn form(&self, wanted: &str) -> Form {
        let forms = self.forms();
        let found = forms.iter().find(|f| f.action.path().contains(wanted)).cloned();
        found.unwrap_or_else(|| {
            let there: Vec<_> = forms.iter().map(|f| f.action.path().to_owned()).collect();
            panic!("{} ({}) has no form to {wanted:?}, only {there:?}:\n{}", self.url.path(), self.status, self.text())
        })
    }

    fn read(&self, form: ElementRef<'_>) -> Form {
        let action = self.url.join(form.attr("action").unwrap_or("")).expect("forms go to valid addresses");
        let mut read = Form {
            action,
            post: form.attr("method").is_some_and(|m| m.eq_ignore_ascii_case("post")),
            multipart: form.attr("enctype").is_some_and(|e| e.contains("multipart")),
            fields: Vec::new(),
            choices: Vec::new(),
            texts: Vec::new(),
        };
        for field in form.select(&selector("input, textarea, select")) {
            let Some(name) = field.attr("name").map(str::to_owned) else { continue };
            let value = field.attr("value").unwrap_or_default().to_owned();
            match (field.value().name(), field.attr("type").unwrap_or("text")) {
                ("textarea", _) => {
                    read.texts.push(name.clone());
                    read.fields.push((name, field.text().collect()));
                }
                ("select", _) => {
                    // Without a value an option sends its words; without a selected one, a list sends its first.
                    let options = selector("option");
                    let value_of = |option: ElementRef<'_>| {
                        option.attr("value").map_or_else(|| option.text().collect(), str::to_owned)
                    };
                    for option in field.select(&options) {
                        read.choices.push(Choice { name: name.clone(), value: value_of(option), kind: "option" });
                    }
                    let selected = field
                        .select(&options)
                        .find(|o| o.attr("selected").is_some())
                        .or_else(|| field.select(&options).next());
                    read.fields.extend(selected.map(|option| (name.clone(), value_of(option))));
                }
                (_, kind @ ("radio" | "checkbox")) => {
                    let kind = if kind == "radio" { "radio" } else { "checkbox" };
                    if field.attr("checked").is_some() {
                        read.fields.push((name.clone(), value.clone()));
                    }
                    read.choices.push(Choice { name, value, kind });
                }
                (_, "submit" | "button" | "file") => {}
                (_, kind) => {
                    if kind != "hidden" {
                        read.texts.push(name.clone());
                    }
                    read.fields.push((name, value));
                }
            }
        }
        read
    }

    /// Sends a form.
    pub async fn send(&mut self, form: &Form) -> &mut Self {
        let request = if !form.post {
            let mut url = form.action.clone();
            url.query_pairs_mut().extend_pairs(&form.fields);
            self.client.get(url)
        } else if form.multipart {
            let parts = form
                .fields
                .iter()
                .fold(reqwest::multipart::Form::new(), |parts, (name, value)| parts.text(name.clone(), value.clone()));
            self.client.post(form.action.clone()).multipart(parts)
        } else {
            self.client.post(form.action.clone()).form(&form.fields)
        };
        let response = request.header("Sec-Fetch-Site", "same-origin").send().await.expect("the server answers");
        self.show(response).await;
        self
    }

    /// Sends a form with a file in the field `name`.
    pub async fn upload(&mut self, form: &Form, name: &str, file_name: &str, bytes: Vec<u8>) -> &mut Self {
        let mut parts = reqwest::multipart::Form::new()
            .part(name.to_owned(), reqwest::multipart::Part::bytes(bytes).file_name(file_name.to_owned()));
        for (name, value) in &form.fields {
            parts = parts.text(name.clone(), value.clone());
        }
        let request = self.client.post(form.action.clone()).multipart(parts).header("Sec-Fetch-Site", "same-origin");
        let response = request.send().await.expect("the server answers");
        self.show(response).await;
        self
    }
}

impl Form {
    /// Sets a field to one value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(n, _)| n != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The values that a name offers.
    #[must_use]
    pub fn offered(&self, name: &str) -> Vec<String> {
        self.choices.iter().filter(|c| c.name == name).map(|c| c.value.clone()).collect()
    }

    /// What a field would send now; empty when it would send nothing.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// Names of the radio groups, in page order.
    #[must_use]
    pub fn radios(&self) -> Vec<String> {
        self.names("radio")
    }

    /// Names of the groups of boxes, in page order.
    #[must_use]
    pub fn boxes(&self) -> Vec<String> {
        self.names("checkbox")
    }

    fn names(&self, kind: &str) -> Vec<String> {
        let mut names: Vec<String> = self.choices.iter().filter(|c| c.kind == kind).map(|c| c.name.clone()).collect();
        names.dedup();
        names
    }
}
