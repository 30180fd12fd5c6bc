//! A document for a word processor: real styles, language, header rows that repeat, pictures with alternative texts.
//!
//! Written here part by part: what this needs of the format is little, and the libraries we found leave out alternative texts, the
//! language of the words and repeated header rows.
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use domain::language::Language;
use zip::write::SimpleFileOptions;

use crate::picture::Picture;

/// Why a document cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the document cannot be written: {0}")]
pub struct DocumentError(#[from] zip::result::ZipError);

impl From<std::io::Error> for DocumentError {
    fn from(error: std::io::Error) -> Self {
        Self(error.into())
    }
}

/// A part of a document, from top to bottom.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading of level 1 or 2.
    Heading(u8, String),
    /// A paragraph.
    Paragraph(String),
    /// A paragraph that the author shall replace.
    Placeholder(String),
    /// An item of a list.
    Item(String),
    /// A picture with what it shows in words, and the line beneath it.
    Picture {
        /// The picture, two pixels for each point of a screen.
        picture: Picture,
        /// In words.
        alt: String,
        /// The line beneath.
        caption: String,
    },
    /// A table whose first row is its heading; columns hold words where `text` says so, else figures.
    Table {
        /// The headings.
        head: Vec<String>,
        /// The rows.
        rows: Vec<Vec<String>>,
        /// Columns hold words and share the width.
        text: bool,
    },
}

/// Twentieths of a point between the margins of A4.
const WIDTH: usize = 9354;
/// English metric units per pixel at 96 per inch.
const EMU: u64 = 9525;
/// The widest picture, in pixels at 96 per inch.
const PIXELS: u64 = 620;

/// Writes a document.
///
/// # Errors
/// [`DocumentError`] when the archive cannot be written.
pub fn document(language: Language, title: &str, author: &str, blocks: &[Block]) -> Result<Vec<u8>, DocumentError> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut put = |name: &str, bytes: &[u8]| -> Result<(), DocumentError> {
        zip.start_file(name, SimpleFileOptions::default())?;
        Ok(zip.write_all(bytes)?)
    };
    let pictures: Vec<&Picture> = blocks
        .iter()
        .filter_map(|block| match block {
            Block::Picture { picture, .. } => Some(picture),
            _ => None,
        })
        .collect();
    put("[Content_Types].xml", TYPES.as_bytes())?;
    put("_rels/.rels", RELATIONS.as_bytes())?;
    put("docProps/core.xml", core(language, title, author).as_bytes())?;
    put("word/document.xml", body(title, blocks).as_bytes())?;
    put("word/styles.xml", styles(language).as_bytes())?;
    put("word/numbering.xml", NUMBERING.as_bytes())?;
    put("word/settings.xml", settings(language).as_bytes())?;
    put("word/footer1.xml", footer(title).as_bytes())?;
    let mut relations = String::from(DOCUMENT_RELATIONS);
    for (at, picture) in (1..).zip(&pictures) {
        put(&format!("word/media/image{at}.png"), &picture.png)?;
        let _ = write!(
            relations,
            "<Relationship Id=\"picture{at}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/image\" Target=\"media/image{at}.png\"/>"
        );
    }
    relations.push_str("</Relationships>");
    put("word/_rels/document.xml.rels", relations.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

/// The words alone, to be copied into a system that takes text: headings on lines of their own, tables with tabs.
#[must_use]
pub fn plain(title: &str, blocks: &[Block]) -> String {
    let mut text = format!("{title}\n");
    let mut before_was_item = false;
    for block in blocks {
        let is_item = matches!(block, Block::Item(_));
        if !(is_item && before_was_item) {
            text.push('\n');
        }
        before_was_item = is_item;
        let _ = match block {
            Block::Heading(1, words) => writeln!(text, "{}", words.to_uppercase()),
            Block::Heading(_, words) | Block::Paragraph(words) => writeln!(text, "{words}"),
            Block::Placeholder(words) => writeln!(text, "[{words}]"),
            Block::Item(words) => writeln!(text, "- {words}"),
            Block::Picture { alt, .. } => writeln!(text, "{alt}"),
            Block::Table { head, rows, .. } => {
                std::iter::once(head).chain(rows).try_for_each(|row| writeln!(text, "{}", row.join("\t")))
            }
        };
    }
    text
}

/// Text as it stands in XML; signs that XML cannot hold are left out.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' => safe.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => safe.push(c),
        }
    }
    safe
}

fn paragraph(style: &str, more: &str, text: &str) -> String {
    format!(
        "<w:p><w:pPr><w:pStyle w:val=\"{style}\"/>{more}</w:pPr><w:r><w:t xml:space=\"preserve\">{}</w:t></w:r></w:p>",
        xml(text)
    )
}

fn body(title: &str, blocks: &[Block]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" xmlns:wp=\"http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing\" xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" xmlns:pic=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><w:body>",
    );
    out.push_str(&paragraph("Title", "", title));
    let mut pictures = 0;
    for block in blocks {
        match block {
            Block::Heading(level, text) => out.push_str(&paragraph(&format!("Heading{level}"), "", text)),
            Block::Paragraph(text) => out.push_str(&paragraph("BodyText", "", text)),
            Block::Placeholder(text) => out.push_str(&paragraph("Placeholder", "", text)),
            Block::Item(text) => out.push_str(&paragraph("ListBullet", "", text)),
            Block::Picture { picture, alt, caption } => {
                pictures += 1;
                out.push_str(&drawing(pictures, picture, alt, caption));
                out.push_str(&paragraph("Caption", "", caption));
            }
            Block::Table { head, rows, text } => out.push_str(&table(head, rows, *text)),
        }
    }
    out.push_str("<w:sectPr><w:footerReference w:type=\"default\" r:id=\"footer\"/><w:pgSz w:w=\"11906\" w:h=\"16838\"/><w:pgMar w:top=\"1276\" w:right=\"1276\" w:bottom=\"1276\" w:left=\"1276\" w:header=\"708\" w:footer=\"708\" w:gutter=\"0\"/></w:sectPr></w:body></w:document>");
    out
}

fn drawing(number: usize, picture: &Picture, alt: &str, caption: &str) -> String {
    let wide = u64::from(picture.width / 2).clamp(1, PIXELS);
    let tall = u64::from(picture.height) * wide / u64::from(picture.width.max(1));
    let (cx, cy) = (wide * EMU, tall.max(1) * EMU);
    let (name, alt) = (xml(caption), xml(alt));
    format!(
        "<w:p><w:pPr><w:pStyle w:val=\"BodyText\"/><w:keepNext/></w:pPr><w:r><w:drawing><wp:inline distT=\"0\" distB=\"0\" distL=\"0\" distR=\"0\"><wp:extent cx=\"{cx}\" cy=\"{cy}\"/><wp:docPr id=\"{number}\" name=\"{name}\" descr=\"{alt}\"/><a:graphic><a:graphicData uri=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><pic:pic><pic:nvPicPr><pic:cNvPr id=\"{number}\" name=\"{name}\" descr=\"{alt}\"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed=\"picture{number}\"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x=\"0\" y=\"0\"/><a:ext cx=\"{cx}\" cy=\"{cy}\"/></a:xfrm><a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
}

fn table(head: &[String], rows: &[Vec<String>], text: bool) -> String {
    let columns = head.len().max(1);
    // Figures need little; the first column takes what they leave.
    // Figures need little; names in the first column and verdicts in the last need more.
    let (first, last) = (WIDTH * 30 / 100, WIDTH * 24 / 100);
    let between = (WIDTH - first - last) / columns.saturating_sub(2).max(1);
    let width = |c: usize| match c {
        _ if text => WIDTH / columns,
        0 => first,
        c if c + 1 == columns => last,
        _ => between,
    };
    let mut out = String::from(
        "<w:tbl><w:tblPr><w:tblStyle w:val=\"Figures\"/><w:tblW w:w=\"5000\" w:type=\"pct\"/><w:tblLook w:val=\"0020\" w:firstRow=\"1\" w:lastRow=\"0\" w:firstColumn=\"0\" w:lastColumn=\"0\" w:noHBand=\"1\" w:noVBand=\"1\"/></w:tblPr><w:tblGrid>",
    );
    for c in 0..columns {
        let _ = write!(out, "<w:gridCol w:w=\"{}\"/>", width(c));
    }
    out.push_str("</w:tblGrid>");
    for (r, cells) in std::iter::once(head).chain(rows.iter().map(Vec::as_slice)).enumerate() {
        out.push_str("<w:tr><w:trPr><w:cantSplit/>");
        out.push_str(if r == 0 { "<w:tblHeader/></w:trPr>" } else { "</w:trPr>" });
        for (c, cell) in cells.iter().enumerate() {
            let right = if c > 0 && !text { "<w:jc w:val=\"right\"/>" } else { "" };
            let _ = write!(
                out,
                "<w:tc><w:tcPr><w:tcW w:w=\"{}\" w:type=\"dxa\"/></w:tcPr>{}</w:tc>",
                width(c),
                paragraph("TableText", right, cell)
            );
        }
        out.push_str("</w:tr>");
    }
    // Two tables without a paragraph between them would become one.
    out.push_str("</w:tbl><w:p><w:pPr><w:pStyle w:val=\"TableText\"/></w:pPr></w:p>");
    out
}

const fn tag(language: Language) -> &'static str {
    match language {
        Language::Da => "da-DK",
        Language::Sv => "sv-SE",
        Language::En => "en-GB",
    }
}

fn core(language: Language, title: &str, author: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{}</dc:title><dc:creator>{}</dc:creator><dc:language>{}</dc:language></cp:coreProperties>",
        xml(title),
        xml(author),
        tag(language)
    )
}

fn settings(language: Language) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><w:settings xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:autoHyphenation/><w:themeFontLang w:val=\"{}\"/></w:settings>",
        tag(language)
    )
}

fn footer(title: &str) -> String {
    let field = |name: &str| {
        format!(
            "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText xml:space=\"preserve\"> {name} </w:instrText></w:r><w:r><w:fldChar w:fldCharType=\"separate\"/></w:r><w:r><w:t>1</w:t></w:r><w:r><w:fldChar w:fldCharType=\"end\"/></w:r>"
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><w:ftr xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:p><w:pPr><w:pStyle w:val=\"Footer\"/></w:pPr><w:r><w:t xml:space=\"preserve\">{} · </w:t></w:r>{}<w:r><w:t xml:space=\"preserve\"> / </w:t></w:r>{}</w:p></w:ftr>",
        xml(title),
        field("PAGE"),
        field("NUMPAGES")
    )
}

/// The styles by the names that Word gives its own, so that a municipality's template takes them over.
fn styles(language: Language) -> String {
    let style = |id: &str, name: &str, based: &str, next: &str, paragraph: &str, run: &str| {
        format!(
            "<w:style w:type=\"paragraph\" w:styleId=\"{id}\"><w:name w:val=\"{name}\"/>{}{}<w:qFormat/><w:pPr>{paragraph}</w:pPr><w:rPr>{run}</w:rPr></w:style>",
            if based.is_empty() { String::new() } else { format!("<w:basedOn w:val=\"{based}\"/>") },
            if next.is_empty() { String::new() } else { format!("<w:next w:val=\"{next}\"/>") },
        )
    };
    let size = |half_points: u8| format!("<w:sz w:val=\"{half_points}\"/><w:szCs w:val=\"{half_points}\"/>");
    let head = |level: u8, half_points: u8| {
        style(
            &format!("Heading{level}"),
            &format!("heading {level}"),
            "Normal",
            "BodyText",
            &format!(
                "<w:keepNext/><w:keepLines/><w:spacing w:before=\"{}\" w:after=\"80\"/><w:outlineLvl w:val=\"{}\"/>",
                if level == 1 { 320 } else { 220 },
                level - 1
            ),
            &format!("<w:b/>{}", size(half_points)),
        )
    };
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><w:styles xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii=\"Calibri\" w:hAnsi=\"Calibri\" w:eastAsia=\"Calibri\" w:cs=\"Calibri\"/>{}<w:lang w:val=\"{}\"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after=\"0\" w:line=\"264\" w:lineRule=\"auto\"/></w:pPr></w:pPrDefault></w:docDefaults>",
        size(22),
        tag(language),
    );
    out.push_str("<w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\"><w:name w:val=\"Normal\"/><w:qFormat/></w:style>");
    out.push_str("<w:style w:type=\"table\" w:default=\"1\" w:styleId=\"TableNormal\"><w:name w:val=\"Normal Table\"/><w:tblPr><w:tblCellMar><w:left w:w=\"70\" w:type=\"dxa\"/><w:right w:w=\"70\" w:type=\"dxa\"/></w:tblCellMar></w:tblPr></w:style>");
    out.push_str(&style(
        "Title",
        "Title",
        "Normal",
        "BodyText",
        "<w:spacing w:after=\"200\"/>",
        &format!("<w:b/>{}", size(36)),
    ));
    out.push_str(&head(1, 28));
    out.push_str(&head(2, 24));
    out.push_str(&style("BodyText", "Body Text", "Normal", "", "<w:spacing w:after=\"120\"/>", ""));
    out.push_str(&style(
        "Placeholder",
        "Placeholder",
        "BodyText",
        "BodyText",
        "<w:pBdr><w:left w:val=\"single\" w:sz=\"18\" w:space=\"8\" w:color=\"7A7A7A\"/></w:pBdr>",
        "<w:i/><w:color w:val=\"444444\"/>",
    ));
    out.push_str(&style(
        "ListBullet",
        "List Bullet",
        "Normal",
        "",
        "<w:numPr><w:numId w:val=\"1\"/></w:numPr><w:spacing w:after=\"60\"/>",
        "",
    ));
    out.push_str(&style("Caption", "caption", "Normal", "BodyText", "<w:spacing w:after=\"200\"/>", &size(18)));
    out.push_str(&style(
        "TableText",
        "Table Text",
        "Normal",
        "",
        "<w:spacing w:before=\"30\" w:after=\"30\"/>",
        &size(19),
    ));
    out.push_str(&style("Footer", "footer", "Normal", "", "", &size(17)));
    out.push_str("<w:style w:type=\"table\" w:styleId=\"Figures\"><w:name w:val=\"Figures\"/><w:basedOn w:val=\"TableNormal\"/><w:tblPr><w:tblBorders><w:bottom w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"8A9199\"/><w:insideH w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"C9D1D9\"/></w:tblBorders></w:tblPr><w:tblStylePr w:type=\"firstRow\"><w:rPr><w:b/></w:rPr><w:tcPr><w:tcBorders><w:bottom w:val=\"single\" w:sz=\"8\" w:space=\"0\" w:color=\"16202B\"/></w:tcBorders></w:tcPr></w:tblStylePr></w:style></w:styles>");
    out
}

const TYPES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Default Extension=\"png\" ContentType=\"image/png\"/><Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/><Override PartName=\"/word/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml\"/><Override PartName=\"/word/numbering.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.numbering+xml\"/><Override PartName=\"/word/settings.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.settings+xml\"/><Override PartName=\"/word/footer1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml\"/><Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>";

const RELATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"document\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/><Relationship Id=\"core\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/></Relationships>";

const DOCUMENT_RELATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"styles\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/><Relationship Id=\"numbering\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/numbering\" Target=\"numbering.xml\"/><Relationship Id=\"settings\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/settings\" Target=\"settings.xml\"/><Relationship Id=\"footer\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer\" Target=\"footer1.xml\"/>";

const NUMBERING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><w:numbering xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:abstractNum w:abstractNumId=\"0\"><w:multiLevelType w:val=\"hybridMultilevel\"/><w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"bullet\"/><w:lvlText w:val=\"•\"/><w:lvlJc w:val=\"left\"/><w:pPr><w:ind w:left=\"425\" w:hanging=\"283\"/></w:pPr></w:lvl></w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>";
