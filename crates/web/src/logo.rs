//! A municipality's logo: read, cleaned of what a picture does not need, and served on its own terms.
//!
//! A PNG is taken apart and put together again from the pieces that draw it; an SVG is taken only when every element and attribute is
//! one that draws. Anything else is refused with the reason.
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderName};
use axum::response::{IntoResponse, Response};
use domain::municipality::Logo;
use roxmltree::{Document, Node};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::error::PageError;

/// The largest file: with it the first page stays below 40 kB.
pub const LARGEST: usize = 24 * 1024;
/// The longest side of a PNG, in pixels.
const LONGEST_SIDE: u32 = 2000;
/// The height at which it is shown, in CSS pixels; the width follows.
const SHOWN_HEIGHT: f64 = 40.0;
/// The widest that it is shown: a telephone has 360, and the languages stand beside it.
const SHOWN_WIDTH: f64 = 180.0;

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogoFault {
    /// There is no file.
    #[error("no file")]
    Missing,
    /// Larger than [`LARGEST`].
    #[error("larger than {LARGEST} bytes")]
    TooLarge,
    /// Neither PNG nor SVG.
    #[error("neither PNG nor SVG")]
    Unknown,
    /// A PNG that is damaged.
    #[error("damaged")]
    Damaged,
    /// More pixels than a logo needs.
    #[error("more than {LONGEST_SIDE} pixels")]
    TooManyPixels,
    /// An SVG with something in it that does more than draw: an element or attribute.
    #[error("contains {0}")]
    NotAllowed(String),
}

/// A file that may be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// `image/png` or `image/svg+xml`.
    pub media_type: &'static str,
    /// The file.
    pub content: Vec<u8>,
    /// Width and height at which it is shown.
    pub size: (u32, u32),
}

impl Cleaned {
    /// What pages know of it.
    #[must_use]
    pub fn known(&self, alt: &str) -> Logo {
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&self.content)[..8]);
        Logo { digest, alt: alt.to_owned(), width: self.size.0, height: self.size.1 }
    }
}

/// Checks and cleans an uploaded file.
///
/// # Errors
/// [`LogoFault`].
pub fn clean(file: &[u8]) -> Result<Cleaned, LogoFault> {
    match file {
        [] => Err(LogoFault::Missing),
        _ if file.len() > LARGEST => Err(LogoFault::TooLarge),
        _ if file.starts_with(SIGNATURE) => png(file),
        _ => svg(file),
    }
}

/// The size at which something of these proportions is shown.
fn shown(width: f64, height: f64) -> (u32, u32) {
    let scale = (SHOWN_HEIGHT / height).min(SHOWN_WIDTH / width);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 180")]
    let pixels = |side: f64| (side * scale).round().max(1.0) as u32;
    (pixels(width), pixels(height))
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What draws; texts, times, camera data and the rest are left out.
const KEPT: [&[u8; 4]; 8] = [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB", b"pHYs"];

fn png(file: &[u8]) -> Result<Cleaned, LogoFault> {
    let mut kept = SIGNATURE.to_vec();
    let mut rest = &file[SIGNATURE.len()..];
    let (mut size, mut has_pixels) = (None, false);
    loop {
        let Some((head, after)) = rest.split_first_chunk::<8>() else { return Err(LogoFault::Damaged) };
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = [head[4], head[5], head[6], head[7]];
        let piece = rest.get(..length.saturating_add(12)).ok_or(LogoFault::Damaged)?;
        let (data, sum) = (&after[..length], &piece[length + 8..]);
        if crc(&piece[4..length + 8]).to_be_bytes() != sum {
            return Err(LogoFault::Damaged);
        }
        // IHDR comes first, and once.
        if (size.is_none()) != (&kind == b"IHDR") {
            return Err(LogoFault::Damaged);
        }
        if &kind == b"IHDR" {
            let &[a, b, c, d, e, f, g, h, ..] = data else { return Err(LogoFault::Damaged) };
            let (width, height) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
            if width == 0 || height == 0 {
                return Err(LogoFault::Damaged);
            }
            if width.max(height) > LONGEST_SIDE {
                return Err(LogoFault::TooManyPixels);
            }
            size = Some(shown(width.into(), height.into()));
        }
        has_pixels |= &kind == b"IDAT";
        if KEPT.contains(&&kind) {
            kept.extend_from_slice(piece);
        }
        if &kind == b"IEND" {
            break;
        }
        rest = &rest[piece.len()..];
    }
    match size {
        Some(size) if has_pixels => Ok(Cleaned { media_type: "image/png", content: kept, size }),
        _ => Err(LogoFault::Damaged),
    }
}

/// The check sum of a piece of a PNG.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |s, _| if s & 1 == 1 { 0xedb8_8320 ^ (s >> 1) } else { s >> 1 })
    })
}

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";
/// Elements that draw, or say what is drawn.
const ELEMENTS: [&str; 20] = [
    "svg",
    "g",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "defs",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
    "use",
    "title",
    "desc",
];

fn svg(file: &[u8]) -> Result<Cleaned, LogoFault> {
    let text = std::str::from_utf8(file).map_err(|_| LogoFault::Unknown)?;
    // A document type may define entities; the parser refuses it.
    let document = Document::parse(text.trim_start_matches('\u{feff}')).map_err(|error| match error {
        roxmltree::Error::DtdDetected => LogoFault::NotAllowed("<!DOCTYPE".to_owned()),
        _ => LogoFault::Unknown,
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "svg" || root.tag_name().namespace() != Some(SVG) {
        return Err(LogoFault::Unknown);
    }
    if document.root().children().any(|n| n.is_pi()) {
        return Err(LogoFault::NotAllowed("<?".to_owned()));
    }
    for node in document.descendants().filter(Node::is_element) {
        harmless(node)?;
    }
    let size = proportions(root).ok_or(LogoFault::NotAllowed("<svg> without viewBox".to_owned()))?;
    Ok(Cleaned { media_type: "image/svg+xml", content: file.to_vec(), size: shown(size.0, size.1) })
}

fn harmless(node: Node<'_, '_>) -> Result<(), LogoFault> {
    let name = node.tag_name().name();
    if node.tag_name().namespace() != Some(SVG) || !ELEMENTS.contains(&name) {
        return Err(LogoFault::NotAllowed(format!("<{name}>")));
    }
    for attribute in node.attributes() {
        let (name, value) = (attribute.name(), attribute.value());
        let is_ours = matches!(attribute.namespace(), None | Some("http://www.w3.org/XML/1998/namespace" | XLINK));
        let lower = value.to_ascii_lowercase();
        // References lead within the drawing: href="#a", fill="url(#a)".
        let is_reference = name == "href" && !value.starts_with('#');
        let leads_out = lower.replace(' ', "").replace("url(#", "").replace("url('#", "").replace("url(\"#", "");
        let is_bad = !is_ours
            || name.len() > 2 && name.to_ascii_lowercase().starts_with("on")
            || is_reference
            || leads_out.contains("url(")
            || ["javascript:", "data:", "@import", "expression(", "\\"].iter().any(|bad| lower.contains(bad));
        if is_bad {
            return Err(LogoFault::NotAllowed(format!("{name}=")));
        }
    }
    Ok(())
}

fn proportions(root: Node<'_, '_>) -> Option<(f64, f64)> {
    let numbers = |text: &str| -> Vec<f64> {
        text.split(|c: char| c == ',' || c.is_whitespace()).filter_map(|n| n.parse().ok()).collect()
    };
    let box_of = root.attribute("viewBox").map(numbers).filter(|b| b.len() == 4).map(|b| (b[2], b[3]));
    let side = |name| root.attribute(name).and_then(|v: &str| v.trim_end_matches("px").trim().parse::<f64>().ok());
    let (width, height) = box_of.or_else(|| side("width").zip(side("height")))?;
    (width > 0.0 && height > 0.0 && width.is_finite() && height.is_finite()).then_some((width, height))
}

/// `GET /{slug}/logo`; its address carries the file's digest, so it may be kept. Nothing in it runs or fetches, whatever it holds.
pub(crate) async fn serve(State(app): State<App>, Path(slug): Path<String>) -> Result<Response, PageError> {
    let municipality = app.store().municipality_by_slug(&slug).await?;
    let (media_type, content) = app.store().logo(&municipality.id).await?;
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        (HeaderName::from_static("content-security-policy"), "default-src 'none'; sandbox".to_owned()),
    ];
    Ok((headers, content).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let body = [&kind[..], data].concat();
        [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], &body, &crc(&body).to_be_bytes()].concat()
    }

    /// One red pixel's worth of a PNG (its pixels are not looked at) with a text in it.
    fn sample(width: u32, height: u32) -> Vec<u8> {
        let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        [
            SIGNATURE.to_vec(),
            piece(b"IHDR", &head),
            piece(b"tEXt", b"Author\0Mette Holm"),
            piece(b"IDAT", &[0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0]),
            piece(b"IEND", b""),
            b"<script>".to_vec(),
        ]
        .concat()
    }

    #[test]
    fn a_png_keeps_its_picture_and_loses_everything_else() {
        let cleaned = clean(&sample(400, 100)).unwrap();
        assert_eq!((cleaned.media_type, cleaned.size), ("image/png", (160, 40)));
        let text = String::from_utf8_lossy(&cleaned.content);
        assert!(!text.contains("Mette") && !text.contains("<script>"));
        assert_eq!(clean(&cleaned.content).unwrap(), cleaned, "what is clean stays as it is");
        assert_eq!(crc(b"IEND"), 0xae42_6082, "the sum that ends every PNG");
    }

    #[test]
    fn a_damaged_or_oversized_png_is_refused() {
        let mut damaged = sample(400, 100);
        damaged[20] ^= 1;
        assert_eq!(clean(&damaged), Err(LogoFault::Damaged));
        assert_eq!(clean(&sample(400, 100)[..60]), Err(LogoFault::Damaged));
        assert_eq!(clean(&sample(4000, 100)), Err(LogoFault::TooManyPixels));
        assert_eq!(clean(&[0; LARGEST + 1]), Err(LogoFault::TooLarge));
        assert_eq!(clean(b"GIF89a"), Err(LogoFault::Unknown));
        assert_eq!(clean(b""), Err(LogoFault::Missing));
    }

    #[test]
    fn an_svg_that_only_draws_is_taken() {
        let sound = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 50"><title>By</title><defs><linearGradient id="a"><stop offset="0"/></linearGradient></defs><path d="M0 0h9" fill="url(#a)" style="stroke:red"/><use href="#b"/></svg>"##;
        assert_eq!(clean(sound).unwrap().size, (160, 40));
    }

    #[test]
    fn an_svg_that_does_more_is_refused_with_the_reason() {
        let of = |inside: &str| {
            let file = format!(r#"<svg xmlns="{SVG}" xmlns:xlink="{XLINK}" viewBox="0 0 9 9">{inside}</svg>"#);
            clean(file.as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(of("<script>alert(1)</script>"), "contains <script>");
        assert_eq!(of("<foreignObject/>"), "contains <foreignObject>");
        assert_eq!(of("<style>@import 'x'</style>"), "contains <style>");
        assert_eq!(of("<image href='x.png'/>"), "contains <image>");
        assert_eq!(of("<g onload='x()'/>"), "contains onload=");
        assert_eq!(of("<use xlink:href='https://example.com#a'/>"), "contains href=");
        assert_eq!(of("<path fill='url(https://example.com/a)'/>"), "contains fill=");
        assert_eq!(of("<path style=\"fill:u\\72l(x)\"/>"), "contains style=");
        assert_eq!(
            clean(b"<!DOCTYPE svg [<!ENTITY a 'b'>]><svg xmlns='http://www.w3.org/2000/svg'/>"),
            Err(LogoFault::NotAllowed("<!DOCTYPE".into()))
        );
        assert_eq!(clean(b"<html/>"), Err(LogoFault::Unknown));
    }
}
