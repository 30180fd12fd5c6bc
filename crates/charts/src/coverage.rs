//! Coverage bars: how many of each group answered.
use domain::results::{CoverageRow, Report, TOTAL};

use crate::ink::Ink;
use crate::sheet::{Area, At, Key, NORMAL, SMALL, Sheet, lines, wrap};
use crate::words::breakdown;
use crate::{ChartError, Setting};

/// Below this many answers a group is thin: its figures will be uncertain.
const THIN: u64 = 20;

/// The response rate per group of `domain` in `year`, the total on top; thin groups are marked.
///
/// # Errors
/// [`ChartError::UnknownBreakdown`]; [`ChartError::Empty`] when the report has no coverage of that year.
pub fn coverage(report: &Report, year: i32, domain: &str, setting: &Setting<'_>) -> Result<String, ChartError> {
    let breakdown = breakdown(report, domain)?;
    let find = |domain: &str, group: Option<&str>| {
        report.coverage.iter().find(|r| r.year == year && r.domain == domain && group.is_none_or(|g| r.group == g))
    };
    let mut rows: Vec<(String, &CoverageRow)> = Vec::new();
    rows.extend(find(TOTAL, None).map(|row| (setting.say("total", &[]), row)));
    rows.extend(
        breakdown
            .groups
            .iter()
            .filter_map(|g| Some((g.title.get(setting.language).to_owned(), find(domain, Some(&g.key))?))),
    );
    if rows.is_empty() {
        return Err(ChartError::Empty);
    }
    let title = setting.say("coverage_title", &[("year", year.into())]);
    let thin = rows.iter().any(|(_, row)| row.n_answered < THIN);
    let mut legend = vec![
        (Key::Swatch(Ink::Bar), setting.say("legend_answered", &[])),
        (Key::Swatch(Ink::Ground), setting.say("legend_not_answered", &[])),
    ];
    if thin {
        legend.push((Key::Swatch(Ink::Hatch), setting.say("legend_thin", &[])));
    }
    let width = setting.layout.width();
    let narrow = width < 400.0;
    let (row_height, name_width, figure_width) = if narrow { (46.0, width, 118.0) } else { (32.0, 240.0, 150.0) };
    let bar_x = if narrow { 0.0 } else { name_width + 8.0 };
    let full = width - figure_width - bar_x - 8.0;
    let body = lines(rows.len()) * row_height;
    let sheet = Sheet::new(setting, &title, body + 10.0 + Sheet::legend_height(&legend, width));
    let mut words = Vec::new();
    for (i, (name, row)) in rows.iter().enumerate() {
        let y = lines(i) * row_height;
        let centre = if narrow { y + 32.0 } else { y + row_height / 2.0 };
        let share = row.response_rate.clamp(0.0, 1.0);
        let of = setting
            .say("of", &[("n", setting.count(row.n_answered).into()), ("all", setting.count(row.n_frame).into())]);
        let spoken = format!("{name}: {} ({of})", setting.percent(share));
        sheet.group("row", Some(&spoken), || {
            if narrow {
                sheet.write_lines(
                    &wrap(name, NORMAL, name_width, 1),
                    (0.0, y + 11.0),
                    NORMAL,
                    Ink::Text,
                    At::Start,
                    i == 0,
                );
            } else {
                sheet.write_lines(
                    &wrap(name, NORMAL, name_width, 2),
                    (0.0, centre),
                    NORMAL,
                    Ink::Text,
                    At::Start,
                    i == 0,
                );
            }
            let bar = Area { x: bar_x, y: centre - 8.0, width: full, height: 16.0 };
            sheet.rect(bar, Ink::Ground.fill());
            let part = Area { width: (full * share).max(1.0), ..bar };
            if row.n_answered < THIN {
                sheet.rect(part, Ink::Hatch.fill());
                sheet.rect(part, Ink::Axis.stroke(10));
            } else {
                sheet.rect(part, Ink::Bar.fill());
            }
            sheet.write(&setting.percent(share), (bar_x + full + 46.0, centre), NORMAL, Ink::Text, At::End, true);
            sheet.write(&of, (width, centre), SMALL, Ink::Muted, At::End, false);
        });
        words.push(spoken);
    }
    sheet.legend(&legend, 0.0, body + 8.0);
    let description = setting.say("coverage_desc", &[("year", year.into()), ("values", words.join("; ").into())]);
    Ok(sheet.finish(&title, &description))
}
