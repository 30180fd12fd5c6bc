//! Small multiples: one small trend per group, all on one scale, the total faint behind each.
use domain::results::{ALL, Report, TOTAL};

use crate::ink::Ink;
use crate::sheet::{Area, At, Key, LINE, Mark, NORMAL, SMALL, Sheet, lines, ticks, wrap};
use crate::words::{YearPoint, bounds, breakdown, indicator, least_span, runs, series};
use crate::{ChartError, Setting};

/// The last `most` years of `indicator_id` per group of `domain`.
///
/// # Errors
/// [`ChartError::UnknownIndicator`], [`ChartError::UnknownBreakdown`]; [`ChartError::Empty`] when nothing was measured.
pub fn multiples(
    report: &Report,
    indicator_id: &str,
    domain: &str,
    most: usize,
    setting: &Setting<'_>,
) -> Result<String, ChartError> {
    let info = indicator(report, indicator_id)?;
    let breakdown = breakdown(report, domain)?;
    let recent = |group_domain: &str, group: &str| {
        let mut years = series(report, info, group_domain, group);
        years.drain(..years.len().saturating_sub(most));
        years
    };
    let panels: Vec<(&str, Vec<YearPoint>)> = breakdown
        .groups
        .iter()
        .map(|g| (g.title.get(setting.language), recent(domain, &g.key)))
        .filter(|(_, years)| !years.is_empty())
        .collect();
    let total = recent(TOTAL, ALL);
    let all_years = || panels.iter().flat_map(|(_, years)| years).chain(&total);
    let (Some(first), Some(last)) = (all_years().map(|y| y.year).min(), all_years().map(|y| y.year).max()) else {
        return Err(ChartError::Empty);
    };
    let title = setting.say(
        "multiples_title",
        &[
            ("indicator", info.title.get(setting.language).into()),
            ("breakdown", breakdown.title.get(setting.language).into()),
        ],
    );
    let points = || all_years().filter_map(|y| y.point);
    let low = points().map(|p| p.low).fold(f64::INFINITY, f64::min);
    let high = points().map(|p| p.high).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low.is_finite() { (low, high) } else { (bounds(info)[0], bounds(info)[1]) };
    let scale = ticks(low, high, bounds(info), least_span(info), 3.0);
    let step = scale.get(1).map_or(1.0, |second| second - scale[0]);
    let (bottom, top) = (scale[0], scale[scale.len() - 1]);

    let mut legend = vec![
        (Key::Mark(Mark::Dot(Ink::Series)), setting.say("legend_whisker", &[])),
        (Key::Line, setting.say("legend_total", &[])),
    ];
    if points().any(|p| p.uncertain) {
        legend.push((Key::Mark(Mark::Ring(Ink::Series)), setting.say("legend_uncertain", &[])));
    }
    if panels.iter().any(|(_, years)| years.iter().any(|y| y.point.is_none())) {
        legend.push((Key::Swatch(Ink::Hatch), setting.say("hidden_long", &[])));
    }
    if panels.iter().any(|(_, years)| years.iter().any(|y| y.after_break)) {
        legend.push((Key::Break, setting.say("legend_break", &[])));
    }

    let narrow = setting.layout.width() < 400.0;
    let columns = if narrow { 2 } else { 3 };
    let (gap, axis) = (if narrow { 10.0 } else { 20.0 }, 26.0);
    let width = (setting.layout.width() - axis - gap * (lines(columns) - 1.0)) / lines(columns);
    let (size, most) = if narrow { (SMALL, 3) } else { (NORMAL, 2) };
    let (head, plot_height, foot) = (LINE * lines(most) + 8.0, 100.0, 22.0);
    let row_height = head + plot_height + foot + 8.0;
    let rows = panels.len().div_ceil(columns);
    let legend_height = Sheet::legend_height(&legend, setting.layout.width());
    let sheet = Sheet::new(setting, &title, 20.0 + row_height * lines(rows) + legend_height);
    sheet.write(&setting.unit(info), (0.0, 7.0), SMALL, Ink::Muted, At::Start, false);
    let (from, to) = (f64::from(first) - 0.4, f64::from(last) + 0.4);

    for (i, (name, years)) in panels.iter().enumerate() {
        let (column, row) = (i % columns, i / columns);
        let x = axis + lines(column) * (width + gap);
        let y = 20.0 + lines(row) * row_height;
        let area = Area { x, y: y + head, width, height: plot_height };
        let plot = sheet.plot(area, from..to, bottom..top);
        sheet.group("panel", Some(name), || {
            let name = wrap(name, size, width * 0.92, most);
            let middle = y + head - 8.0 - lines(name.len()) * LINE / 2.0;
            sheet.write_lines(&name, (x, middle), size, Ink::Text, At::Start, true);
            for value in &scale {
                plot.path(&[(from, *value), (to, *value)], Ink::Grid.stroke(10));
                if column == 0 {
                    let (_, py) = plot.pixel(&sheet, from, *value);
                    sheet.write(&setting.tick(*value, step), (axis - 4.0, py), 11.0, Ink::Muted, At::End, false);
                }
            }
            for run in runs(&total) {
                plot.path(&run.iter().map(|(x, p)| (*x, p.value)).collect::<Vec<_>>(), Ink::Reference.dashed(12));
            }
            let room = width / (to - from);
            for (i, year) in years.iter().enumerate() {
                let at = f64::from(year.year);
                if year.after_break {
                    let between = f64::midpoint(f64::from(years[i - 1].year), at);
                    plot.path(&[(between, bottom), (between, top)], Ink::Break.dashed(15));
                }
                if year.point.is_none() {
                    let half = (10.0 / room).min(0.4);
                    plot.rect((at - half, bottom), (at + half, top), Ink::Hatch.fill());
                }
                let (px, py) = plot.pixel(&sheet, at, bottom);
                let label = if room < 34.0 { format!("’{:02}", year.year % 100) } else { year.year.to_string() };
                sheet.write(&label, (px, py + 11.0), 11.0, Ink::Muted, At::Middle, false);
            }
            for run in runs(years) {
                if run.len() > 1 {
                    plot.path(&run.iter().map(|(x, p)| (*x, p.value)).collect::<Vec<_>>(), Ink::Series.stroke(18));
                }
                for (at, point) in &run {
                    plot.upright(&sheet, *at, (point.low, point.high), 3.0, Ink::Series.stroke(12));
                    let mark = if point.uncertain { Mark::Ring(Ink::Series) } else { Mark::Dot(Ink::Series) };
                    sheet.mark(mark, plot.pixel(&sheet, *at, point.value), 3.5);
                }
            }
            if let Some(YearPoint { year, point, .. }) = years.last() {
                let (words, at) = match point {
                    Some(p) => (p.label(setting, info.kind), plot.pixel(&sheet, f64::from(*year), p.high.min(top))),
                    None => (setting.say("hidden", &[]), plot.pixel(&sheet, f64::from(*year), bottom)),
                };
                let y = (at.1 - 8.0).max(area.y - 2.0);
                sheet.write_in(&words, (area.x + area.width, y), SMALL, Ink::Text.haloed(), At::End, true);
            }
            plot.path(&[(from, bottom), (to, bottom)], Ink::Axis.stroke(10));
        });
    }
    sheet.legend(&legend, 0.0, 20.0 + row_height * lines(rows));

    let words: Vec<String> = panels
        .iter()
        .filter_map(|(name, years)| {
            let last = years.last()?;
            let value = last.point.map_or_else(|| setting.say("hidden_long", &[]), |p| p.label(setting, info.kind));
            Some(format!("{name}: {value}"))
        })
        .collect();
    let description = setting.say(
        "multiples_desc",
        &[
            ("from_year", first.into()),
            ("to_year", last.into()),
            ("unit", setting.unit(info).into()),
            ("values", words.join("; ").into()),
        ],
    );
    Ok(sheet.finish(&title, &description))
}
