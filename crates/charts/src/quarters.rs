//! A series by quarter: a point per quarter with its interval, hidden ones marked as hidden.
use crate::ink::Ink;
use crate::sheet::{Area, At, Key, Mark, NORMAL, SMALL, Sheet, lines, ticks};
use crate::{ChartError, Setting};

/// A series from 0 to 100.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarters {
    /// What it shows, for title and description.
    pub title: String,
    /// What the numbers are: "0–100".
    pub unit: String,
    /// Its quarters, the earliest first.
    pub points: Vec<QuarterPoint>,
}

/// A quarter.
#[derive(Debug, Clone, PartialEq)]
pub struct QuarterPoint {
    /// Its name beneath the axis.
    pub name: String,
    /// Value, lower and upper limit, as printed; `None`: hidden.
    pub value: Option<[f64; 3]>,
    /// The value in words: "68 ± 9".
    pub label: String,
    /// From so few answers that it is marked.
    pub is_uncertain: bool,
    /// It has no answers at all, and so nothing that could be hidden.
    pub is_empty: bool,
}

/// Draws the series.
///
/// # Errors
/// [`ChartError::Empty`] when no quarter is shown.
pub fn quarters(series: &Quarters, setting: &Setting<'_>) -> Result<String, ChartError> {
    let shown = || series.points.iter().filter_map(|p| p.value);
    let low = shown().map(|[_, low, _]| low).fold(f64::INFINITY, f64::min);
    let high = shown().map(|[_, _, high]| high).fold(f64::NEG_INFINITY, f64::max);
    if !low.is_finite() {
        return Err(ChartError::Empty);
    }
    let scale = ticks(low, high, [0.0, 100.0], 20.0, 5.0);
    let step = scale.get(1).map_or(1.0, |second| second - scale[0]);
    let (bottom, top) = (scale[0], scale[scale.len() - 1]);
    let hidden = |p: &QuarterPoint| p.value.is_none() && !p.is_empty;

    let mut legend = vec![(Key::Mark(Mark::Dot(Ink::Series)), setting.say("legend_whisker", &[]))];
    if series.points.iter().any(|p| p.is_uncertain && p.value.is_some()) {
        legend.push((Key::Mark(Mark::Ring(Ink::Series)), setting.say("legend_uncertain", &[])));
    }
    if series.points.iter().any(hidden) {
        legend.push((Key::Swatch(Ink::Hatch), setting.say("hidden_long", &[])));
    }
    let (head, plot_height) = (24.0, if setting.layout.width() > 400.0 { 210.0 } else { 180.0 });
    let legend_height = Sheet::legend_height(&legend, setting.layout.width());
    let sheet = Sheet::new(setting, &series.title, head + plot_height + 26.0 + legend_height);
    let area = Area { x: 40.0, y: head, width: sheet.width - 40.0 - 14.0, height: plot_height };
    let (from, to) = (-0.5, lines(series.points.len()) - 0.5);
    let plot = sheet.plot(area, from..to, bottom..top);
    let width = area.width / (to - from);

    sheet.write(&series.unit, (0.0, 7.0), SMALL, Ink::Muted, At::Start, false);
    sheet.group("axis", None, || {
        for value in &scale {
            plot.path(&[(from, *value), (to, *value)], Ink::Grid.stroke(10));
            let (_, y) = plot.pixel(&sheet, from, *value);
            sheet.write(&setting.tick(*value, step), (34.0, y), SMALL, Ink::Muted, At::End, false);
        }
        // As many names as have room, the last one always.
        let longest = series.points.iter().map(|p| p.name.chars().count()).max().unwrap_or(1);
        let every = ((lines(longest) * 7.5 / width).ceil().max(1.0)) as usize;
        for (i, point) in series.points.iter().enumerate() {
            let (x, y) = plot.pixel(&sheet, lines(i), bottom);
            if (series.points.len() - 1 - i).is_multiple_of(every) {
                sheet.write(&point.name, (x, y + 14.0), SMALL, Ink::Text, At::Middle, false);
            }
        }
    });
    // Neighbours that are both shown are joined; nothing is drawn across a hidden one.
    for (i, pair) in series.points.windows(2).enumerate() {
        if let (Some([a, ..]), Some([b, ..])) = (pair[0].value, pair[1].value) {
            plot.path(&[(lines(i), a), (lines(i + 1), b)], Ink::Series.stroke(15));
        }
    }
    for (i, point) in series.points.iter().enumerate() {
        let x = lines(i);
        if let Some([value, lower, upper]) = point.value {
            plot.upright(&sheet, x, (lower, upper), 5.0, Ink::Series.stroke(15));
            sheet.group("point", Some(&format!("{}: {}", point.name, point.label)), || {
                let (px, py) = plot.pixel(&sheet, x, value);
                sheet.mark(
                    if point.is_uncertain { Mark::Ring(Ink::Series) } else { Mark::Dot(Ink::Series) },
                    (px, py),
                    4.5,
                );
                if width >= 52.0 || i + 1 == series.points.len() {
                    let right = px + 34.0 < area.x + area.width;
                    let (at, anchor) = if right { (px + 8.0, At::Start) } else { (px - 8.0, At::End) };
                    let short = setting.tick(value.round(), 1.0);
                    sheet.write_in(&short, (at, py - 8.0), NORMAL, Ink::Text.haloed(), anchor, true);
                }
            });
        } else if hidden(point) {
            let half = (16.0 / width).min(0.4);
            plot.rect((x - half, bottom), (x + half, top), Ink::Hatch.fill());
        }
    }
    plot.path(&[(from, bottom), (to, bottom)], Ink::Axis.stroke(10));
    sheet.legend(&legend, 0.0, head + plot_height + 26.0);
    let words: Vec<String> =
        series.points.iter().filter(|p| !p.is_empty).map(|p| format!("{}: {}", p.name, p.label)).collect();
    let description =
        setting.say("trend_desc", &[("unit", series.unit.as_str().into()), ("values", words.join("; ").into())]);
    Ok(sheet.finish(&series.title, &description))
}
