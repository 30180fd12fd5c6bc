//! A document as typst sees it: a template and files held in memory, set as a tagged PDF (PDF/UA-1) with embedded fonts.
use std::collections::HashMap;
use std::sync::OnceLock;

use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

/// Why a paper could not be set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PaperError {
    /// The template, or what was put into it, cannot be set.
    #[error("the paper cannot be set: {0}")]
    Typesetting(String),
}

/// Sets `template` (typst source) with `files` beside it and returns the PDF.
///
/// The result conforms to PDF/UA-1 or is refused: a picture without alternative text or a document without a title is an error.
///
/// # Errors
/// [`PaperError::Typesetting`] with the template's line.
pub fn pdf(template: &str, files: HashMap<String, Vec<u8>>) -> Result<Vec<u8>, PaperError> {
    Ok(pages(template, files)?.1)
}

/// As [`pdf`], with the number of pages.
///
/// # Errors
/// As [`pdf`].
pub fn pages(template: &str, files: HashMap<String, Vec<u8>>) -> Result<(usize, Vec<u8>), PaperError> {
    let desk = Desk::new(template, files);
    let document: PagedDocument = typst::compile(&desk).output.map_err(|errors| desk.explain(&errors))?;
    let standards =
        PdfStandards::new(&[PdfStandard::Ua_1]).map_err(|e| PaperError::Typesetting(e.message().to_string()))?;
    let options = PdfOptions { standards, ..PdfOptions::default() };
    let pdf = typst_pdf::pdf(&document, &options).map_err(|errors| desk.explain(&errors))?;
    // Typst remembers what it has set; a server sets few papers and keeps none of it.
    comemo::evict(0);
    Ok((document.pages().len(), pdf))
}

/// The fonts that are embedded in the program, read once.
fn fonts() -> &'static (LazyHash<FontBook>, Vec<Font>) {
    static FONTS: OnceLock<(LazyHash<FontBook>, Vec<Font>)> = OnceLock::new();
    FONTS.get_or_init(|| {
        let fonts: Vec<Font> = typst_assets::fonts().flat_map(|data| Font::iter(Bytes::new(data))).collect();
        (LazyHash::new(FontBook::from_fonts(&fonts)), fonts)
    })
}

/// Everything one paper is made of.
struct Desk {
    library: LazyHash<Library>,
    main: Source,
    files: HashMap<FileId, Bytes>,
}

fn file_id(name: &str) -> FileId {
    let path = VirtualPath::new(name).expect("the names of our files are relative paths");
    FileId::new(RootedPath::new(VirtualRoot::Project, path))
}

impl Desk {
    fn new(template: &str, files: HashMap<String, Vec<u8>>) -> Self {
        Self {
            library: LazyHash::new(Library::default()),
            main: Source::new(file_id("main.typ"), template.to_owned()),
            files: files.into_iter().map(|(name, data)| (file_id(&name), Bytes::new(data))).collect(),
        }
    }

    fn explain(&self, errors: &[SourceDiagnostic]) -> PaperError {
        let lines = errors.iter().map(|error| {
            let line = typst::WorldExt::range(self, error.span).and_then(|r| self.main.lines().byte_to_line(r.start));
            let hints: String = error.hints.iter().map(|h| format!(" ({})", h.v)).collect();
            format!("line {}: {}{hints}", line.map_or(0, |l| l + 1), error.message)
        });
        PaperError::Typesetting(lines.collect::<Vec<_>>().join("; "))
    }
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &fonts().0
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main.id() { Ok(self.main.clone()) } else { Err(FileError::NotSource) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        self.files.get(&id).cloned().ok_or_else(|| FileError::NotFound(id.get().vpath().get_without_slash().into()))
    }

    fn font(&self, index: usize) -> Option<Font> {
        fonts().1.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None // Dates come with the content, in the municipality's own zone.
    }
}
