//! A chart as pixels, for papers that take no SVG.
use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

/// The family that words of a chart are drawn in: the fonts of this program, so that a picture is the same on every machine.
const FAMILY: &str = "Libertinus Serif";

/// Why a drawing cannot be made a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// It is no SVG that can be drawn.
    #[error("the drawing cannot be read: {0}")]
    Drawing(String),
    /// It has no size, or one beyond all measure.
    #[error("a picture of {0} × {1} pixels cannot be made")]
    Size(u32, u32),
    /// The picture cannot be written as PNG.
    #[error("the picture cannot be written: {0}")]
    Png(String),
}

/// A picture with its size in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The PNG file.
    pub png: Vec<u8>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Draws a standalone SVG as PNG, `scale` pixels for each of its own (2 is sharp on paper and screen).
///
/// # Errors
/// [`PictureError`] when it is no SVG or too large.
pub fn png(svg: &str, scale: f32) -> Result<Picture, PictureError> {
    let options = Options { font_family: FAMILY.to_owned(), fontdb: fonts(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| PictureError::Drawing(e.to_string()))?;
    let size = tree.size().to_int_size();
    let size = size.scale_by(scale).unwrap_or(size);
    let (width, height) = (size.width(), size.height());
    let mut pixels = Pixmap::new(width, height).filter(|_| width.max(height) <= 10_000);
    let Some(pixmap) = pixels.as_mut() else { return Err(PictureError::Size(width, height)) };
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    let png = pixmap.encode_png().map_err(|e| PictureError::Png(e.to_string()))?;
    Ok(Picture { png, width, height })
}

fn fonts() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let made = FONTS.get_or_init(|| {
        let mut database = Database::new();
        for data in typst_assets::fonts() {
            database.load_font_data(data.to_vec());
        }
        database.set_sans_serif_family(FAMILY);
        database.set_serif_family(FAMILY);
        Arc::new(database)
    });
    Arc::clone(made)
}
