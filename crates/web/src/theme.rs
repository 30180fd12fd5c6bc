//! A municipality's colour as a stylesheet, so that no page needs an inline style; readable whatever the colour.
//!
//! The colour is darkened by day and lightened by night until it keeps WCAG's distance from every ground it stands on. Text needs 4.5 : 1
//! (1.4.3), what is no text 3 : 1 (1.4.11). The ring around what has the focus has a colour of its own, since it must be seen beside any.
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::PageError;

type Rgb = [f64; 3];

const WHITE: Rgb = [255.0, 255.0, 255.0];
/// Grounds of `pejling.css` by day: page, card, sunken.
const DAY: [Rgb; 3] = [[244.0, 245.0, 243.0], WHITE, [236.0, 238.0, 235.0]];
/// The same by night.
const NIGHT: [Rgb; 3] = [[18.0, 23.0, 28.0], [27.0, 33.0, 40.0], [21.0, 26.0, 32.0]];
/// Text on a button by night.
const NIGHT_INK: Rgb = [16.0, 21.0, 26.0];
/// The ring by day and by night (`--focus` of `pejling.css`).
const FOCUS: [Rgb; 2] = [[11.0, 87.0, 208.0], [156.0, 195.0, 255.0]];
/// How much of the ground is in the soft shade, by day and by night.
const SOFT: [f64; 2] = [0.91, 0.84];
/// WCAG 2.2, 1.4.3.
const READABLE: f64 = 4.5;
/// WCAG 2.2, 1.4.11.
const VISIBLE: f64 = 3.0;
/// Thin strokes on a dark ground look dimmer than their contrast says.
const READABLE_AT_NIGHT: f64 = 6.5;

/// What a colour becomes, and how far it stays from what it stands on.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    day: Rgb,
    night: Rgb,
    /// The colour as it was given, against white.
    pub given: f64,
    /// It is used as it was given by day.
    pub as_given: bool,
}

/// A measured distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// What against what: `text_day`, `button_day`, `soft_day`, `bar_day`, `focus_day`, and the same by night.
    pub what: &'static str,
    /// The ratio.
    pub ratio: f64,
    /// The least that it must be.
    pub needed: f64,
}

impl Theme {
    /// Of a colour `#rrggbb`; of the default colour when it is not one.
    #[must_use]
    pub fn of(colour: &str) -> Self {
        let rgb = parse(colour).unwrap_or([29.0, 79.0, 124.0]);
        let day = until_readable(rgb, [0.0; 3], &DAY, SOFT[0], READABLE);
        let night = until_readable(rgb, WHITE, &NIGHT, SOFT[1], READABLE_AT_NIGHT);
        Self { day, night, given: contrast(rgb, WHITE), as_given: hex(day) == hex(rgb) }
    }

    /// The colour by day, `#rrggbb`.
    #[must_use]
    pub fn day(&self) -> String {
        hex(self.day)
    }

    /// The colour by night.
    #[must_use]
    pub fn night(&self) -> String {
        hex(self.night)
    }

    fn soft(&self, night: bool) -> Rgb {
        if night { mix(self.night, NIGHT[1], SOFT[1]) } else { mix(self.day, WHITE, SOFT[0]) }
    }

    /// Every distance that must be kept, as measured on the colours that are served.
    #[must_use]
    pub fn contrasts(&self) -> Vec<Contrast> {
        let least =
            |colour: Rgb, grounds: &[Rgb]| grounds.iter().map(|g| contrast(colour, *g)).fold(f64::INFINITY, f64::min);
        let of = |what, ratio, needed| Contrast { what, ratio, needed };
        vec![
            of("text_day", least(self.day, &DAY), READABLE),
            of("button_day", contrast(WHITE, self.day), READABLE),
            of("soft_day", contrast(self.day, self.soft(false)), READABLE),
            of("focus_day", least(FOCUS[0], &[DAY[0], DAY[1], DAY[2], self.soft(false)]), VISIBLE),
            of("text_night", least(self.night, &NIGHT), READABLE),
            of("button_night", contrast(NIGHT_INK, self.night), READABLE),
            of("soft_night", contrast(self.night, self.soft(true)), READABLE),
            of("focus_night", least(FOCUS[1], &[NIGHT[0], NIGHT[1], NIGHT[2], self.soft(true)]), VISIBLE),
        ]
    }

    /// The stylesheet.
    #[must_use]
    pub fn stylesheet(&self) -> String {
        format!(
            ":root{{--brand:{};--brand-soft:{};--on-brand:#fff}}\n@media (prefers-color-scheme: dark){{:root{{--brand:{};--brand-soft:{};--on-brand:#10151a}}}}\n@media print{{:root{{--brand:{0};--brand-soft:#fff;--on-brand:#fff}}}}\n",
            hex(self.day),
            hex(self.soft(false)),
            hex(self.night),
            hex(self.soft(true)),
        )
    }
}

fn parse(colour: &str) -> Option<Rgb> {
    let digits = colour.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
    let part = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16).ok().map(f64::from);
    Some([part(0)?, part(2)?, part(4)?])
}

fn hex(rgb: Rgb) -> String {
    let [r, g, b] = rgb.map(|v| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0–255")]
        let byte = v.round().clamp(0.0, 255.0) as u8;
        byte
    });
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn mix(from: Rgb, to: Rgb, share: f64) -> Rgb {
    std::array::from_fn(|i| from[i] + (to[i] - from[i]) * share)
}

/// The first shade on the way that can be read on every ground and on its own soft shade (of the second ground).
fn until_readable(colour: Rgb, towards: Rgb, grounds: &[Rgb; 3], soft: f64, wanted: f64) -> Rgb {
    let is_readable = |c: &Rgb| {
        let own = mix(*c, grounds[1], soft);
        grounds.iter().all(|g| contrast(*c, *g) >= wanted) && contrast(*c, own) >= READABLE
    };
    // As served: whole bytes.
    let shade = |step: u32| mix(colour, towards, f64::from(step) / 40.0).map(f64::round);
    (0..=40).map(shade).find(is_readable).unwrap_or(towards)
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(rgb: Rgb) -> f64 {
    let [r, g, b] = rgb.map(|v| {
        let v = v / 255.0;
        if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// `GET /{slug}/theme.css`; its address carries the colour, so it may be kept.
pub(crate) async fn serve(State(app): State<App>, Path(slug): Path<String>) -> Result<Response, PageError> {
    let municipality = app.store().municipality_by_slug(&slug).await?;
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=86400")];
    Ok((headers, Theme::of(&municipality.settings.colour).stylesheet()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_standard() {
        assert!((contrast(WHITE, [0.0; 3]) - 21.0).abs() < 1e-9);
        // #767676 on white is the well-known lightest grey that passes.
        assert!((contrast([118.0; 3], WHITE) - 4.54).abs() < 0.005);
    }

    #[test]
    fn every_colour_keeps_its_distance_from_everything_it_stands_on() {
        for r in (0..=255).step_by(51) {
            for g in (0..=255).step_by(51) {
                for b in (0..=255).step_by(51) {
                    let colour = format!("#{r:02x}{g:02x}{b:02x}");
                    for measured in Theme::of(&colour).contrasts() {
                        assert!(measured.ratio >= measured.needed, "{colour}: {measured:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_readable_colour_is_left_alone_and_nothing_else_gets_into_the_stylesheet() {
        let theme = Theme::of("#1d4f7c");
        assert!(theme.as_given && theme.stylesheet().contains("--brand:#1d4f7c"));
        let yellow = Theme::of("#ffd400");
        assert!(!yellow.as_given && yellow.given < 1.5, "{}", yellow.given);
        assert_eq!(Theme::of("red;}").stylesheet(), theme.stylesheet());
    }

    #[test]
    fn the_grounds_are_those_of_the_stylesheet() {
        let css = include_str!("../static/pejling.css");
        for (name, [day, night]) in [
            ("paper", [DAY[0], NIGHT[0]]),
            ("card", [DAY[1], NIGHT[1]]),
            ("sunken", [DAY[2], NIGHT[2]]),
            ("focus", FOCUS),
        ] {
            let said: Vec<&str> =
                css.lines().filter_map(|l| l.trim().strip_prefix(&format!("--{name}: "))?.strip_suffix(';')).collect();
            assert_eq!(said[..2], [hex(day), hex(night)], "{name}");
        }
    }
}
