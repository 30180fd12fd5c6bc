//! The trend of one indicator: a point per year with its interval, joined where years are comparable.
use domain::results::Report;

use crate::ink::Ink;
use crate::sheet::{Area, At, Key, Mark, NORMAL, SMALL, Sheet, ticks};
use crate::words::{bounds, group_title, indicator, least_span, runs, series};
use crate::{ChartError, Setting};

/// The trend of `indicator_id` for one group, with interval band, break marks and hidden years marked as hidden.
///
/// # Errors
/// [`ChartError::UnknownIndicator`]; [`ChartError::Empty`] when it was never measured for the group.
pub fn trend(
    report: &Report,
    indicator_id: &str,
    domain: &str,
    group: &str,
    setting: &Setting<'_>,
) -> Result<String, ChartError> {
    trend_with(report, indicator_id, domain, group, &[], setting)
}

/// Something that began while the trend was measured: an initiative, by its number in a list beneath the chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When: the year of a measurement is its whole number, a quarter of a year after it a quarter more.
    pub at: f64,
    /// Its number in the list.
    pub number: usize,
    /// What it is, for the description.
    pub title: String,
}

/// The trend as [`trend`] draws it, with what began meanwhile marked by number; what lies outside the years is left out.
///
/// # Errors
/// As [`trend`].
pub fn trend_with(
    report: &Report,
    indicator_id: &str,
    domain: &str,
    group: &str,
    events: &[Event],
    setting: &Setting<'_>,
) -> Result<String, ChartError> {
    let info = indicator(report, indicator_id)?;
    let years = series(report, info, domain, group);
    let (Some(first), Some(last)) = (years.first(), years.last()) else { return Err(ChartError::Empty) };
    let title = format!("{}: {}", info.title.get(setting.language), group_title(report, setting, domain, group));

    let shown = || years.iter().filter_map(|y| y.point);
    let low = shown().map(|p| p.low).fold(f64::INFINITY, f64::min);
    let high = shown().map(|p| p.high).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low.is_finite() { (low, high) } else { (bounds(info)[0], bounds(info)[1]) };
    let scale = ticks(low, high, bounds(info), least_span(info), 5.0);
    let step = scale.get(1).map_or(1.0, |second| second - scale[0]);
    let (bottom, top) = (scale[0], scale[scale.len() - 1]);

    let has_break = years.iter().any(|y| y.after_break);
    let mut legend = vec![
        (Key::Mark(Mark::Dot(Ink::Series)), setting.say("legend_estimate", &[])),
        (Key::Swatch(Ink::Band), setting.say("legend_interval", &[])),
    ];
    if shown().any(|p| p.uncertain) {
        legend.push((Key::Mark(Mark::Ring(Ink::Series)), setting.say("legend_uncertain", &[])));
    }
    if years.iter().any(|y| y.point.is_none()) {
        legend.push((Key::Swatch(Ink::Hatch), setting.say("hidden_long", &[])));
    }
    if has_break {
        legend.push((Key::Break, setting.say("legend_break", &[])));
    }

    let (from, to) = (f64::from(first.year) - 0.45, f64::from(last.year) + 0.45);
    let events: Vec<&Event> = events.iter().filter(|e| e.at > from && e.at < to).collect();
    if !events.is_empty() {
        legend.push((Key::Event, setting.say("legend_event", &[])));
    }

    let plot_height = if setting.layout.width() > 400.0 { 230.0 } else { 190.0 };
    let head = 24.0;
    let legend_height = Sheet::legend_height(&legend, setting.layout.width());
    let sheet = Sheet::new(setting, &title, head + plot_height + 26.0 + legend_height);
    let area = Area { x: 40.0, y: head, width: sheet.width - 40.0 - 14.0, height: plot_height };
    let plot = sheet.plot(area, from..to, bottom..top);
    let year_width = area.width / (to - from);

    sheet.write(&setting.unit(info), (0.0, 7.0), SMALL, Ink::Muted, At::Start, false);
    sheet.group("axis", None, || {
        for value in &scale {
            plot.path(&[(from, *value), (to, *value)], Ink::Grid.stroke(10));
            let (_, y) = plot.pixel(&sheet, from, *value);
            sheet.write(&setting.tick(*value, step), (34.0, y), SMALL, Ink::Muted, At::End, false);
        }
        let every = if year_width < 36.0 { 2 } else { 1 };
        for (i, year) in years.iter().enumerate() {
            let (x, y) = plot.pixel(&sheet, f64::from(year.year), bottom);
            if (years.len() - 1 - i).is_multiple_of(every) {
                sheet.write(&year.year.to_string(), (x, y + 14.0), NORMAL, Ink::Text, At::Middle, false);
            }
        }
    });

    let runs = runs(&years);
    for run in &runs {
        if let [(x, only)] = run.as_slice() {
            plot.upright(&sheet, *x, (only.low, only.high), 5.0, Ink::Series.stroke(15));
        } else {
            let upper = run.iter().map(|(x, p)| (*x, p.high));
            let lower = run.iter().rev().map(|(x, p)| (*x, p.low));
            plot.polygon(&upper.chain(lower).collect::<Vec<_>>(), Ink::Band.fill());
            plot.path(&run.iter().map(|(x, p)| (*x, p.value)).collect::<Vec<_>>(), Ink::Series.stroke(25));
        }
    }
    // Marks that would lie upon one another share a line; their numbers stand side by side.
    let mut at: Vec<(f64, Vec<String>)> = Vec::new();
    for event in &events {
        match at.iter_mut().find(|(x, _)| (x - event.at).abs() * year_width < 22.0) {
            Some((_, numbers)) => numbers.push(event.number.to_string()),
            None => at.push((event.at, vec![event.number.to_string()])),
        }
    }
    for (x, numbers) in &at {
        plot.path(&[(*x, bottom), (*x, top)], Ink::Reference.dashed(15));
        let (px, py) = plot.pixel(&sheet, *x, bottom);
        sheet.write_in(&numbers.join(", "), (px, py - 9.0), SMALL, Ink::Text.haloed(), At::Middle, true);
    }
    for (i, year) in years.iter().enumerate() {
        let x = f64::from(year.year);
        if year.after_break {
            let between = f64::midpoint(f64::from(years[i - 1].year), x);
            plot.path(&[(between, bottom), (between, top)], Ink::Break.dashed(15));
            let (px, py) = plot.pixel(&sheet, between, top);
            sheet.write_in(&setting.say("break", &[]), (px, py + 8.0), SMALL, Ink::Break.haloed(), At::Middle, false);
        }
        match year.point {
            Some(point) => {
                let words = format!("{}: {}", year.year, point.label(setting, info.kind));
                sheet.group("point", Some(&words), || {
                    let (px, py) = plot.pixel(&sheet, x, point.value);
                    let mark = if point.uncertain { Mark::Ring(Ink::Series) } else { Mark::Dot(Ink::Series) };
                    sheet.mark(mark, (px, py), 4.5);
                    if year_width >= 40.0 || i == 0 || i + 1 == years.len() {
                        let label = point.label(setting, info.kind);
                        let above = if py - 14.0 < area.y + 6.0 { py + 15.0 } else { py - 14.0 };
                        sheet.write_in(&label, (px, above), NORMAL, Ink::Text.haloed(), At::Middle, true);
                    }
                });
            }
            None => {
                let half = (16.0 / year_width).min(0.4);
                plot.rect((x - half, bottom), (x + half, top), Ink::Hatch.fill());
                let (px, py) = plot.pixel(&sheet, x, f64::midpoint(bottom, top));
                for (shift, word) in [(-7.0, "hidden_1"), (7.0, "hidden_2")] {
                    sheet.write_in(
                        &setting.say(word, &[]),
                        (px, py + shift),
                        SMALL,
                        Ink::Text.haloed(),
                        At::Middle,
                        false,
                    );
                }
            }
        }
    }
    plot.path(&[(from, bottom), (to, bottom)], Ink::Axis.stroke(10));
    sheet.legend(&legend, 0.0, head + plot_height + 26.0);

    let words: Vec<String> = report
        .estimates
        .iter()
        .filter(|r| r.indicator == info.id && r.domain == domain && r.group == group)
        .map(|row| format!("{}: {}", row.year, setting.in_words(info, row)))
        .collect();
    let mut description =
        setting.say("trend_desc", &[("unit", setting.unit(info).into()), ("values", words.join("; ").into())]);
    for year in years.iter().filter(|y| y.after_break) {
        description.push(' ');
        description.push_str(&setting.say("break_desc", &[("year", year.year.into())]));
    }
    if !events.is_empty() {
        let named: Vec<String> = events.iter().map(|e| format!("{}. {}", e.number, e.title)).collect();
        description.push(' ');
        description.push_str(&setting.say("events_desc", &[("events", named.join("; ").into())]));
    }
    Ok(sheet.finish(&title, &description))
}
