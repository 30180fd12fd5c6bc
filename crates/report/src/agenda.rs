//! The agenda item: what the administration lays before the committee, as a document and as text to copy.
use charts::{ChartError, Setting};
use domain::indicator::Kind;
use domain::initiatives::{InitiativeState, Owner};
use domain::language::Language;
use domain::results::{ALL, IndicatorInfo, Report, TOTAL};
use text::messages::Arg;
use text::{Messages, summary};

use crate::Occasion;
use crate::book::Cell;
use crate::docx::{self, Block, DocumentError};
use crate::picture;
use crate::words::{Words, element};

/// An agenda item in both forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agenda {
    /// The document.
    pub docx: Vec<u8>,
    /// The words alone.
    pub text: String,
}

/// Pixels of a picture for each of the drawing's own.
const SCALE: f32 = 2.0;
/// At most so many of the municipality's initiatives are named; the report has them all.
const MOST_INITIATIVES: usize = 8;
/// Themes that are named.
const MOST_THEMES: usize = 5;
/// Quotes that are given.
const MOST_QUOTES: usize = 5;

/// Writes the agenda item of a publication.
///
/// # Errors
/// [`DocumentError`] when the document cannot be written.
pub fn agenda(messages: &Messages, report: &Report, occasion: &Occasion<'_>) -> Result<Agenda, DocumentError> {
    let secretary = Secretary { words: Words { messages, report, occasion } };
    let title = secretary.words.title();
    let blocks = secretary.blocks();
    let author = secretary.words.administration();
    let docx = docx::document(occasion.language, &title, &author, &blocks)?;
    Ok(Agenda { docx, text: docx::plain(&title, &blocks) })
}

struct Secretary<'a> {
    words: Words<'a>,
}

impl Secretary<'_> {
    fn say(&self, key: &str, args: &[(&str, Arg)]) -> String {
        self.words.say(&format!("agenda_{key}"), args)
    }

    fn blocks(&self) -> Vec<Block> {
        let heading = |key: &str| Block::Heading(1, self.say(key, &[]));
        let year = self.words.year();
        let mut blocks = vec![heading("resume")];
        let sentences = summary::opening(self.words.messages, self.words.language(), self.words.report);
        let names = [
            ("committee", self.words.committee().into()),
            ("municipality", self.words.occasion.municipality.name.as_str().into()),
            ("year", Arg::Text(year.to_string())),
        ];
        let resume = self.say("resume_text", &names);
        let first = sentences.iter().skip(1).take(1).cloned();
        blocks.push(Block::Paragraph(std::iter::once(resume).chain(first).collect::<Vec<_>>().join(" ")));
        blocks.extend(Some(self.words.correction()).filter(|c| !c.is_empty()).map(Block::Paragraph));
        blocks.push(heading("case"));
        blocks.push(Block::Heading(2, self.say("changed", &[])));
        blocks.extend(sentences.into_iter().map(Block::Paragraph));
        blocks.extend(self.main_figures());
        if let Some(indicator) = self.first() {
            blocks.extend(self.sectors(indicator));
        }
        blocks.extend(self.goals());
        blocks.extend(self.own_words());
        blocks.extend(self.initiatives());
        blocks.push(Block::Heading(2, self.words.paper("coverage_title", &[])));
        blocks.extend(self.words.teller().response().into_iter().map(Block::Paragraph));
        blocks.push(Block::Heading(2, self.words.paper("method_title", &[])));
        blocks.extend(self.words.remark().map(Block::Paragraph));
        blocks.push(Block::Paragraph(self.words.paper("method_change", &[])));
        blocks.extend(self.words.breaks().into_iter().map(Block::Paragraph));
        blocks.push(heading("proposal"));
        let proposed =
            [("administration", self.words.administration().into()), ("committee", self.words.committee().into())];
        blocks.push(Block::Paragraph(self.say("proposal_text", &proposed)));
        blocks.push(Block::Placeholder(self.say("proposal_own", &[("council", self.words.council().into())])));
        blocks.push(heading("annexes"));
        for annex in ["annex_report", "annex_status", "annex_workbook"] {
            blocks.push(Block::Item(self.say(annex, &[("title", self.words.title().into())])));
        }
        blocks
    }

    fn first(&self) -> Option<&IndicatorInfo> {
        let indicators = &self.words.report.indicators;
        indicators.iter().find(|i| i.headline).or(indicators.first())
    }

    fn drawn(&self, id: &str, draw: impl Fn(&Setting<'_>) -> Result<String, ChartError>) -> Option<Block> {
        let setting = Setting { heading: false, ..Setting::standalone(self.words.messages, self.words.language(), id) };
        let svg = draw(&setting).ok()?;
        let caption = element(&svg, "title");
        let alt = format!("{caption}. {}", element(&svg, "desc"));
        Some(Block::Picture { picture: picture::png(&svg, SCALE).ok()?, alt, caption })
    }

    /// The main indicators in a table, and the first of them as a line over the years.
    fn main_figures(&self) -> Vec<Block> {
        let report = self.words.report;
        let years: Vec<i32> = report.years.iter().rev().take(4).rev().copied().collect();
        let mut head = vec![self.words.paper("indicator", &[])];
        head.extend(years.iter().map(ToString::to_string));
        head.push(self.words.paper("change", &[]));
        let rows = report.indicators.iter().filter(|i| i.headline).map(|indicator| {
            let mut row = vec![indicator.title.get(self.words.language()).to_owned()];
            row.extend(years.iter().map(|year| {
                self.printed(&self.words.estimate(indicator, report.estimate(&indicator.id, *year, TOTAL, ALL)))
            }));
            let change = self.words.before().map(|from| {
                let [difference, _, verdict] = self.words.change(indicator, (from, self.words.year()), TOTAL, ALL);
                format!("{} {}", self.cell(&difference), self.cell(&verdict)).trim().to_owned()
            });
            row.push(change.unwrap_or_default());
            row
        });
        let mut blocks = vec![Block::Table { head, rows: rows.collect(), text: false }];
        blocks.push(Block::Paragraph(self.words.paper("table_note", &[])));
        if let Some(first) = self.first().filter(|_| years.len() > 1) {
            blocks.extend(self.drawn("trend", |s| charts::trend(report, &first.id, TOTAL, ALL, s)));
        }
        blocks
    }

    fn printed(&self, [figure, margin, _]: &[Cell; 3]) -> String {
        format!("{} {}", self.cell(figure), self.cell(margin)).trim().to_owned()
    }

    /// A cell as the page prints it.
    fn cell(&self, cell: &Cell) -> String {
        cell.printed(self.words.language())
    }

    /// Sectors that rose or fell, in words, and all of them in a chart.
    fn sectors(&self, indicator: &IndicatorInfo) -> Vec<Block> {
        let (report, year) = (self.words.report, self.words.year());
        let Some(before) = self.words.before() else { return Vec::new() };
        if report.breakdowns.iter().all(|b| b.domain != "sector") {
            return Vec::new();
        }
        let mut blocks = vec![Block::Heading(2, self.say("sectors", &[]))];
        blocks.extend(self.words.sectors_moved().into_iter().map(Block::Paragraph));
        blocks.extend(self.drawn("change", |s| charts::change(report, &indicator.id, (before, year), "sector", s)));
        blocks
    }

    fn goals(&self) -> Vec<Block> {
        let goals = self.words.goals();
        if goals.is_empty() {
            return Vec::new();
        }
        let head = vec![self.words.standing("goal"), self.words.page("goal_found"), self.words.standing("goal_result")];
        let rows = goals.into_iter().map(|goal| {
            let ended = |text: String| if text.ends_with('.') { text } else { format!("{text}.") };
            let wanted = match goal.text.is_empty() {
                true => goal.wanted,
                false => format!("{} {}", ended(goal.text), goal.wanted),
            };
            let found = if goal.measure.is_empty() { goal.found } else { format!("{}: {}", goal.measure, goal.found) };
            vec![wanted, found, self.words.standing(&format!("verdict_{}", goal.verdict))]
        });
        vec![
            Block::Heading(2, self.words.standing("goals")),
            Block::Paragraph(self.words.standing("goals_text")),
            Block::Table { head, rows: rows.collect(), text: true },
        ]
    }

    /// The themes that most write about, and quotes that were released.
    fn own_words(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        if let Some(part) = &self.words.report.insight.themes {
            let language = self.words.language();
            let said = self.words.teller().themes(part, self.words.year());
            blocks.extend(said.into_iter().map(Block::Paragraph));
            blocks.extend(self.words.themes().into_iter().take(MOST_THEMES).filter_map(|(theme, row)| {
                let share = charts::figure(language, Kind::Share, row.estimate.value?, row.estimate.n);
                let margin = row.estimate.interval.map(|i| charts::margin(language, Kind::Share, i, row.estimate.n));
                let figure = [Some(share), margin].into_iter().flatten().collect::<Vec<_>>().join(" ");
                Some(Block::Item(format!("{}: {figure}", theme.title.get(language))))
            }));
        }
        let quotes = self.words.occasion.quotes;
        if !quotes.is_empty() {
            blocks.push(Block::Paragraph(self.words.answers("quotes_text")));
            let marks = |words: &String| match self.words.language() {
                Language::Da => format!("»{words}«"),
                Language::Sv => format!("”{words}”"),
                Language::En => format!("“{words}”"),
            };
            blocks.extend(quotes.iter().take(MOST_QUOTES).map(marks).map(Block::Item));
        }
        if !blocks.is_empty() {
            blocks.insert(0, Block::Heading(2, self.words.page("themes")));
        }
        blocks
    }

    fn initiatives(&self) -> Vec<Block> {
        let Some(standing) = self.words.occasion.standing else { return Vec::new() };
        let language = self.words.language();
        let running = standing.initiatives.iter().filter(|i| matches!(i.state, InitiativeState::Active));
        let items: Vec<Block> = running
            .take(MOST_INITIATIVES)
            .map(|i| {
                let title = i.plan.title.get(language);
                // Agendas are public: a group is named, a person is not.
                match &i.plan.owner {
                    Owner::Group { name } if !name.is_empty() => Block::Item(format!("{title} ({name})")),
                    Owner::Group { .. } | Owner::Person { .. } => Block::Item(title.to_owned()),
                }
            })
            .collect();
        if items.is_empty() {
            return Vec::new();
        }
        let heading = Block::Heading(2, self.say("initiatives", &[]));
        [heading].into_iter().chain(items).collect()
    }
}
