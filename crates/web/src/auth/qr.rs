//! A text as a drawing that a telephone's camera reads.
use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of white around the code, as its standard asks for.
const QUIET: i32 = 4;

/// Size and path of a QR code: a square of `size` units whose dark modules are the path; `None`: the text is too long.
#[must_use]
pub fn path(text: &str) -> Option<(i32, String)> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            path.push_str(&format!("M{},{}h1v1h-1z", x + QUIET, y + QUIET));
        }
    }
    Some((code.size() + 2 * QUIET, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finder_stands_in_its_corner() {
        let (size, path) = path("otpauth://totp/Pejling:mette@hojager.example?secret=ABC").unwrap();
        assert!(size > 21 + 8 && path.starts_with("M4,4h1v1h-1zM5,4h1v1h-1z"), "{size} {path}");
        assert!(super::path(&"x".repeat(5000)).is_none());
    }
}
