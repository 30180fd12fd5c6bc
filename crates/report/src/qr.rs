//! A code that a telephone's camera reads, as a drawing.
use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of white around the code, as its standard asks for.
const QUIET: i32 = 4;

/// A QR code of at least level M (a seventh of it may be soiled) as SVG with its quiet zone; `None`: the text is too long.
#[must_use]
pub fn svg(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count() as i32;
            if run > 0 {
                path.push_str(&format!("M{},{}h{run}v1h-{run}z", x + QUIET, y + QUIET));
            }
            x += run.max(1);
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0,0h{size}v{size}h-{size}z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws the path of our own SVG, ten pixels a module.
    fn drawn(svg: &str) -> (usize, Vec<u8>) {
        let document = roxmltree::Document::parse(svg).unwrap();
        let size: usize =
            document.root_element().attribute("viewBox").unwrap().split(' ').next_back().unwrap().parse().unwrap();
        let (width, scale) = (size * 10, 10);
        let mut pixels = vec![255_u8; width * width];
        let path = document.descendants().rfind(|n| n.has_tag_name("path")).unwrap().attribute("d").unwrap();
        for run in path.split('z').filter(|run| !run.is_empty()) {
            let (x, rest) = run[1..].split_once(',').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (length, _) = rest.split_once('v').unwrap();
            let (x, y, length): (usize, usize, usize) =
                (x.parse().unwrap(), y.parse().unwrap(), length.parse().unwrap());
            for row in y * scale..(y + 1) * scale {
                pixels[row * width + x * scale..row * width + (x + length) * scale].fill(0);
            }
        }
        (width, pixels)
    }

    fn read(width: usize, pixels: &[u8]) -> String {
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, width, |x, y| pixels[y * width + x]);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn another_program_reads_what_was_written_even_when_soiled() {
        let link = "https://erhvervsundersoegelse.hojager.example/s/abcdefghjkmnpqrstuvwxyz234";
        let svg = svg(link).unwrap();
        let (width, mut pixels) = drawn(&svg);
        assert_eq!(read(width, &pixels), link);
        // A coffee stain over some modules in the middle.
        for row in width * 5 / 10..width * 6 / 10 {
            pixels[row * width + width * 5 / 10..row * width + width * 6 / 10].fill(0);
        }
        assert_eq!(read(width, &pixels), link);
        // The quiet zone is white.
        assert!(pixels[..width * 40].iter().all(|p| *p == 255));
    }

    #[test]
    fn a_text_that_is_too_long_has_no_code() {
        assert!(svg(&"x".repeat(5000)).is_none());
    }
}
