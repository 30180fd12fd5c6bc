//! The change plot: one row per group with the change, its interval and a mark for the verdict.
//!
//! Rows whose change exceeds the uncertainty come first (rises) and last (falls), by size; those within it keep the breakdown's own
//! order between them, since small differences are not ranked.
use domain::results::{ALL, ChangeRow, Report, TOTAL, Verdict};

use crate::ink::Ink;
use crate::sheet::{Area, At, Key, LINE, Mark, NORMAL, SMALL, Sheet, lines, text_width, ticks, wrap};
use crate::words::{breakdown, difference, factor, indicator, margin};
use crate::{ChartError, Setting};

fn rank(row: &ChangeRow) -> (u8, f64) {
    let size = row.change.unwrap_or(0.0);
    match row.verdict {
        Verdict::Up => (0, -size),
        Verdict::Unclear => (1, 0.0),
        Verdict::Down => (2, -size),
        Verdict::Break => (3, 0.0),
        Verdict::Hidden => (4, 0.0),
    }
}

/// The changes of `indicator_id` from `year_from` to `year_to` per group of `domain`, the total on top.
///
/// # Errors
/// [`ChartError::UnknownIndicator`], [`ChartError::UnknownBreakdown`]; [`ChartError::Empty`] when the report has no such changes.
pub fn change(
    report: &Report,
    indicator_id: &str,
    (year_from, year_to): (i32, i32),
    domain: &str,
    setting: &Setting<'_>,
) -> Result<String, ChartError> {
    let info = indicator(report, indicator_id)?;
    let breakdown = breakdown(report, domain)?;
    let mut rows: Vec<(String, &ChangeRow)> = breakdown
        .groups
        .iter()
        .filter_map(|g| {
            Some((
                g.title.get(setting.language).to_owned(),
                report.change(&info.id, year_from, year_to, domain, &g.key)?,
            ))
        })
        .collect();
    rows.sort_by(|(_, a), (_, b)| rank(a).0.cmp(&rank(b).0).then(rank(a).1.total_cmp(&rank(b).1)));
    if let Some(total) = report.change(&info.id, year_from, year_to, TOTAL, ALL) {
        rows.insert(0, (setting.say("total", &[]), total));
    }
    if rows.is_empty() {
        return Err(ChartError::Empty);
    }
    let title = setting.say(
        "change_title",
        &[
            ("indicator", info.title.get(setting.language).into()),
            ("from_year", year_from.into()),
            ("to_year", year_to.into()),
        ],
    );
    let unit = factor(info.kind);
    let ends = |row: &ChangeRow| match (row.verdict, row.change) {
        (Verdict::Hidden | Verdict::Break, _) | (_, None) => None,
        (_, Some(c)) => Some(row.interval.map_or((c * unit, c * unit), |i| (i.lower * unit, i.upper * unit))),
    };
    let widest =
        rows.iter().filter_map(|(_, row)| ends(row)).fold(0.0_f64, |w, (low, high)| w.max(low.abs()).max(high.abs()));
    let reach = widest.max((info.range[1] - info.range[0]) * unit / 20.0);
    let scale = ticks(-reach, reach, [f64::NEG_INFINITY, f64::INFINITY], 0.0, 5.0);
    let step = scale.get(1).map_or(1.0, |second| second - scale[0]);
    let reach = scale[scale.len() - 1].max(-scale[0]);

    let legend = [
        (Key::Mark(Mark::Up), setting.say("verdict_up", &[])),
        (Key::Mark(Mark::Down), setting.say("verdict_down", &[])),
        (Key::Mark(Mark::Ring(Ink::Unclear)), setting.say("verdict_unclear", &[])),
    ];
    let sheet_width = setting.layout.width();
    let narrow = sheet_width < 400.0;
    let (row_height, name_width, figure_width) = if narrow { (50.0, sheet_width, 96.0) } else { (34.0, 236.0, 108.0) };
    let plot_x = if narrow { 6.0 } else { name_width + 10.0 };
    let head = 6.0;
    let body = lines(rows.len()) * row_height;
    let legend_height = Sheet::legend_height(&legend, sheet_width);
    let sheet = Sheet::new(setting, &title, head + body + 44.0 + legend_height);
    let area = Area { x: plot_x, y: head, width: sheet.width - figure_width - plot_x - 8.0, height: body };
    let plot = sheet.plot(area, -reach..reach, lines(rows.len())..0.0);

    sheet.group("axis", None, || {
        let ticks_shown = scale.iter().filter(|v| v.abs() <= reach + 1e-9);
        for value in ticks_shown {
            let ink = if value.abs() < 1e-9 { Ink::Axis.stroke(15) } else { Ink::Grid.stroke(10) };
            plot.path(&[(*value, 0.0), (*value, lines(rows.len()))], ink);
            let (x, y) = plot.pixel(&sheet, *value, lines(rows.len()));
            let sign = if *value > 1e-9 { "+" } else { "" };
            sheet.write(
                &format!("{sign}{}", setting.tick(*value, step)),
                (x, y + 11.0),
                SMALL,
                Ink::Muted,
                At::Middle,
                false,
            );
        }
        let (x, y) = (area.x + area.width / 2.0, head + body + 27.0);
        sheet.write(&setting.difference_unit(info.kind), (x, y), SMALL, Ink::Muted, At::Middle, false);
    });
    let mut words = Vec::new();
    for (i, (name, row)) in rows.iter().enumerate() {
        let y = lines(i) + if narrow { 0.7 } else { 0.5 };
        let (_, py) = plot.pixel(&sheet, 0.0, y);
        let significant = matches!(row.verdict, Verdict::Up | Verdict::Down);
        let least = row.n_from.min(row.n_to);
        let (figure, verdict) = match (row.verdict, row.change) {
            (Verdict::Break, _) => (setting.say("break", &[]), None),
            (Verdict::Hidden, _) | (_, None) => (setting.say("hidden", &[]), None),
            (verdict, Some(change)) => {
                let figure = difference(setting.language, info.kind, change, least);
                let margin = row.interval.map(|i| margin(setting.language, info.kind, i, least)).unwrap_or_default();
                let key = match verdict {
                    Verdict::Up => "verdict_up",
                    Verdict::Down => "verdict_down",
                    _ => "verdict_unclear",
                };
                (format!("{figure} {margin}"), Some(setting.say(key, &[])))
            }
        };
        let spoken = verdict.map_or_else(|| format!("{name}: {figure}"), |v| format!("{name}: {figure} ({v})"));
        sheet.group("row", Some(&spoken), || {
            if narrow {
                for name in wrap(name, NORMAL, name_width, 1) {
                    sheet.write_over(&name, (0.0, py - 22.0), significant || i == 0);
                }
            } else {
                sheet.write_lines(
                    &wrap(name, NORMAL, name_width, 2),
                    (0.0, py),
                    NORMAL,
                    Ink::Text,
                    At::Start,
                    significant || i == 0,
                );
            }
            if let Some((low, high)) = ends(row) {
                let (ink, mark) = match row.verdict {
                    Verdict::Up => (Ink::Up, Mark::Up),
                    Verdict::Down => (Ink::Down, Mark::Down),
                    _ => (Ink::Unclear, Mark::Ring(Ink::Unclear)),
                };
                plot.level(&sheet, y, (low, high), 4.0, ink.stroke(if significant { 22 } else { 15 }));
                sheet.mark(mark, plot.pixel(&sheet, row.change.unwrap_or(0.0) * unit, y), 6.0);
            } else {
                let width = text_width(&figure, SMALL) + 12.0;
                let (px, _) = plot.pixel(&sheet, 0.0, y);
                sheet.rect(Area { x: px - width / 2.0, y: py - LINE / 2.0, width, height: LINE }, Ink::Hatch.fill());
            }
            let ink = if significant { Ink::Text } else { Ink::Muted };
            sheet.write(&figure, (sheet.width, py), NORMAL, ink, At::End, significant);
            if i == 0 && rows.len() > 1 && row.group == ALL {
                let y = head + row_height;
                sheet.line((0.0, y), (sheet.width, y), Ink::Axis.stroke(8));
            }
        });
        words.push(spoken);
    }
    sheet.legend(&legend, 0.0, head + body + 42.0);
    let description = setting.say(
        "change_desc",
        &[("unit", setting.difference_unit(info.kind).into()), ("values", words.join("; ").into())],
    );
    Ok(sheet.finish(&title, &description))
}
