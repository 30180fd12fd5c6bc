//! A municipality's colour as a stylesheet, so that no page needs an inline style.
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::PageError;

type Rgb = [f64; 3];

/// Background of cards in the dark scheme of `pejling.css`; the colour is lightened until it can be read on it.
const DARK_PAPER: Rgb = [27.0, 33.0, 40.0];
const WHITE: Rgb = [255.0, 255.0, 255.0];
/// WCAG 2.2, 1.4.3.
const READABLE: f64 = 4.5;
/// Thin strokes on a dark ground look dimmer than their contrast says.
const READABLE_AT_NIGHT: f64 = 6.5;

/// The stylesheet of a colour `#rrggbb`; the default colour when it is not one.
#[must_use]
pub fn stylesheet(colour: &str) -> String {
    let rgb = parse(colour).unwrap_or([29.0, 79.0, 124.0]);
    let light = until_readable(rgb, [0.0, 0.0, 0.0], WHITE, READABLE);
    let dark = until_readable(rgb, WHITE, DARK_PAPER, READABLE_AT_NIGHT);
    format!(
        ":root{{--brand:{};--brand-soft:{};--on-brand:#fff}}\n@media (prefers-color-scheme: dark){{:root{{--brand:{};--brand-soft:{};--on-brand:#10151a}}}}\n@media print{{:root{{--brand:{0};--brand-soft:#fff;--on-brand:#fff}}}}\n",
        hex(light),
        hex(mix(light, WHITE, 0.91)),
        hex(dark),
        hex(mix(dark, DARK_PAPER, 0.84)),
    )
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

fn until_readable(colour: Rgb, towards: Rgb, paper: Rgb, wanted: f64) -> Rgb {
    (0..=20)
        .map(|step| mix(colour, towards, f64::from(step) / 20.0))
        .find(|c| contrast(*c, paper) >= wanted)
        .unwrap_or(towards)
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
    Ok((headers, stylesheet(&municipality.settings.colour)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_colour_can_be_read_on_both_papers() {
        for colour in ["#1d4f7c", "#ffd400", "#000000", "#ffffff", "#00a651"] {
            let rgb = parse(colour).unwrap();
            assert!(contrast(until_readable(rgb, [0.0; 3], WHITE, READABLE), WHITE) >= READABLE, "{colour}");
            assert!(
                contrast(until_readable(rgb, WHITE, DARK_PAPER, READABLE_AT_NIGHT), DARK_PAPER) >= READABLE_AT_NIGHT,
                "{colour}"
            );
        }
        assert!(stylesheet("#1d4f7c").contains("--brand:#1d4f7c"));
        assert_eq!(stylesheet("red;}"), stylesheet("#1d4f7c"));
    }
}
