//! Letters and Digital Post of a wave: from the list that the store keeps to files for the printer or the sending system.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use domain::fieldwork::{Channel, MessageKind};
use domain::language::{Country, Language};
use domain::municipality::Municipality;
use domain::questionnaire::Facts;
use domain::registers::Cvr;
use intake::report::Sheet;
use report::letter::{self, Letter, Occasion, Workplace, grouped, link};
use report::memo;
use store::channels::Approach;
use store::rounds::Round;
use text::Messages;

use crate::wiring::Parts;

/// What an export came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// Letters or messages.
    pub messages: usize,
    /// Workplaces they are for.
    pub businesses: usize,
    /// On the list when it was made, but answered or opted out since.
    pub no_longer: u64,
    /// The list was made by an earlier export.
    pub again: bool,
}

/// Letters, ready to be printed.
pub struct Letters {
    /// How many.
    pub batch: Batch,
    /// A page each; `None`: there are none.
    pub pdf: Option<Vec<u8>>,
    /// The same in the same order, for a printer who sets them himself.
    pub csv: Vec<u8>,
}

/// What all of a wave's letters have in common, ready to be lent to the printer.
#[derive(Clone)]
struct Wave {
    municipality: Municipality,
    round: Round,
    kind: MessageKind,
    closes_on: jiff::civil::Date,
    written_on: jiff::civil::Date,
    minutes: (u32, u32),
    public_url: String,
}

impl Wave {
    async fn read(
        parts: &Parts,
        municipality: &Municipality,
        round: &Round,
        wave: i64,
        public_url: &str,
    ) -> Result<Self> {
        let kind = MessageKind::of_wave(wave).filter(|kind| kind.asks()).context("waves are 0 to 3")?;
        let closes_on = round.closes_on.as_deref().and_then(|day| day.parse().ok());
        let form = round.questionnaire.as_ref().context("the round has no questionnaire")?;
        let form = parts.store.questionnaire(&municipality.id, form).await?;
        Ok(Self {
            kind,
            closes_on: closes_on.context("the round has no last day, which a letter must state")?,
            written_on: parts.clock.now().date_in(&text::format::zone(&municipality.settings.time_zone)),
            minutes: form.expected_minutes(&Facts::new()),
            public_url: public_url.to_owned(),
            municipality: municipality.clone(),
            round: round.clone(),
        })
    }

    fn occasion(&self) -> Occasion<'_> {
        Occasion {
            municipality: &self.municipality,
            year: self.round.year,
            kind: self.kind,
            closes_on: self.closes_on,
            written_on: self.written_on,
            threshold: self.round.threshold,
            minutes: self.minutes,
            public_url: &self.public_url,
        }
    }

    fn language(&self, approach: &Approach) -> Language {
        approach.language.unwrap_or(self.municipality.settings.language)
    }

    fn workplace(&self, parts: &Parts, approach: &Approach, label: String) -> Workplace {
        let code = parts.keys.invitation_token(&approach.invitation, approach.generation).reveal().to_owned();
        Workplace { label, code }
    }
}

/// Makes the letters of a wave, in the order of postcodes and streets.
///
/// # Errors
/// When the round is not open, or a letter cannot be set.
pub async fn letters(
    parts: &Parts,
    municipality: &Municipality,
    round: &Round,
    wave: i64,
    public_url: &str,
) -> Result<Letters> {
    let common = Wave::read(parts, municipality, round, wave, public_url).await?;
    let now = parts.clock.now();
    let mut approaches = parts.store.approach(&municipality.id, &round.id, wave, Channel::Letter, now).await?;
    // Noted first: what breaks off has shown links too.
    let detail = format!("wave {wave}, letters: {}", approaches.list.len());
    parts.store.audit(&municipality.id, None, "links.exported", round.id.as_str(), &detail, now).await?;
    approaches.list.sort_by(|a, b| {
        (&a.postcode, &a.street, &a.name, &a.reference).cmp(&(&b.postcode, &b.street, &b.name, &b.reference))
    });
    // One letter per invitation: an invitation to several workplaces goes to the first of them.
    let mut seen = std::collections::BTreeSet::new();
    let businesses = approaches.list.len();
    approaches.list.retain(|approach| seen.insert(approach.invitation.clone()));
    let list: Vec<Letter> = approaches
        .list
        .iter()
        .map(|approach| Letter {
            language: common.language(approach),
            name: approach.name.clone(),
            street: approach.street.clone(),
            postcode: approach.postcode.clone(),
            city: approach.city.clone(),
            reference: approach.reference.clone(),
            workplaces: vec![common.workplace(parts, approach, approach.name.clone())],
        })
        .collect();
    let batch = Batch { messages: list.len(), businesses, no_longer: approaches.no_longer, again: approaches.again };
    let messages = Messages::load()?;
    let csv = letters_csv(&messages, &common, &approaches.list, &list)?;
    if list.is_empty() {
        return Ok(Letters { batch, pdf: None, csv });
    }
    let pdf = tokio::task::spawn_blocking(move || letter::letters(&messages, &common.occasion(), &list));
    Ok(Letters { batch, pdf: Some(pdf.await.context("setting the letters was interrupted")??), csv })
}

fn letters_csv(messages: &Messages, common: &Wave, list: &[Approach], letters: &[Letter]) -> Result<Vec<u8>> {
    let language = common.municipality.settings.language;
    let heading = ["page", "reference", "unit", "name", "street", "postcode", "city", "language", "link", "code"]
        .map(|column| messages.t(language, &format!("letter.column_{column}"), &[]));
    let mut sheet = Sheet::new(Vec::new(), heading.each_ref().map(String::as_str))?;
    for (page, (approach, letter)) in list.iter().zip(letters).enumerate() {
        let code = &letter.workplaces[0].code;
        sheet.row([
            &(page + 1).to_string(),
            &approach.reference,
            &approach.unit_key,
            &approach.name,
            &approach.street,
            &approach.postcode,
            &approach.city,
            letter.language.tag(),
            &link(&common.public_url, code),
            &grouped(code),
        ])?;
    }
    Ok(sheet.finish()?)
}

/// Writes the messages of a wave for Digital Post into `folder`: `pdf/<cvr>.pdf`, `memo/<uuid>.xml` and `messages.csv`.
///
/// # Errors
/// When the round is not open, the municipality's own CVR number is not set, or a file cannot be written.
pub async fn digital_post(
    parts: &Parts,
    municipality: &Municipality,
    round: &Round,
    wave: i64,
    public_url: &str,
    folder: &Path,
) -> Result<Batch> {
    ensure!(
        municipality.country == Country::Dk,
        "Digital Post is Danish: use `pejling export letters`, whose CSV and PDF other systems take"
    );
    let sender = municipality.settings.own_numbers.iter().find_map(|number| Cvr::parse(number).ok());
    let sender = sender.context("the municipality's own CVR number is missing: it is one of its settings")?;
    let sender = sender.as_str().to_owned();
    for part in ["pdf", "memo"] {
        let path = folder.join(part);
        std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    }
    let common = Arc::new(Wave::read(parts, municipality, round, wave, public_url).await?);
    let now = parts.clock.now();
    let approaches = parts.store.approach(&municipality.id, &round.id, wave, Channel::DigitalPost, now).await?;
    let detail = format!("wave {wave}, digital post: {}", approaches.list.len());
    parts.store.audit(&municipality.id, None, "links.exported", round.id.as_str(), &detail, now).await?;
    let mut companies: BTreeMap<(String, String), Vec<Approach>> = BTreeMap::new();
    let businesses = approaches.list.len();
    for approach in approaches.list {
        let number = approach.company_number.clone().unwrap_or_default();
        companies.entry((number, approach.reference.clone())).or_default().push(approach);
    }
    let batch =
        Batch { messages: companies.len(), businesses, no_longer: approaches.no_longer, again: approaches.again };
    let messages = Arc::new(Messages::load()?);
    let language = municipality.settings.language;
    let heading = ["company", "name", "reference", "workplaces", "language", "pdf", "memo"]
        .map(|column| messages.t(language, &format!("letter.column_{column}"), &[]));
    let mut sheet = Sheet::new(Vec::new(), heading.each_ref().map(String::as_str))?;
    for ((number, reference), workplaces) in companies {
        let first = &workplaces[0];
        let written_in = common.language(first);
        let one = Letter {
            language: written_in,
            name: first.name.clone(),
            street: first.street.clone(),
            postcode: first.postcode.clone(),
            city: first.city.clone(),
            reference: reference.clone(),
            workplaces: workplaces
                .iter()
                .map(|approach| common.workplace(parts, approach, format!("{}, {}", approach.name, approach.street)))
                .collect(),
        };
        let actions: Vec<(String, String)> = one
            .workplaces
            .iter()
            .map(|place| {
                let label = messages.t(written_in, "letter.action", &[("business", place.label.as_str().into())]);
                (label, link(public_url, &place.code))
            })
            .collect();
        let (printer, setting, name) = (Arc::clone(&messages), Arc::clone(&common), one.name.clone());
        let pdf = tokio::task::spawn_blocking(move || letter::company_letter(&printer, &setting.occasion(), &one));
        let pdf = pdf.await.context("setting a letter was interrupted")??;
        let file_name = format!("{number}.pdf");
        let xml = memo::Message {
            uuid: &reference,
            label: &letter::subject(&messages, &common.occasion(), written_in),
            created_at: now.timestamp(),
            sender_cvr: &sender,
            sender: &municipality.name,
            recipient_cvr: &number,
            recipient: &name,
            pdf: &pdf,
            file_name: &file_name,
            language: written_in.tag(),
            actions: &actions,
        }
        .xml();
        let files = [(format!("pdf/{file_name}"), pdf), (format!("memo/{reference}.xml"), xml.into_bytes())];
        for (name, bytes) in &files {
            let path = folder.join(name);
            std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        let count = workplaces.len().to_string();
        sheet.row([&number, &name, &reference, &count, written_in.tag(), &files[0].0, &files[1].0])?;
    }
    let path = folder.join("messages.csv");
    std::fs::write(&path, sheet.finish()?).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(batch)
}
