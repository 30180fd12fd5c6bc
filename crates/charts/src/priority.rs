//! The priority map: how satisfied businesses are with each thing, against how much it goes with their overall satisfaction.
use text::format;

use crate::ink::Ink;
use crate::sheet::{Area, At, LINE, Mark, NORMAL, SMALL, Sheet, lines, ticks, wrap};
use crate::{ChartError, Setting};

/// The map's points and the means at which it is split.
#[derive(Debug, Clone, PartialEq)]
pub struct Priority {
    /// Ends of the satisfaction scale.
    pub scale: [f64; 2],
    /// One point per item, at most twenty.
    pub points: Vec<PriorityPoint>,
}

/// One item of the map.
#[derive(Debug, Clone, PartialEq)]
pub struct PriorityPoint {
    /// The item.
    pub label: String,
    /// Mean satisfaction on the scale.
    pub satisfaction: f64,
    /// Relative importance 0–1; all items sum to one.
    pub importance: f64,
}

/// A priority map, split at the means; points carry numbers and are named in a list, so that names never cover each other.
///
/// # Errors
/// [`ChartError::Empty`] without points.
pub fn priority(data: &Priority, setting: &Setting<'_>) -> Result<String, ChartError> {
    if data.points.is_empty() {
        return Err(ChartError::Empty);
    }
    let title = setting.say("priority_title", &[]);
    let mean = |of: fn(&PriorityPoint) -> f64| data.points.iter().map(of).sum::<f64>() / lines(data.points.len());
    let (mean_x, mean_y) = (mean(|p| p.satisfaction), mean(|p| p.importance * 100.0));
    let extent = |of: fn(&PriorityPoint) -> f64| {
        let values = || data.points.iter().map(of);
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    };
    let ((x_low, x_high), (_, y_high)) = (extent(|p| p.satisfaction), extent(|p| p.importance * 100.0));
    let pad = (data.scale[1] - data.scale[0]) / 40.0;
    let xs = ticks(x_low - pad, x_high + pad, data.scale, (data.scale[1] - data.scale[0]) / 4.0, 4.0);
    let ys = ticks(0.0, y_high * 1.1, [0.0, 100.0], 10.0, 4.0);
    let (x_step, y_step) = (xs.get(1).map_or(1.0, |s| s - xs[0]), ys.get(1).map_or(1.0, |s| s - ys[0]));

    // Numbers follow the importance, so that the list reads from what matters most.
    let mut points: Vec<&PriorityPoint> = data.points.iter().collect();
    points.sort_by(|a, b| b.importance.total_cmp(&a.importance));
    let width = setting.layout.width();
    let narrow = width < 400.0;
    let list_width = if narrow { width } else { 236.0 };
    let plot_width = if narrow { width - 34.0 } else { width - list_width - 34.0 - 24.0 };
    let plot_height = if narrow { 260.0 } else { 330.0 };
    let names: Vec<Vec<String>> = points.iter().map(|p| wrap(&p.label, SMALL, list_width - 26.0, 2)).collect();
    let list_height: f64 = names.iter().map(|n| lines(n.len()) * LINE + 6.0).sum();
    let (head, foot) = (22.0, 42.0);
    let height = if narrow {
        head + plot_height + foot + list_height + 6.0
    } else {
        (head + plot_height + foot).max(list_height + head)
    };
    let sheet = Sheet::new(setting, &title, height);
    let area = Area { x: 34.0, y: head, width: plot_width, height: plot_height };
    let plot = sheet.plot(area, xs[0]..xs[xs.len() - 1], ys[0]..ys[ys.len() - 1]);
    let ((left, right), (bottom, top)) = ((plot.x.start, plot.x.end), (plot.y.start, plot.y.end));

    sheet.write(&setting.say("priority_y", &[]), (0.0, 7.0), SMALL, Ink::Muted, At::Start, false);
    for y in &ys {
        plot.path(&[(left, *y), (right, *y)], Ink::Grid.stroke(10));
        let (_, py) = plot.pixel(&sheet, left, *y);
        sheet.write(&setting.tick(*y, y_step), (30.0, py), SMALL, Ink::Muted, At::End, false);
    }
    for x in &xs {
        plot.path(&[(*x, bottom), (*x, top)], Ink::Grid.stroke(10));
        let (px, py) = plot.pixel(&sheet, *x, bottom);
        sheet.write(&setting.tick(*x, x_step), (px, py + 12.0), SMALL, Ink::Muted, At::Middle, false);
    }
    sheet.write(
        &setting.say("priority_x", &[]),
        (area.x + area.width, head + plot_height + 29.0),
        SMALL,
        Ink::Muted,
        At::End,
        false,
    );
    plot.path(&[(mean_x, bottom), (mean_x, top)], Ink::Axis.dashed(15));
    plot.path(&[(left, mean_y), (right, mean_y)], Ink::Axis.dashed(15));
    for (key, x, y, anchor) in [
        ("priority_act", area.x + 5.0, area.y + 9.0, At::Start),
        ("priority_keep", area.x + area.width - 5.0, area.y + 9.0, At::End),
        ("priority_watch", area.x + 5.0, area.y + area.height - 9.0, At::Start),
        ("priority_fine", area.x + area.width - 5.0, area.y + area.height - 9.0, At::End),
    ] {
        sheet.write_in(&setting.say(key, &[]), (x, y), SMALL, Ink::Text.haloed(), anchor, true);
    }
    let mut words = Vec::new();
    let (list_x, mut list_y) = if narrow { (0.0, head + plot_height + foot + 4.0) } else { (width - list_width, head) };
    for (i, (point, name)) in points.iter().zip(&names).enumerate() {
        let number = (i + 1).to_string();
        let satisfaction =
            format::number(setting.language, point.satisfaction, if data.scale[1] <= 10.0 { 1 } else { 0 });
        let spoken = setting.say(
            "priority_point",
            &[
                ("label", point.label.as_str().into()),
                ("satisfaction", satisfaction.into()),
                ("importance", setting.percent(point.importance).into()),
            ],
        );
        sheet.group("point", Some(&spoken), || {
            let at = plot.pixel(&sheet, point.satisfaction, point.importance * 100.0);
            sheet.mark(Mark::Ring(Ink::Paper), at, 11.0);
            sheet.mark(Mark::Dot(Ink::Series), at, 10.0);
            sheet.write(&number, at, SMALL, Ink::Paper, At::Middle, true);
            let middle = list_y + lines(name.len()) * LINE / 2.0;
            sheet.write(&number, (list_x + 16.0, middle), NORMAL, Ink::Text, At::End, true);
            sheet.write_lines(name, (list_x + 26.0, middle), SMALL, Ink::Text, At::Start, false);
        });
        list_y += lines(name.len()) * LINE + 6.0;
        words.push(format!("{number}. {spoken}"));
    }
    let description = setting.say("priority_desc", &[("values", words.join("; ").into())]);
    Ok(sheet.finish(&title, &description))
}
