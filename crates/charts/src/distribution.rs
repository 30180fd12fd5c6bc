//! The distribution of answers on a five-point scale: bars that diverge from the middle answer.
use crate::ink::Ink;
use crate::sheet::{Area, At, Key, NORMAL, SMALL, Sheet, lines, wrap};
use crate::{ChartError, Setting};

/// The answers to one or several questions of the same scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// What was asked.
    pub title: String,
    /// The five answers, lowest first.
    pub answers: [String; 5],
    /// One row per question, group or year.
    pub rows: Vec<DistributionRow>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct DistributionRow {
    /// What the bar is about.
    pub label: String,
    /// Answers behind it.
    pub n: u64,
    /// Shares 0–1, lowest answer first; `None` when the distribution may not be shown.
    pub shares: Option<[f64; 5]>,
}

/// A distribution with the middle answer centred, the low answers to the left and the high ones to the right.
///
/// # Errors
/// [`ChartError::Empty`] without rows.
pub fn distribution(data: &Distribution, setting: &Setting<'_>) -> Result<String, ChartError> {
    if data.rows.is_empty() {
        return Err(ChartError::Empty);
    }
    let width = setting.layout.width();
    let narrow = width < 400.0;
    let legend: Vec<(Key, String)> =
        data.answers.iter().zip(Ink::ANSWERS).map(|(words, ink)| (Key::Swatch(ink), words.clone())).collect();
    let head = Sheet::legend_height(&legend, width) + 8.0;
    let (row_height, name_width, base_width) = if narrow { (50.0, width - 70.0, 0.0) } else { (38.0, 238.0, 70.0) };
    let bar_x = if narrow { 0.0 } else { name_width + 10.0 };
    let full = width - bar_x - base_width - if narrow { 0.0 } else { 8.0 };
    let low = |s: &[f64; 5]| s[0] + s[1] + s[2] / 2.0;
    let left = data.rows.iter().filter_map(|r| r.shares.as_ref().map(low)).fold(0.0, f64::max);
    let right =
        data.rows.iter().filter_map(|r| r.shares.as_ref().map(|s| s.iter().sum::<f64>() - low(s))).fold(0.0, f64::max);
    let unit = full / (left + right).max(1e-9);
    let middle = bar_x + left * unit;
    let body = lines(data.rows.len()) * row_height;
    let sheet = Sheet::new(setting, &data.title, head + body + 4.0);
    sheet.legend(&legend, 0.0, 0.0);
    if data.rows.iter().any(|r| r.shares.is_some()) {
        sheet.line((middle, head), (middle, head + body), Ink::Axis.dashed(10));
    }
    let mut words = Vec::new();
    for (i, row) in data.rows.iter().enumerate() {
        let y = head + lines(i) * row_height;
        let centre = if narrow { y + 33.0 } else { y + row_height / 2.0 };
        let answers = setting.say("answers", &[("n", row.n.into())]);
        let spoken = match &row.shares {
            Some(shares) => {
                let parts: Vec<String> =
                    data.answers.iter().zip(shares).map(|(a, s)| format!("{a} {}", setting.percent(*s))).collect();
                format!("{} ({answers}): {}", row.label, parts.join(", "))
            }
            None => format!("{}: {}", row.label, setting.say("hidden_long", &[])),
        };
        sheet.group("row", Some(&spoken), || {
            if narrow {
                sheet.write_lines(
                    &wrap(&row.label, NORMAL, name_width, 1),
                    (0.0, y + 12.0),
                    NORMAL,
                    Ink::Text,
                    At::Start,
                    false,
                );
                sheet.write(&answers, (width, y + 12.0), SMALL, Ink::Muted, At::End, false);
            } else {
                sheet.write_lines(
                    &wrap(&row.label, NORMAL, name_width, 2),
                    (0.0, centre),
                    NORMAL,
                    Ink::Text,
                    At::Start,
                    false,
                );
                sheet.write(&answers, (width, centre), SMALL, Ink::Muted, At::End, false);
            }
            let Some(shares) = &row.shares else {
                sheet.rect(Area { x: bar_x, y: centre - 12.0, width: full, height: 24.0 }, Ink::Hatch.fill());
                let words = setting.say("hidden_long", &[]);
                sheet.write_in(&words, (bar_x + full / 2.0, centre), SMALL, Ink::Text.haloed(), At::Middle, false);
                return;
            };
            let mut x = middle - low(shares) * unit;
            for (share, ink) in shares.iter().zip(Ink::ANSWERS) {
                let part = Area { x, y: centre - 12.0, width: share * unit, height: 24.0 };
                if part.width > 0.0 {
                    sheet.rect(part, ink.fill());
                }
                if part.width >= 32.0 {
                    let at = (x + part.width / 2.0, centre);
                    sheet.write(&setting.percent(*share), at, SMALL, ink.words_upon(), At::Middle, false);
                }
                x += part.width;
            }
        });
        words.push(spoken);
    }
    let description = setting.say("distribution_desc", &[("values", words.join("; ").into())]);
    Ok(sheet.finish(&data.title, &description))
}
