//! A round in the field: how many answers came in each day.
use crate::ink::Ink;
use crate::sheet::{Area, At, NORMAL, SMALL, Sheet, lines, text_width};
use crate::{ChartError, Setting};

/// A day and its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The day, in words.
    pub label: String,
    /// Answers that came in.
    pub n: u64,
}

/// The height of the tallest bar.
const TALLEST: f64 = 120.0;
/// Room above the bars for the figure of the tallest.
const ABOVE: f64 = 20.0;

/// Bars for consecutive days; the first, the last and the busiest day are named.
///
/// # Errors
/// [`ChartError::Empty`] when no answer came in.
pub fn days(data: &[Day], setting: &Setting<'_>) -> Result<String, ChartError> {
    let Some((top, busiest)) = data.iter().enumerate().max_by_key(|(i, d)| (d.n, usize::MAX - i)) else {
        return Err(ChartError::Empty);
    };
    let total: u64 = data.iter().map(|d| d.n).sum();
    if total == 0 {
        return Err(ChartError::Empty);
    }
    let title = setting.say("days_title", &[]);
    let sheet = Sheet::new(setting, &title, ABOVE + TALLEST + 24.0);
    let width = setting.layout.width();
    let step = (width / lines(data.len())).min(48.0);
    let gap = (step * 0.2).min(3.0);
    let foot = ABOVE + TALLEST;
    #[expect(clippy::cast_precision_loss, reason = "answers of a day")]
    let height = |n: u64| TALLEST * n as f64 / busiest.n as f64;
    for (i, day) in data.iter().enumerate() {
        let spoken = format!("{}: {}", day.label, setting.count(day.n));
        sheet.group("row", Some(&spoken), || {
            let tall = height(day.n);
            let bar = Area { x: lines(i) * step + gap / 2.0, y: foot - tall, width: step - gap, height: tall };
            if day.n > 0 {
                sheet.rect(bar, Ink::Bar.fill());
            }
        });
    }
    let last = step * lines(data.len());
    sheet.line((0.0, foot), (last, foot), Ink::Axis.stroke(10));
    let said = format!("{}: {}", busiest.label, setting.count(busiest.n));
    let half = text_width(&said, NORMAL) / 2.0;
    let middle = (lines(top) * step + step / 2.0).max(half).min((width - half).max(half));
    sheet.write(&said, (middle, ABOVE / 2.0), NORMAL, Ink::Text, At::Middle, true);
    if let [first, .., end] = data {
        sheet.write(&first.label, (0.0, foot + 13.0), SMALL, Ink::Muted, At::Start, false);
        let room = text_width(&first.label, SMALL) + text_width(&end.label, SMALL) + 12.0;
        sheet.write(&end.label, (last.max(room), foot + 13.0), SMALL, Ink::Muted, At::End, false);
    } else {
        sheet.write(&busiest.label, (0.0, foot + 13.0), SMALL, Ink::Muted, At::Start, false);
    }
    let args = [
        ("total", setting.count(total).into()),
        ("day", busiest.label.as_str().into()),
        ("n", setting.count(busiest.n).into()),
    ];
    Ok(sheet.finish(&title, &setting.say("days_desc", &args)))
}
