//! The sheet that a chart is drawn on: plotters areas over our backend, words with known width, and the frame of title and description.
use std::cell::RefCell;
use std::fmt::Write;
use std::ops::Range;
use std::rc::Rc;

use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, Drawable, PathElement, PointCollection, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, ShapeStyle, TextStyle};
use plotters_backend::BackendCoord;

use crate::backend::{Escaped, FINE, SvgBackend};
use crate::ink::{Ink, Manner};
use crate::{Paint, Setting};

/// Where a text stands to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Start,
    Middle,
    End,
}

/// Usual sizes of words.
pub(crate) const SMALL: f64 = 12.0;
pub(crate) const NORMAL: f64 = 13.0;
/// Distance of two lines of [`SMALL`] words.
pub(crate) const LINE: f64 = 15.0;

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// A drawing of known size.
pub(crate) struct Sheet<'a> {
    setting: &'a Setting<'a>,
    backend: Rc<RefCell<SvgBackend>>,
    root: DrawingArea<SvgBackend, Shift>,
    pub(crate) width: f64,
    height: f64,
    top: f64,
}

#[expect(clippy::cast_possible_truncation, reason = "drawings are a few hundred pixels wide")]
fn fine(value: f64) -> i32 {
    (value * FINE).round() as i32
}

const NO_FAILURE: &str = "writing to a string cannot fail and nothing else holds the backend";

impl<'a> Sheet<'a> {
    /// A sheet with `height` pixels for the marks; the visible heading, where wanted, comes on top of that.
    pub(crate) fn new(setting: &'a Setting<'a>, title: &str, height: f64) -> Self {
        let width = setting.layout.width();
        let heading = if setting.heading { wrap(title, 15.0, width, 3) } else { Vec::new() };
        let top = if heading.is_empty() { 0.0 } else { 20.0 * lines(heading.len()) + 8.0 };
        let height = height + top;
        let backend = Rc::new(RefCell::new(SvgBackend::new((width, height), setting.paint, &setting.full_id())));
        let root = DrawingArea::from(&backend);
        let sheet = Self { setting, backend, root, width, height, top };
        for (i, line) in heading.iter().enumerate() {
            sheet.write(line, (0.0, 20.0 * lines(i) + 10.0 - top), 15.0, Ink::Text, At::Start, true);
        }
        sheet
    }

    /// A plot: an area with a coordinate system, y upwards.
    pub(crate) fn plot(&self, area: Area, x: Range<f64>, y: Range<f64>) -> Plot {
        let top = area.y + self.top;
        let pixels = (fine(area.x)..fine(area.x + area.width), fine(top + area.height)..fine(top));
        let spec = Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(x.clone(), y.clone(), pixels);
        Plot { area: self.root.apply_coord_spec(spec), x, y }
    }

    fn put<E>(&self, element: E)
    where
        for<'e> &'e E: PointCollection<'e, BackendCoord>,
        E: Drawable<SvgBackend>,
    {
        self.root.draw(&element).expect(NO_FAILURE);
    }

    fn at(&self, (x, y): (f64, f64)) -> BackendCoord {
        (fine(x), fine(y + self.top))
    }

    /// Words, vertically centred on the point.
    pub(crate) fn write(&self, text: &str, at: (f64, f64), size: f64, ink: Ink, anchor: At, bold: bool) {
        self.write_in(text, at, size, Manner::of(plotters::style::Color::to_backend_color(&ink)), anchor, bold);
    }

    /// Words in a manner.
    pub(crate) fn write_in(&self, text: &str, at: (f64, f64), size: f64, manner: Manner, anchor: At, bold: bool) {
        let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::SansSerif, size, style);
        let h_pos = match anchor {
            At::Start => HPos::Left,
            At::Middle => HPos::Center,
            At::End => HPos::Right,
        };
        let style = TextStyle::from(font).color(&manner).pos(Pos::new(h_pos, VPos::Center));
        self.root.draw_text(text, &style, self.at(at)).expect(NO_FAILURE);
    }

    /// Words on one line that grid lines may pass behind.
    pub(crate) fn write_over(&self, text: &str, at: (f64, f64), bold: bool) {
        self.write_in(text, at, NORMAL, Ink::Text.haloed(), At::Start, bold);
    }

    /// Words in several lines, the block vertically centred on the point.
    pub(crate) fn write_lines(&self, text: &[String], at: (f64, f64), size: f64, ink: Ink, anchor: At, bold: bool) {
        let step = size + 2.0;
        for (i, line) in text.iter().enumerate() {
            let shift = (lines(i) - (lines(text.len()) - 1.0) / 2.0) * step;
            self.write(line, (at.0, at.1 + shift), size, ink, anchor, bold);
        }
    }

    pub(crate) fn line(&self, from: (f64, f64), to: (f64, f64), style: ShapeStyle) {
        self.put(PathElement::new(vec![self.at(from), self.at(to)], style));
    }

    pub(crate) fn rect(&self, area: Area, style: ShapeStyle) {
        let end = (area.x + area.width, area.y + area.height);
        self.put(Rectangle::new([self.at((area.x, area.y)), self.at(end)], style));
    }

    /// A mark of its own shape, so that it is told apart without colour.
    pub(crate) fn mark(&self, mark: Mark, (x, y): (f64, f64), radius: f64) {
        let triangle = |tip: f64| {
            let corners =
                [(x, y - tip * radius), (x - radius, y + tip * radius * 0.8), (x + radius, y + tip * radius * 0.8)];
            corners.map(|corner| self.at(corner)).to_vec()
        };
        match mark {
            Mark::Up => self.put(Polygon::new(triangle(1.15), Ink::Up.fill())),
            Mark::Down => self.put(Polygon::new(triangle(-1.15), Ink::Down.fill())),
            Mark::Dot(ink) => self.put(Circle::new(self.at((x, y)), fine(radius), ink.fill())),
            Mark::Ring(ink) => {
                self.put(Circle::new(self.at((x, y)), fine(radius), Ink::Paper.fill()));
                self.put(Circle::new(self.at((x, y)), fine(radius), ink.stroke(18)));
            }
        }
    }

    /// Draws what `draw` draws as one group.
    pub(crate) fn group(&self, class: &str, title: Option<&str>, draw: impl FnOnce()) {
        self.backend.borrow_mut().open_group(class, title);
        draw();
        self.backend.borrow_mut().close_group();
    }

    /// Marks with their meaning, flowing over as many lines as needed from `y` on. Returns the height used.
    pub(crate) fn legend(&self, entries: &[(Key, String)], x: f64, y: f64) -> f64 {
        let (mut left, mut line) = (x, 0.0);
        for (key, text) in entries {
            let width = 18.0 + text_width(text, SMALL);
            if left > x && left + width > self.width {
                (left, line) = (x, line + LINE + 3.0);
            }
            let centre = y + line + LINE / 2.0;
            match key {
                Key::Mark(mark) => self.mark(*mark, (left + 6.0, centre), 4.5),
                Key::Swatch(ink) => {
                    let area = Area { x: left, y: centre - 5.5, width: 12.0, height: 11.0 };
                    self.rect(area, ink.fill());
                    self.rect(area, Ink::Axis.stroke(6));
                }
                Key::Line => self.line((left, centre), (left + 13.0, centre), Ink::Reference.dashed(15)),
                Key::Event => {
                    self.line((left + 6.0, centre - 7.0), (left + 6.0, centre + 7.0), Ink::Reference.dashed(15));
                }
                Key::Break => self.line((left + 6.0, centre - 7.0), (left + 6.0, centre + 7.0), Ink::Break.dashed(15)),
            }
            self.write(text, (left + 17.0, centre), SMALL, Ink::Muted, At::Start, false);
            left += width + 16.0;
        }
        line + LINE + 3.0
    }

    /// The height that [`Self::legend`] will use.
    pub(crate) fn legend_height(entries: &[(Key, String)], width: f64) -> f64 {
        let (mut left, mut line) = (0.0, 0.0);
        for (_, text) in entries {
            let needed = 18.0 + text_width(text, SMALL);
            if left > 0.0 && left + needed > width {
                (left, line) = (0.0, line + LINE + 3.0);
            }
            left += needed + 16.0;
        }
        line + LINE + 3.0
    }

    /// The finished SVG.
    pub(crate) fn finish(self, title: &str, description: &str) -> String {
        let id = self.setting.full_id();
        let body = self.backend.borrow_mut().take();
        let (width, height) = (self.width, self.height.ceil());
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"{id}\" class=\"chart {}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" lang=\"{}\"",
            self.setting.layout.class(),
            self.setting.language.tag(),
        );
        if self.setting.paint == Paint::Standalone {
            let _ = write!(
                svg,
                " width=\"{width}\" height=\"{height}\" font-family=\"'Noto Sans', 'Helvetica Neue', Arial, sans-serif\""
            );
        }
        let _ = write!(
            svg,
            ">\n<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n",
            Escaped(title),
            Escaped(description)
        );
        let (hatch, ground) = match self.setting.paint {
            Paint::Page => (String::new(), String::new()),
            Paint::Standalone => {
                let ground = format!("<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n", Ink::Paper.light());
                (format!(" stroke=\"{}\"", Ink::Hatch.light()), ground)
            }
        };
        let _ = write!(
            svg,
            "<defs><pattern id=\"{id}-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><path d=\"M-1 1L1 -1M0 6L6 0M5 7L7 5\" class=\"s-hatch\" fill=\"none\" stroke-width=\"1\"{hatch}/></pattern></defs>\n{ground}{body}</svg>"
        );
        svg
    }
}

/// What a legend shows before its words.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Mark(Mark),
    Swatch(Ink),
    Line,
    Break,
    Event,
}

/// A mark at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mark {
    /// Triangle upwards.
    Up,
    /// Triangle downwards.
    Down,
    /// Full circle.
    Dot(Ink),
    /// Open circle.
    Ring(Ink),
}

/// An area with a coordinate system.
pub(crate) struct Plot {
    area: DrawingArea<SvgBackend, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    pub(crate) x: Range<f64>,
    pub(crate) y: Range<f64>,
}

impl Plot {
    /// Where a point of the coordinate system lies on the sheet.
    pub(crate) fn pixel(&self, sheet: &Sheet<'_>, x: f64, y: f64) -> (f64, f64) {
        let (px, py) = self.area.map_coordinate(&(x, y));
        (f64::from(px) / FINE, f64::from(py) / FINE - sheet.top)
    }

    pub(crate) fn path(&self, points: &[(f64, f64)], style: ShapeStyle) {
        self.area.draw(&PathElement::new(points.to_vec(), style)).expect(NO_FAILURE);
    }

    pub(crate) fn polygon(&self, points: &[(f64, f64)], style: ShapeStyle) {
        self.area.draw(&Polygon::new(points.to_vec(), style)).expect(NO_FAILURE);
    }

    pub(crate) fn rect(&self, from: (f64, f64), to: (f64, f64), style: ShapeStyle) {
        self.area.draw(&Rectangle::new([from, to], style)).expect(NO_FAILURE);
    }

    /// A vertical interval with caps.
    pub(crate) fn upright(&self, sheet: &Sheet<'_>, x: f64, (low, high): (f64, f64), cap: f64, style: ShapeStyle) {
        self.path(&[(x, low), (x, high)], style);
        for end in [low, high] {
            let (px, py) = self.pixel(sheet, x, end);
            sheet.line((px - cap, py), (px + cap, py), style);
        }
    }

    /// A horizontal interval with caps.
    pub(crate) fn level(&self, sheet: &Sheet<'_>, y: f64, (low, high): (f64, f64), cap: f64, style: ShapeStyle) {
        self.path(&[(low, y), (high, y)], style);
        for end in [low, high] {
            let (px, py) = self.pixel(sheet, end, y);
            sheet.line((px, py - cap), (px, py + cap), style);
        }
    }
}

/// A count as a coordinate.
#[expect(clippy::cast_precision_loss, reason = "counts of lines, rows and years")]
pub(crate) fn lines(count: usize) -> f64 {
    count as f64
}

/// Widths of the printable ASCII characters of a common sans-serif face, in thousandths of its size.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// The width of `text`, a sixth more than the model face needs, since the reader's face may be wider.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let thousandths: u32 = text
        .chars()
        .map(|c| match u32::from(c) {
            code @ 32..=126 => u32::from(WIDTHS[code as usize - 32]),
            0xa0 | 0x202f | 0x2009 => 278,
            0xe6 => 889,
            0xc6 => 1000,
            _ => 611,
        })
        .sum();
    f64::from(thousandths) / 1000.0 * size * 1.18
}

/// `text` in at most `most` lines of `width` pixels, broken at blanks; what does not fit ends in an ellipsis.
pub(crate) fn wrap(text: &str, size: f64, width: f64, most: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match wrapped.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), size) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => wrapped.push(word.to_owned()),
        }
    }
    if wrapped.len() > most {
        wrapped.truncate(most);
        if let Some(line) = wrapped.last_mut() {
            line.push('…');
        }
    }
    for line in &mut wrapped {
        if text_width(line, size) > width {
            while text_width(line, size) + size * 0.9 > width && line.pop().is_some() {}
            line.truncate(line.trim_end().len());
            line.push('…');
        }
    }
    wrapped
}

/// Round tick values that cover `low..high`, at least `span` apart in all and within `bounds`; the first and last are the ends of the axis.
pub(crate) fn ticks(low: f64, high: f64, bounds: [f64; 2], span: f64, about: f64) -> Vec<f64> {
    let (mut low, mut high) = (low.max(bounds[0]), high.min(bounds[1]));
    if high - low < span {
        let middle = f64::midpoint(low, high);
        (low, high) = (middle - span / 2.0, middle + span / 2.0);
        if low < bounds[0] {
            (low, high) = (bounds[0], bounds[0] + span);
        } else if high > bounds[1] {
            (low, high) = (bounds[1] - span, bounds[1]);
        }
    }
    let rough = (high - low) / about;
    let power = 10_f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|s| s * power).find(|s| *s >= rough * 0.999).unwrap_or(power * 10.0);
    let first = (low / step + 1e-9).floor() * step;
    let mut values = Vec::new();
    let mut index = 0.0;
    loop {
        let value = first + index * step;
        values.push((value / step).round() * step);
        if value >= high - 1e-9 || values.len() > 50 {
            return values;
        }
        index += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_cover_the_data_and_keep_to_the_scale() {
        assert_eq!(ticks(58.2, 66.0, [0.0, 100.0], 20.0, 5.0), vec![50.0, 55.0, 60.0, 65.0, 70.0, 75.0]);
        assert_eq!(ticks(1.0, 4.0, [0.0, 100.0], 20.0, 5.0), vec![0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(ticks(97.0, 99.0, [0.0, 100.0], 20.0, 5.0).last(), Some(&100.0));
    }

    #[test]
    fn long_words_are_cut_and_lines_are_limited() {
        assert_eq!(wrap("Handel og transport", 12.0, 1000.0, 2), ["Handel og transport"]);
        assert_eq!(wrap("Handel og transport", 12.0, 70.0, 2).len(), 2);
        let cut = wrap("Erhvervsservicevirksomhedskonstruktioner", 12.0, 80.0, 2);
        assert_eq!(cut.len(), 1);
        assert!(cut[0].ends_with('…') && text_width(&cut[0], 12.0) <= 80.0, "{cut:?}");
    }
}
