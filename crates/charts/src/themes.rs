//! Theme bars: how many businesses raise each theme, with its uncertainty and what has changed.
use domain::indicator::Kind;
use domain::results::{Interval, Verdict};

use crate::ink::Ink;
use crate::sheet::{Area, At, Key, Mark, NORMAL, SMALL, Sheet, lines, ticks, wrap};
use crate::{ChartError, Setting};

/// Themes of the open answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Themes {
    /// The year of the bars.
    pub year: i32,
    /// In the order in which they are drawn.
    pub rows: Vec<ThemeRow>,
}

/// One theme.
#[derive(Debug, Clone, PartialEq)]
pub struct ThemeRow {
    /// The theme.
    pub label: String,
    /// Share of those asked that raise it, 0–1; `None` when it may not be shown.
    pub share: Option<f64>,
    /// How many were asked: by that it is printed with as many digits as elsewhere.
    pub n: u64,
    /// Its interval.
    pub interval: Option<Interval>,
    /// What can be said of the change from the year before, where there is one.
    pub verdict: Option<Verdict>,
}

/// Theme bars.
///
/// # Errors
/// [`ChartError::Empty`] without rows.
pub fn themes(data: &Themes, setting: &Setting<'_>) -> Result<String, ChartError> {
    if data.rows.is_empty() {
        return Err(ChartError::Empty);
    }
    let title = setting.say("themes_title", &[("year", data.year.into())]);
    let mut legend = vec![(Key::Swatch(Ink::Band), setting.say("legend_share_raising", &[]))];
    for (verdict, mark, key) in [(Verdict::Up, Mark::Up, "verdict_up"), (Verdict::Down, Mark::Down, "verdict_down")] {
        if data.rows.iter().any(|r| r.verdict == Some(verdict)) {
            legend.push((Key::Mark(mark), setting.say(key, &[])));
        }
    }
    let width = setting.layout.width();
    let narrow = width < 400.0;
    let (row_height, name_width, figure_width) = if narrow { (46.0, width, 84.0) } else { (32.0, 236.0, 90.0) };
    let bar_x = if narrow { 0.0 } else { name_width + 10.0 };
    let widest = data.rows.iter().filter_map(|r| r.interval.map(|i| i.upper).or(r.share)).fold(0.0, f64::max) * 100.0;
    let scale = ticks(0.0, widest, [0.0, 100.0], 10.0, 4.0);
    let body = lines(data.rows.len()) * row_height;
    let sheet = Sheet::new(setting, &title, body + 24.0 + Sheet::legend_height(&legend, width));
    let area = Area { x: bar_x, y: 0.0, width: width - figure_width - bar_x - 8.0, height: body };
    let plot = sheet.plot(area, 0.0..scale[scale.len() - 1], lines(data.rows.len())..0.0);
    for value in &scale {
        plot.path(&[(*value, 0.0), (*value, lines(data.rows.len()))], Ink::Grid.stroke(10));
        let (x, y) = plot.pixel(&sheet, *value, lines(data.rows.len()));
        let anchor = if *value > 0.0 || !narrow { At::Middle } else { At::Start };
        sheet.write(&setting.percent(value / 100.0), (x, y + 11.0), SMALL, Ink::Muted, anchor, false);
    }
    let mut words = Vec::new();
    for (i, row) in data.rows.iter().enumerate() {
        let y = lines(i) + if narrow { 0.7 } else { 0.5 };
        let (_, centre) = plot.pixel(&sheet, 0.0, y);
        let figure = row.share.map_or_else(
            || setting.say("hidden", &[]),
            |share| crate::figure(setting.language, Kind::Share, share, row.n),
        );
        let spoken = match row.verdict {
            Some(Verdict::Up) => format!("{}: {figure} ({})", row.label, setting.say("verdict_up", &[])),
            Some(Verdict::Down) => format!("{}: {figure} ({})", row.label, setting.say("verdict_down", &[])),
            _ => format!("{}: {figure}", row.label),
        };
        sheet.group("row", Some(&spoken), || {
            let (at, most) = if narrow { ((0.0, centre - 21.0), 1) } else { ((0.0, centre), 2) };
            let label = wrap(&row.label, NORMAL, name_width, most);
            if let ([label], true) = (label.as_slice(), narrow) {
                sheet.write_over(label, at, false);
            } else {
                sheet.write_lines(&label, at, NORMAL, Ink::Text, At::Start, false);
            }
            match row.share {
                Some(share) => {
                    let (end, _) = plot.pixel(&sheet, share * 100.0, y);
                    let bar = Area { x: bar_x, y: centre - 8.0, width: (end - bar_x).max(1.0), height: 16.0 };
                    sheet.rect(bar, Ink::Band.fill());
                    sheet.rect(bar, Ink::Bar.stroke(10));
                    if let Some(interval) = row.interval {
                        let ends = (interval.lower * 100.0, interval.upper * 100.0);
                        plot.level(&sheet, y, ends, 4.0, Ink::Text.stroke(14));
                    }
                }
                None => {
                    sheet.rect(Area { x: bar_x, y: centre - 8.0, width: area.width, height: 16.0 }, Ink::Hatch.fill());
                }
            }
            sheet.write(
                &figure,
                (width - if row.share.is_some() { 22.0 } else { 0.0 }, centre),
                NORMAL,
                Ink::Text,
                At::End,
                row.share.is_some(),
            );
            match row.verdict {
                Some(Verdict::Up) => sheet.mark(Mark::Up, (width - 8.0, centre), 5.5),
                Some(Verdict::Down) => sheet.mark(Mark::Down, (width - 8.0, centre), 5.5),
                _ => {}
            }
        });
        words.push(spoken);
    }
    sheet.legend(&legend, 0.0, body + 22.0);
    let description = setting.say("themes_desc", &[("values", words.join("; ").into())]);
    Ok(sheet.finish(&title, &description))
}
