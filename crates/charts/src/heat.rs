//! The heat map: groups by years, a number in every cell, hidden cells hatched.
use domain::results::{EstimateRow, Report};

use crate::ink::Ink;
use crate::sheet::{Area, At, Key, NORMAL, SMALL, Sheet, lines, ticks, wrap};
use crate::words::{Point, bounds, breakdown, indicator, least_span};
use crate::{ChartError, Setting};

/// `indicator_id` per group of `domain` and year.
///
/// # Errors
/// [`ChartError::UnknownIndicator`], [`ChartError::UnknownBreakdown`]; [`ChartError::Empty`] when nothing was measured.
pub fn heat(report: &Report, indicator_id: &str, domain: &str, setting: &Setting<'_>) -> Result<String, ChartError> {
    let info = indicator(report, indicator_id)?;
    let breakdown = breakdown(report, domain)?;
    let rows: Vec<&EstimateRow> =
        report.estimates.iter().filter(|r| r.indicator == info.id && r.domain == domain).collect();
    let mut years: Vec<i32> = rows.iter().map(|r| r.year).collect();
    years.sort_unstable();
    years.dedup();
    let groups: Vec<_> = breakdown.groups.iter().filter(|g| rows.iter().any(|r| r.group == g.key)).collect();
    if years.is_empty() || groups.is_empty() {
        return Err(ChartError::Empty);
    }
    let title = setting.say(
        "heat_title",
        &[
            ("indicator", info.title.get(setting.language).into()),
            ("breakdown", breakdown.title.get(setting.language).into()),
        ],
    );
    let points: Vec<Point> = rows.iter().filter_map(|r| Point::of(info, r)).collect();
    let low = points.iter().map(|p| p.value).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|p| p.value).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low.is_finite() { (low, high) } else { (bounds(info)[0], bounds(info)[1]) };
    let scale = ticks(low, high, bounds(info), least_span(info), 4.0);
    let limits: Vec<f64> = if scale.len() > 6 { scale.iter().step_by(2).copied().collect() } else { scale };
    let step = limits.get(1).map_or(1.0, |second| second - limits[0]);
    // At most five steps; each is a half-open interval but the last.
    let steps = (limits.len() - 1).clamp(1, Ink::HEAT.len());
    let ink_of = |value: f64| {
        let index = limits.iter().skip(1).take(steps - 1).filter(|limit| value >= **limit).count();
        Ink::HEAT[if steps == 1 { 2 } else { index * (Ink::HEAT.len() - 1) / (steps - 1) }]
    };

    let mut legend: Vec<(Key, String)> = (0..steps)
        .map(|i| {
            let from = limits[i];
            let words = match (i + 1 == steps, limits.get(i + 1)) {
                (false, Some(to)) => setting.say(
                    "heat_below",
                    &[("from", setting.tick(from, step).into()), ("to", setting.tick(*to, step).into())],
                ),
                _ => setting.say("heat_from", &[("from", setting.tick(from, step).into())]),
            };
            (Key::Swatch(ink_of(from)), words)
        })
        .collect();
    legend.push((Key::Swatch(Ink::Hatch), setting.say("hidden_long", &[])));
    let has_break = years.windows(2).any(|pair| info.breaks.iter().any(|b| *b > pair[0] && *b <= pair[1]));
    if has_break {
        legend.push((Key::Break, setting.say("legend_break", &[])));
    }

    let width = setting.layout.width();
    let narrow = width < 400.0;
    let name_width = if narrow { 124.0 } else { 250.0 };
    let cell = ((width - name_width) / lines(years.len())).min(if narrow { 74.0 } else { 104.0 });
    let (head, row_height) = (26.0, if narrow { 46.0 } else { 34.0 });
    let body = lines(groups.len()) * row_height;
    let note = points.iter().any(|p| p.uncertain);
    let legend_height = Sheet::legend_height(&legend, width) + if note { 18.0 } else { 0.0 };
    let sheet = Sheet::new(setting, &title, head + body + 10.0 + legend_height);
    let size = if narrow { SMALL } else { NORMAL };

    for (i, year) in years.iter().enumerate() {
        let x = name_width + (lines(i) + 0.5) * cell;
        sheet.write(&year.to_string(), (x, 12.0), NORMAL, Ink::Text, At::Middle, true);
    }
    let mut words = Vec::new();
    for (r, group) in groups.iter().enumerate() {
        let y = head + lines(r) * row_height;
        let name = group.title.get(setting.language);
        let mut spoken = Vec::new();
        sheet.group("row", Some(name), || {
            sheet.write_lines(
                &wrap(name, size, name_width - 6.0, if narrow { 3 } else { 2 }),
                (0.0, y + row_height / 2.0),
                size,
                Ink::Text,
                At::Start,
                false,
            );
            for (c, year) in years.iter().enumerate() {
                let area = Area {
                    x: name_width + lines(c) * cell + 1.0,
                    y: y + 1.0,
                    width: cell - 2.0,
                    height: row_height - 2.0,
                };
                let centre = (area.x + area.width / 2.0, area.y + area.height / 2.0);
                let Some(row) = rows.iter().find(|row| row.group == group.key && row.year == *year) else { continue };
                spoken.push(format!("{year}: {}", setting.in_words(info, row)));
                match Point::of(info, row) {
                    Some(point) => {
                        let ink = ink_of(point.value);
                        sheet.rect(area, ink.fill());
                        let star = if point.uncertain { "*" } else { "" };
                        let label = format!("{}{star}", point.label(setting, info.kind));
                        sheet.write(&label, centre, NORMAL, ink.words_upon(), At::Middle, false);
                    }
                    None => {
                        sheet.rect(area, Ink::Hatch.fill());
                        for (shift, word) in [(-7.0, "hidden_1"), (7.0, "hidden_2")] {
                            sheet.write_in(
                                &setting.say(word, &[]),
                                (centre.0, centre.1 + shift),
                                11.0,
                                Ink::Text.haloed(),
                                At::Middle,
                                false,
                            );
                        }
                    }
                }
            }
        });
        words.push(format!("{name}: {}", spoken.join(", ")));
    }
    for (c, pair) in years.windows(2).enumerate() {
        if info.breaks.iter().any(|b| *b > pair[0] && *b <= pair[1]) {
            let x = name_width + lines(c + 1) * cell;
            sheet.line((x, head - 4.0), (x, head + body + 2.0), Ink::Break.dashed(20));
        }
    }
    let used = sheet.legend(&legend, 0.0, head + body + 8.0);
    if note {
        let words = format!("* {}", setting.say("legend_uncertain", &[]));
        sheet.write(&words, (0.0, head + body + 8.0 + used + 7.0), SMALL, Ink::Muted, At::Start, false);
    }
    let description =
        setting.say("heat_desc", &[("unit", setting.unit(info).into()), ("values", words.join("; ").into())]);
    Ok(sheet.finish(&title, &description))
}
