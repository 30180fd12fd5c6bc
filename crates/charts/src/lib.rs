//! A report's parts in, accessible SVG out.
//!
//! Every chart has a title and a description that says its figures in words, real text, marks that are told apart without colour, and
//! hidden figures drawn as hidden. On a page ([`Paint::Page`]) colours come from [`stylesheet`] through classes, so that the strict
//! content security policy holds and dark mode and print work; a download ([`Paint::Standalone`]) carries its colours itself.
//!
//! # Layout
//! - [`trend`], [`multiples`], [`change`], [`heat`], [`cross`], [`coverage`]: read a [`domain::results::Report`]
//! - [`distribution`], [`priority`], [`themes`], [`days`], [`quarters`]: take rows of their own
//! - `backend`, `ink`, `sheet`: our plotters backend, its palette, and what charts are drawn on
mod backend;
mod change;
mod coverage;
mod days;
mod distribution;
mod heat;
mod ink;
mod multiples;
mod priority;
mod quarters;
mod sheet;
mod themes;
mod trend;
mod words;

use domain::language::Language;
use text::Messages;

pub use change::change;
pub use coverage::coverage;
pub use days::{Day, days};
pub use distribution::{Distribution, DistributionRow, distribution};
pub use domain::printed::Printed;
pub use heat::{cross, heat};
pub use ink::stylesheet;
pub use multiples::multiples;
pub use priority::{Priority, PriorityPoint, priority};
pub use quarters::{QuarterPoint, Quarters, quarters};
pub use themes::{ThemeRow, Themes, themes};
pub use trend::{Event, trend, trend_with};
pub use words::{difference, figure, margin};

/// How wide a chart is drawn; text keeps its size, so a narrow one is laid out anew and not merely scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// 720 pixels.
    Wide,
    /// 340 pixels: a telephone.
    Narrow,
    /// 600 pixels: as wide as the text of a printed page, so that the words are as large as those around it.
    Paper,
}

impl Layout {
    pub(crate) const fn width(self) -> f64 {
        match self {
            Self::Wide => 720.0,
            Self::Narrow => 340.0,
            Self::Paper => 600.0,
        }
    }

    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Wide | Self::Paper => "chart-wide",
            Self::Narrow => "chart-narrow",
        }
    }
}

/// Where the colours come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// From the page's stylesheet.
    Page,
    /// From the drawing itself, on a white ground.
    Standalone,
}

/// Everything about a chart but its figures.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The messages that name what is drawn.
    pub messages: &'a Messages,
    /// The language of the words and numbers.
    pub language: Language,
    /// Unique in the page; ids of title and description are derived from it.
    pub id: &'a str,
    /// Width.
    pub layout: Layout,
    /// Colours.
    pub paint: Paint,
    /// Write the title above the marks? A page has its own heading or caption.
    pub heading: bool,
}

impl<'a> Setting<'a> {
    /// A chart within a page: wide, coloured by the stylesheet, titled by the page.
    #[must_use]
    pub const fn page(messages: &'a Messages, language: Language, id: &'a str) -> Self {
        Self { messages, language, id, layout: Layout::Wide, paint: Paint::Page, heading: false }
    }

    /// A chart that leaves the page as a file.
    #[must_use]
    pub const fn standalone(messages: &'a Messages, language: Language, id: &'a str) -> Self {
        Self { messages, language, id, layout: Layout::Wide, paint: Paint::Standalone, heading: true }
    }

    /// The same for a narrow screen.
    #[must_use]
    pub const fn narrow(self) -> Self {
        Self { layout: Layout::Narrow, ..self }
    }

    /// The id within the page: the two layouts of one chart stand side by side there.
    pub(crate) fn full_id(&self) -> String {
        match self.layout {
            Layout::Wide | Layout::Paper => self.id.to_owned(),
            Layout::Narrow => format!("{}-narrow", self.id),
        }
    }
}

/// Why a chart cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChartError {
    /// The report has no such indicator.
    #[error("the report has no indicator {0:?}")]
    UnknownIndicator(String),
    /// The report has no such breakdown.
    #[error("the report has no breakdown {0:?}")]
    UnknownBreakdown(String),
    /// There is nothing to draw.
    #[error("there is nothing to draw")]
    Empty,
}

/// Both layouts of a chart, one after the other; the stylesheet shows the one that fits.
///
/// # Errors
/// What `draw` answers.
pub fn both(
    setting: Setting<'_>,
    draw: impl Fn(&Setting<'_>) -> Result<String, ChartError>,
) -> Result<String, ChartError> {
    let wide = draw(&Setting { layout: Layout::Wide, ..setting })?;
    Ok(wide + "\n" + &draw(&setting.narrow())?)
}
