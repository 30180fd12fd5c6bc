//! What explore shows, as files: the very figures of the page, suppressed and rounded, and nothing besides.
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use charts::Setting;
use domain::indicator::Kind;
use domain::language::Language;
use domain::results::{EstimateRow, Report, State as Shown, TOTAL, Verdict};
use text::Messages;

use super::show::draw;
use crate::app::App;
use crate::downloads::{Sheet, SheetCell, SheetChart, csv};
use crate::error::PageError;
use crate::explore::{AXES, Choice, ExploreError, Explorer};
use crate::pages::signin::Analyst;
use crate::visit::Visit;

/// `GET /{slug}/console/explore/files/{file}`
pub async fn file(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let language = app.view(&visit).of(&staff.municipality).language();
    let explorer = match app.explorer(&staff.municipality).await {
        Err(ExploreError::Nothing) => return Err(PageError::NotFound),
        other => other?,
    };
    let choice = Choice::read(&explorer, query.as_deref().unwrap_or_default())
        .map_err(|super::Refused| PageError::BadRequest)?;
    let report = explorer.report(app.store(), &choice).await?;
    let (name, kind) = file.rsplit_once('.').ok_or(PageError::NotFound)?;
    let makers = || app.downloads().copied().ok_or(PageError::NotFound);
    let svg = || {
        let setting = Setting::standalone(app.messages(), language, "chart");
        draw(&explorer, &choice, &report, name, &setting).map_err(|_| PageError::NotFound)
    };
    let table = || {
        if name == "table" {
            Ok(sheet(app.messages(), language, &explorer, &choice, &report))
        } else {
            Err(PageError::NotFound)
        }
    };
    // Pictures and workbooks take some milliseconds of work, not of waiting.
    let apart = |work: Box<dyn FnOnce() -> Result<Vec<u8>, String> + Send>| async move {
        let made = tokio::task::spawn_blocking(work).await.map_err(PageError::internal)?;
        made.map_err(PageError::internal)
    };
    let (media, bytes) = match kind {
        "svg" => ("image/svg+xml; charset=utf-8", svg()?.into_bytes()),
        "png" => {
            let (make, svg) = (makers()?.png, svg()?);
            ("image/png", apart(Box::new(move || make(&svg))).await?)
        }
        "csv" => ("text/csv; charset=utf-8", csv(&table()?).into_bytes()),
        "xlsx" => {
            let (make, sheet) = (makers()?.workbook, table()?);
            let media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            (media, apart(Box::new(move || make(language, &sheet))).await?)
        }
        "parquet" => {
            let (make, sheet) = (makers()?.parquet, table()?);
            ("application/vnd.apache.parquet", apart(Box::new(move || make(language, &sheet))).await?)
        }
        _ => return Err(PageError::NotFound),
    };
    let axes: String = choice.axes.iter().map(|a| format!("-{}", AXES[*a])).collect();
    let called = format!("{}{axes}-{}-{name}.{kind}", report.indicators[0].id, report.years[choice.year]);
    let headers = [
        (header::CONTENT_TYPE, media.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{called}\"")),
    ];
    Ok((headers, bytes).into_response())
}

/// The table of a report: a row per year and group, the total first.
fn sheet(messages: &Messages, language: Language, explorer: &Explorer, choice: &Choice, report: &Report) -> Sheet {
    let info = &report.indicators[0];
    let say = |key: &str| messages.t(language, &format!("explore.{key}"), &[]);
    let year = report.years[choice.year];
    let before = choice.year.checked_sub(1).map(|at| report.years[at]);
    let first = (choice.year > 1).then(|| report.years[0]);
    let mut head = vec![say("file_year")];
    head.extend(choice.axes.iter().map(|a| explorer.axes()[*a].title.get(language).to_owned()));
    head.extend(
        ["file_value", "file_lower", "file_upper", "file_margin", "file_answers", "file_frame", "file_state"].map(say),
    );
    for from in [before, first].into_iter().flatten() {
        let since = |key: &str| messages.t(language, &format!("explore.{key}"), &[("year", from.into())]);
        head.extend(["file_change", "file_change_margin", "file_verdict"].map(since));
    }
    let domain = choice.axes.iter().map(|a| AXES[*a]).collect::<Vec<_>>().join(",");
    let shown = |row: &&EstimateRow| row.domain == TOTAL || row.domain == domain;
    let mut rows: Vec<&EstimateRow> = report.estimates.iter().filter(shown).filter(|r| r.year <= year).collect();
    // The chosen year first, so that a chart can draw its rows; the total at their head.
    rows.sort_by_key(|r| (std::cmp::Reverse(r.year), r.domain != TOTAL));
    let titles = |row: &EstimateRow| -> Vec<SheetCell> {
        if row.domain == TOTAL {
            let all = messages.t(language, "charts.total", &[]);
            return choice.axes.iter().map(|_| SheetCell::Text(all.clone())).collect();
        }
        let tables = explorer.tables();
        let is = |g: &usize| tables.groups()[*g].group == row.group;
        let place = tables.table(&choice.axes).into_iter().find(is).map(|g| tables.place(g)).unwrap_or_default();
        place.iter().map(|(a, g)| SheetCell::Text(explorer.axes()[*a].groups[*g].get(language).to_owned())).collect()
    };
    let optional = |value: Option<f64>, make: fn(Kind, f64, u64) -> SheetCell, n: u64| {
        value.map_or(SheetCell::Empty, |v| make(info.kind, v, n))
    };
    let line = |row: &&EstimateRow| {
        let (e, n) = (&row.estimate, row.estimate.n);
        let half = e.interval.map(|i| (i.upper - i.lower) / 2.0);
        let state = match row.state {
            Shown::Shown => "state_shown",
            Shown::Uncertain => "state_uncertain",
            Shown::Hidden | Shown::HiddenSecondary => "state_hidden",
        };
        let mut cells = vec![SheetCell::Year(row.year)];
        cells.extend(titles(row));
        cells.extend([
            optional(e.value, SheetCell::Figure, n),
            optional(e.interval.map(|i| i.lower), SheetCell::Figure, n),
            optional(e.interval.map(|i| i.upper), SheetCell::Figure, n),
            optional(half, SheetCell::Margin, n),
            SheetCell::Count(n),
            row.n_frame.map_or(SheetCell::Empty, SheetCell::Count),
            SheetCell::Text(say(state)),
        ]);
        for from in [before, first].into_iter().flatten() {
            let found =
                (row.year == year).then(|| report.change(&info.id, from, year, &row.domain, &row.group)).flatten();
            let Some(change) = found else {
                cells.extend([SheetCell::Empty, SheetCell::Empty, SheetCell::Empty]);
                continue;
            };
            let n = change.n_from.min(change.n_to);
            let verdict = match change.verdict {
                Verdict::Up => "up",
                Verdict::Down => "down",
                Verdict::Unclear => "unclear",
                Verdict::Break => "break",
                Verdict::Hidden => "hidden",
            };
            let words = messages.t(language, &format!("committee.verdict_{verdict}"), &[]);
            cells.extend([
                optional(change.change, SheetCell::Difference, n),
                optional(change.interval.map(|i| (i.upper - i.lower) / 2.0), SheetCell::Margin, n),
                SheetCell::Text(words),
            ]);
        }
        cells
    };
    let drawn = rows.iter().take_while(|r| r.year == year).count();
    let value = 1 + choice.axes.len();
    let chart = match choice.axes.len() {
        0 => Some(SheetChart {
            rows: (0, rows.len().saturating_sub(1)),
            names: 0,
            series: vec![(value, Some(value + 3))],
            line: true,
        }),
        1 => Some(SheetChart {
            rows: (0, drawn.saturating_sub(1)),
            names: 1,
            series: vec![(value, Some(value + 3))],
            line: false,
        }),
        _ => None,
    };
    let threshold = explorer.threshold();
    Sheet {
        title: info.title.get(language).to_owned(),
        notes: vec![
            messages.t(language, crate::pages::committee::kind_key(info.kind), &[]),
            messages.t(language, "committee.star", &[("n", threshold.into())]),
            say("file_note"),
        ],
        head,
        rows: rows.iter().map(line).collect(),
        chart: chart.filter(|_| !rows.is_empty()),
    }
}
