//! Our plotters backend: SVG with real text, classes instead of colours, dashes, groups with titles, and coordinates finer than a pixel.
//!
//! plotters' own SVG backend knows whole pixels only and has no title, class, group or dash. Here one backend unit is a tenth of a
//! pixel: areas are ten times as large as the drawing, and every coordinate is written divided by ten.
use std::convert::Infallible;
use std::fmt::Write;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};

use crate::Paint;
use crate::ink::{Ink, Manner};
use crate::sheet::text_width;

/// Backend units per pixel.
pub(crate) const FINE: f64 = 10.0;

/// Collects the drawing as SVG text.
pub(crate) struct SvgBackend {
    size: (f64, f64),
    paint: Paint,
    hatch: String,
    body: String,
}

impl SvgBackend {
    pub(crate) fn new(size: (f64, f64), paint: Paint, id: &str) -> Self {
        Self { size, paint, hatch: format!("{id}-hatch"), body: String::new() }
    }

    /// Opens a group, with a title that pointers and readers of single marks see.
    pub(crate) fn open_group(&mut self, class: &str, title: Option<&str>) {
        let _ = write!(self.body, "<g class=\"{class}\">");
        if let Some(title) = title {
            let _ = write!(self.body, "<title>{}</title>", Escaped(title));
        }
    }

    pub(crate) fn close_group(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// The marks drawn so far.
    pub(crate) fn take(&mut self) -> String {
        std::mem::take(&mut self.body)
    }

    /// `class` and, for downloads, the colour itself.
    fn fill_of(&self, ink: Ink) -> String {
        match (ink, self.paint) {
            (Ink::Hatch, _) => format!("fill=\"url(#{})\"", self.hatch),
            (_, Paint::Page) => format!("class=\"f-{}\"", ink.class()),
            (_, Paint::Standalone) => format!("class=\"f-{}\" fill=\"{}\"", ink.class(), ink.light()),
        }
    }

    fn stroke_of<S: BackendStyle>(&self, style: &S) -> String {
        let manner = Manner::of(style.color());
        let mut attributes = format!("class=\"s-{}\" fill=\"none\"", manner.ink.class());
        if self.paint == Paint::Standalone {
            let _ = write!(attributes, " stroke=\"{}\"", manner.ink.light());
        }
        let _ = write!(attributes, " stroke-width=\"{}\"", Fine(i64::from(style.stroke_width())));
        if manner.is_dashed() {
            attributes.push_str(" stroke-dasharray=\"5 4\"");
        }
        attributes
    }

    fn attributes<S: BackendStyle>(&self, style: &S, fill: bool) -> String {
        if fill { self.fill_of(Manner::of(style.color()).ink) } else { self.stroke_of(style) }
    }
}

/// A tenth-of-a-pixel number, written in pixels without a needless fraction.
struct Fine(i64);

impl std::fmt::Display for Fine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sign, size) = if self.0 < 0 { ("-", -self.0) } else { ("", self.0) };
        match size % 10 {
            0 => write!(f, "{sign}{}", size / 10),
            rest => write!(f, "{sign}{}.{rest}", size / 10),
        }
    }
}

fn fine(value: i32) -> Fine {
    Fine(i64::from(value))
}

/// Text with the characters escaped that XML gives a meaning; control characters, which XML 1.0 forbids, are left out.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                c if c.is_control() => f.write_str(" ")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for SvgBackend {
    type ErrorType = Infallible;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "drawings are a few hundred pixels wide"
    )]
    fn get_size(&self) -> (u32, u32) {
        ((self.size.0 * FINE) as u32, (self.size.1 * FINE) as u32)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        let fill = self.fill_of(Manner::of(colour).ink);
        let _ = writeln!(self.body, "<rect x=\"{}\" y=\"{}\" width=\"1\" height=\"1\" {fill}/>", fine(x), fine(y));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, a: BackendCoord, b: BackendCoord, style: &S, fill: bool) -> Drawn {
        let (x, y) = (a.0.min(b.0), a.1.min(b.1));
        let (width, height) = ((a.0 - b.0).abs(), (a.1 - b.1).abs());
        let attributes = self.attributes(style, fill);
        let _ = writeln!(
            self.body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {attributes}/>",
            fine(x),
            fine(y),
            fine(width),
            fine(height)
        );
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        let data = path_data(path);
        let stroke = self.stroke_of(style);
        let _ = writeln!(self.body, "<path d=\"{data}\" {stroke}/>");
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, (x, y): BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        let attributes = self.attributes(style, fill);
        let _ = writeln!(
            self.body,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {attributes}/>",
            fine(x),
            fine(y),
            Fine(i64::from(radius))
        );
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        let data = path_data(corners);
        let fill = self.fill_of(Manner::of(style.color()).ink);
        let _ = writeln!(self.body, "<path d=\"{data}Z\" {fill}/>");
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, (x, y): BackendCoord) -> Drawn {
        let manner = Manner::of(style.color());
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        // Not `dominant-baseline`: renderers differ in it. Capitals are about 0.7 of the size high.
        let drop = match style.anchor().v_pos {
            VPos::Top => 0.75,
            VPos::Center => 0.35,
            VPos::Bottom => 0.0,
        };
        #[expect(clippy::cast_possible_truncation, reason = "a text size")]
        let drop = (style.size() * drop * FINE).round() as i32;
        let turn = match style.transform() {
            FontTransform::None => String::new(),
            FontTransform::Rotate90 => format!(" transform=\"rotate(90 {} {})\"", fine(x), fine(y)),
            FontTransform::Rotate180 => format!(" transform=\"rotate(180 {} {})\"", fine(x), fine(y)),
            FontTransform::Rotate270 => format!(" transform=\"rotate(270 {} {})\"", fine(x), fine(y)),
        };
        let weight = if matches!(style.style(), FontStyle::Bold) { " font-weight=\"600\"" } else { "" };
        let mut attributes = self.fill_of(manner.ink);
        if manner.has_halo() {
            attributes = attributes.replacen("class=\"", "class=\"halo ", 1);
            attributes.push_str(" paint-order=\"stroke\" stroke-width=\"3\" stroke-linejoin=\"round\"");
            if self.paint == Paint::Standalone {
                let _ = write!(attributes, " stroke=\"{}\"", Ink::Paper.light());
            }
        }
        let (y, size) = (y + drop, style.size());
        let _ = writeln!(
            self.body,
            "<text x=\"{}\" y=\"{}\" font-size=\"{size}\"{anchor}{weight} {attributes}{turn}>{}</text>",
            fine(x),
            fine(y),
            Escaped(text)
        );
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a text's width in tenths of a pixel")]
    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(((text_width(text, style.size()) * FINE) as u32, (style.size() * FINE) as u32))
    }
}

fn path_data(points: impl IntoIterator<Item = BackendCoord>) -> String {
    points.into_iter().enumerate().fold(String::new(), |mut data, (i, (x, y))| {
        let _ = write!(data, "{}{} {}", if i == 0 { 'M' } else { 'L' }, fine(x), fine(y));
        data
    })
}
