//! The palette: what a stroke means, not what colour it has.
//!
//! plotters hands a colour to its backend; ours carries an [`Ink`] and its manner (dashed, haloed) in the colour's bytes, and the
//! backend writes classes. On a page the stylesheet decides the colours (light, dark, print); for downloads the light colours stand in
//! presentation attributes. Blue against orange is told apart by every common kind of colour-blindness, and no mark relies on colour alone.
use plotters::style::{Color, ShapeStyle};
use plotters_backend::BackendColor;

macro_rules! inks {
    ($($(#[$doc:meta])* $name:ident = $class:literal, $light:literal, $dark:literal, $print:literal);+ $(;)?) => {
        /// What is being drawn.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Ink { $($(#[$doc])* $name),+ }

        impl Ink {
            /// Every ink, by number.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),+];
            /// The class that says it.
            pub(crate) const fn class(self) -> &'static str { match self { $(Self::$name => $class),+ } }
            /// Its colour on white.
            pub(crate) const fn light(self) -> &'static str { match self { $(Self::$name => $light),+ } }
            /// Its colour on a dark page.
            pub(crate) const fn dark(self) -> &'static str { match self { $(Self::$name => $dark),+ } }
            /// Its colour on paper, black and white in mind.
            pub(crate) const fn print(self) -> &'static str { match self { $(Self::$name => $print),+ } }
        }
    };
}

inks! {
    /// Words and numbers.
    Text = "text", "#1b1f24", "#f1f3f5", "#000000";
    /// Words of second rank.
    Muted = "muted", "#525a64", "#b7bec6", "#333333";
    /// Grid lines.
    Grid = "grid", "#dfe3e8", "#3a4149", "#cccccc";
    /// Axes and zero lines.
    Axis = "axis", "#6b7480", "#8f99a4", "#555555";
    /// The ground.
    Paper = "paper", "#ffffff", "#14181d", "#ffffff";
    /// The series that is read.
    Series = "series", "#0b5c8f", "#6cb8ea", "#000000";
    /// Its interval.
    Band = "band", "#cfe3f1", "#1f4460", "#d0d0d0";
    /// What it is compared with.
    Reference = "reference", "#6b7480", "#9aa4ae", "#777777";
    /// A rise beyond the uncertainty.
    Up = "up", "#0b5c8f", "#6cb8ea", "#000000";
    /// A fall beyond the uncertainty.
    Down = "down", "#b3470f", "#f4a261", "#000000";
    /// Within the uncertainty.
    Unclear = "unclear", "#525a64", "#b7bec6", "#555555";
    /// A break in the series.
    Break = "break", "#7a3e9d", "#cf9fe8", "#000000";
    /// A bar that fills.
    Bar = "bar", "#0b5c8f", "#6cb8ea", "#444444";
    /// What a bar is a part of.
    Ground = "ground", "#e6eaee", "#2a3138", "#e8e8e8";
    /// The strokes that mark a hidden figure.
    Hatch = "hatch", "#8a939d", "#7c8691", "#888888";
    /// Words on a light fill that stays light in the dark.
    OnLight = "on-light", "#1b1f24", "#1b1f24", "#000000";
    /// Words on a dark fill.
    OnDark = "on-dark", "#ffffff", "#ffffff", "#ffffff";
    /// Lowest answer.
    Answer0 = "answer0", "#a63d0a", "#a63d0a", "#4a4a4a";
    /// Low answer.
    Answer1 = "answer1", "#f2a36b", "#f2a36b", "#9a9a9a";
    /// Middle answer.
    Answer2 = "answer2", "#d9dce0", "#d9dce0", "#ececec";
    /// High answer.
    Answer3 = "answer3", "#86bbdf", "#86bbdf", "#b4b4b4";
    /// Highest answer.
    Answer4 = "answer4", "#0b4f7d", "#0b4f7d", "#2b2b2b";
    /// Lowest step of the heat map.
    Heat0 = "heat0", "#eef4f9", "#eef4f9", "#f4f4f4";
    /// Second step.
    Heat1 = "heat1", "#c9dfef", "#c9dfef", "#dcdcdc";
    /// Third step.
    Heat2 = "heat2", "#94c1e0", "#94c1e0", "#bdbdbd";
    /// Fourth step.
    Heat3 = "heat3", "#2f7fb8", "#2f7fb8", "#6e6e6e";
    /// Highest step.
    Heat4 = "heat4", "#0a4470", "#0a4470", "#333333";
}

const DASHED: u8 = 1;
const HALO: u8 = 2;

impl Ink {
    /// Steps of the heat map, low to high.
    pub(crate) const HEAT: [Self; 5] = [Self::Heat0, Self::Heat1, Self::Heat2, Self::Heat3, Self::Heat4];
    /// Answers of a five-point scale, low to high.
    pub(crate) const ANSWERS: [Self; 5] = [Self::Answer0, Self::Answer1, Self::Answer2, Self::Answer3, Self::Answer4];

    /// The ink of words upon this fill.
    pub(crate) const fn words_upon(self) -> Self {
        match self {
            Self::Answer0 | Self::Answer4 | Self::Heat3 | Self::Heat4 => Self::OnDark,
            _ => Self::OnLight,
        }
    }

    /// A stroke of this ink, `tenths` tenths of a pixel wide.
    pub(crate) fn stroke(self, tenths: u32) -> ShapeStyle {
        Manner { ink: self, flags: 0 }.stroke_width(tenths)
    }

    /// A dashed stroke.
    pub(crate) fn dashed(self, tenths: u32) -> ShapeStyle {
        Manner { ink: self, flags: DASHED }.stroke_width(tenths)
    }

    /// A filled shape.
    pub(crate) fn fill(self) -> ShapeStyle {
        self.filled()
    }

    /// Words of this ink on a ground of paper, so that a line beneath does not cross them.
    pub(crate) const fn haloed(self) -> Manner {
        Manner { ink: self, flags: HALO }
    }
}

impl Color for Ink {
    fn to_backend_color(&self) -> BackendColor {
        Manner { ink: *self, flags: 0 }.to_backend_color()
    }
}

/// An ink and the manner in which it is laid on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) ink: Ink,
    flags: u8,
}

impl Manner {
    /// Reads back what [`Color::to_backend_color`] wrote; unknown colours (plotters' own defaults) are words.
    pub(crate) fn of(colour: BackendColor) -> Self {
        let (number, flags, _) = colour.rgb;
        Self { ink: Ink::ALL.get(usize::from(number)).copied().unwrap_or(Ink::Text), flags }
    }

    pub(crate) const fn is_dashed(self) -> bool {
        self.flags & DASHED != 0
    }

    pub(crate) const fn has_halo(self) -> bool {
        self.flags & HALO != 0
    }
}

impl Color for Manner {
    fn to_backend_color(&self) -> BackendColor {
        BackendColor { alpha: 1.0, rgb: (self.ink as u8, self.flags, 0) }
    }
}

/// The rules that colour the charts of a page: light, dark, print and forced colours. Served as part of the page's stylesheet.
#[must_use]
pub fn stylesheet() -> String {
    use std::fmt::Write;
    let variables = |colour: fn(Ink) -> &'static str| {
        Ink::ALL.iter().fold(String::new(), |mut css, ink| {
            let _ = write!(css, "--ch-{}:{};", ink.class(), colour(*ink));
            css
        })
    };
    let mut css =
        format!("svg.chart{{{}display:block;width:100%;height:auto;overflow:visible}}\n", variables(Ink::light));
    css.push_str("svg.chart text{font-family:inherit;stroke:none}\nsvg.chart.chart-wide{max-width:52rem}svg.chart.chart-narrow{display:none;max-width:24rem}\n");
    css.push_str("@media screen and (max-width:48rem){svg.chart.chart-wide{display:none}svg.chart.chart-narrow{display:block}}\n");
    let _ = writeln!(css, "@media screen and (prefers-color-scheme:dark){{svg.chart{{{}}}}}", variables(Ink::dark));
    let _ = writeln!(css, "@media print{{svg.chart{{{}break-inside:avoid}}}}", variables(Ink::print));
    for ink in Ink::ALL {
        let class = ink.class();
        let _ = writeln!(
            css,
            "svg.chart .f-{class}{{fill:var(--ch-{class})}}svg.chart .s-{class}{{stroke:var(--ch-{class})}}"
        );
    }
    css.push_str("svg.chart .halo{stroke:var(--ch-paper)}\n");
    css.push_str(
        "@media (forced-colors:active){svg.chart{--ch-text:CanvasText;--ch-muted:CanvasText;--ch-paper:Canvas;--ch-grid:GrayText;--ch-axis:CanvasText;\
         --ch-series:CanvasText;--ch-reference:GrayText;--ch-up:CanvasText;--ch-down:CanvasText;--ch-unclear:CanvasText;--ch-break:CanvasText}}\n",
    );
    css
}
