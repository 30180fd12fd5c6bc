//! The heat map: groups by years, or groups by groups of another breakdown; a number in every cell, hidden cells hatched.
use domain::results::{EstimateRow, IndicatorInfo, Report};

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
    let is_break = |pair: &[i32]| info.breaks.iter().any(|b| *b > pair[0] && *b <= pair[1]);
    let breaks = years.windows(2).enumerate().filter(|(_, pair)| is_break(pair)).map(|(c, _)| c + 1).collect();
    let title = setting.say(
        "heat_title",
        &[
            ("indicator", info.title.get(setting.language).into()),
            ("breakdown", breakdown.title.get(setting.language).into()),
        ],
    );
    let grid = Grid {
        names: groups.iter().map(|g| g.title.get(setting.language)).collect(),
        columns: years.iter().map(ToString::to_string).collect(),
        rows: groups
            .iter()
            .map(|g| years.iter().map(|y| rows.iter().find(|r| r.group == g.key && r.year == *y).copied()).collect())
            .collect(),
        breaks,
    };
    Ok(draw(info, &title, &grid, setting))
}

/// `indicator_id` in `year` for every pair of a group of `one` and a group of `other`; the pairs are those of the domain `one,other`.
///
/// # Errors
/// [`ChartError::UnknownIndicator`], [`ChartError::UnknownBreakdown`]; [`ChartError::Empty`] when nothing was measured.
pub fn cross(
    report: &Report,
    indicator_id: &str,
    year: i32,
    (one, other): (&str, &str),
    setting: &Setting<'_>,
) -> Result<String, ChartError> {
    let info = indicator(report, indicator_id)?;
    let (down, across) = (breakdown(report, one)?, breakdown(report, other)?);
    let domain = format!("{one},{other}");
    let rows: Vec<Vec<Option<&EstimateRow>>> = down
        .groups
        .iter()
        .map(|a| {
            let of = |b: &str| report.estimate(&info.id, year, &domain, &format!("{},{b}", a.key));
            across.groups.iter().map(|b| of(&b.key)).collect()
        })
        .collect();
    if rows.iter().flatten().all(Option::is_none) {
        return Err(ChartError::Empty);
    }
    let title = setting.say(
        "cross_title",
        &[
            ("indicator", info.title.get(setting.language).into()),
            ("one", down.title.get(setting.language).into()),
            ("other", across.title.get(setting.language).into()),
            ("year", year.into()),
        ],
    );
    let grid = Grid {
        names: down.groups.iter().map(|g| g.title.get(setting.language)).collect(),
        columns: across.groups.iter().map(|g| g.title.get(setting.language).to_owned()).collect(),
        rows,
        breaks: Vec::new(),
    };
    Ok(draw(info, &title, &grid, setting))
}

/// What is drawn.
struct Grid<'r> {
    names: Vec<&'r str>,
    columns: Vec<String>,
    /// Per name and column.
    rows: Vec<Vec<Option<&'r EstimateRow>>>,
    /// Columns before which there is a break.
    breaks: Vec<usize>,
}

fn draw(info: &IndicatorInfo, title: &str, grid: &Grid<'_>, setting: &Setting<'_>) -> String {
    let points: Vec<Point> = grid.rows.iter().flatten().flatten().filter_map(|r| Point::of(info, r)).collect();
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
    if !grid.breaks.is_empty() {
        legend.push((Key::Break, setting.say("legend_break", &[])));
    }

    let width = setting.layout.width();
    let narrow = width < 400.0;
    let name_width = if narrow { 124.0 } else { 250.0 };
    let cell = ((width - name_width) / lines(grid.columns.len())).min(if narrow { 74.0 } else { 104.0 });
    let headings: Vec<Vec<String>> = grid.columns.iter().map(|c| wrap(c, SMALL, cell - 4.0, 3)).collect();
    let most = headings.iter().map(Vec::len).max().unwrap_or(1);
    let (head, row_height) = (lines(most) * 14.0 + 12.0, if narrow { 46.0 } else { 34.0 });
    let body = lines(grid.names.len()) * row_height;
    let note = points.iter().any(|p| p.uncertain);
    let legend_height = Sheet::legend_height(&legend, width) + if note { 18.0 } else { 0.0 };
    let sheet = Sheet::new(setting, title, head + body + 10.0 + legend_height);
    let size = if narrow { SMALL } else { NORMAL };

    for (i, heading) in headings.iter().enumerate() {
        let at = (name_width + (lines(i) + 0.5) * cell, (head - 4.0) / 2.0);
        sheet.write_lines(heading, at, if most > 1 { SMALL } else { NORMAL }, Ink::Text, At::Middle, true);
    }
    let mut words = Vec::new();
    for (r, (name, cells)) in grid.names.iter().zip(&grid.rows).enumerate() {
        let y = head + lines(r) * row_height;
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
            for (c, (column, row)) in grid.columns.iter().zip(cells).enumerate() {
                let area = Area {
                    x: name_width + lines(c) * cell + 1.0,
                    y: y + 1.0,
                    width: cell - 2.0,
                    height: row_height - 2.0,
                };
                let centre = (area.x + area.width / 2.0, area.y + area.height / 2.0);
                let Some(row) = row else { continue };
                spoken.push(format!("{column}: {}", setting.in_words(info, row)));
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
    for c in &grid.breaks {
        let x = name_width + lines(*c) * cell;
        sheet.line((x, head - 4.0), (x, head + body + 2.0), Ink::Break.dashed(20));
    }
    let used = sheet.legend(&legend, 0.0, head + body + 8.0);
    if note {
        let words = format!("* {}", setting.say("legend_uncertain", &[]));
        sheet.write(&words, (0.0, head + body + 8.0 + used + 7.0), SMALL, Ink::Muted, At::Start, false);
    }
    let description =
        setting.say("heat_desc", &[("unit", setting.unit(info).into()), ("values", words.join("; ").into())]);
    sheet.finish(title, &description)
}
