//! Letters: one page each in every language, and their codes read by another program from the printed page.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]

use domain::fieldwork::MessageKind;
use domain::ids::MunicipalityId;
use domain::language::{Country, Language};
use domain::municipality::{Municipality, Settings};
use report::letter::{Letter, Occasion, Workplace, company_letter, grouped, letters, link};
use text::Messages;

const URL: &str = "https://undersoegelse.hojager.example";

fn municipality() -> Municipality {
    Municipality {
        id: MunicipalityId("m".into()),
        slug: "hojager".into(),
        name: "Højager Kommune".into(),
        country: Country::Dk,
        settings: Settings {
            contact_name: "Anne Holm, erhvervschef".into(),
            contact_phone: "43 59 10 00".into(),
            contact_email: "erhverv@hojager.example".into(),
            postal_address: "Torvet 1, 2640 Højager".into(),
            confirmation_url: "https://www.hojager.example/erhvervsmaaling".into(),
            comment_reader: "erhvervskonsulenten i Erhvervsservice".into(),
            dpo_email: "dpo@hojager.example".into(),
            committee: "Erhvervs- og Beskæftigelsesudvalget".into(),
            ..Settings::default()
        },
    }
}

fn occasion(municipality: &Municipality) -> Occasion<'_> {
    Occasion {
        municipality,
        year: 2026,
        kind: MessageKind::Invitation,
        closes_on: jiff::civil::date(2026, 10, 1),
        written_on: jiff::civil::date(2026, 9, 1),
        threshold: 5,
        minutes: (4, 6),
        public_url: URL,
    }
}

fn letter(number: usize, language: Language) -> Letter {
    let name = if number.is_multiple_of(7) {
        "Murermester & Entreprenør <Østergaard> #1, v/ Søren Østergaard-Kristoffersen"
    } else {
        "Vognmand Holm ApS"
    };
    Letter {
        language,
        name: name.into(),
        street: format!("Industrivej {number}, 2. th."),
        postcode: "2640".into(),
        city: "Højager".into(),
        reference: format!("{number:010x}"),
        workplaces: vec![Workplace { label: name.into(), code: code(number) }],
    }
}

fn code(number: usize) -> String {
    format!("abcdefghijkmnpqrstuv{:06}", number).replace(['0', '1'], "z")
}

fn keep(name: &str, pdf: &[u8]) {
    if let Some(folder) = std::env::var_os("PEJLING_KEEP_PAPERS") {
        std::fs::write(std::path::Path::new(&folder).join(name), pdf).unwrap();
    }
}

/// The pages of a PDF as grey pictures; `None` where poppler is not installed.
fn printed(pdf: &[u8]) -> Option<Vec<(usize, usize, Vec<u8>)>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pdf");
    std::fs::write(&file, pdf).unwrap();
    let run = std::process::Command::new("pdftoppm")
        .args(["-gray", "-r", "150"])
        .arg(&file)
        .arg(folder.path().join("p"))
        .status();
    if !run.is_ok_and(|status| status.success()) {
        println!("printing skipped: pdftoppm is not installed");
        return None;
    }
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|f| f.extension().is_some_and(|e| e == "pgm"))
        .collect();
    files.sort();
    Some(
        files
            .iter()
            .map(|file| {
                let bytes = std::fs::read(file).unwrap();
                // P5, width, height, 255, then one byte a pixel.
                let mut parts = bytes.splitn(4, |b| *b == b'\n');
                assert_eq!(parts.next().unwrap(), b"P5");
                let size = String::from_utf8(parts.next().unwrap().to_vec()).unwrap();
                let (width, height) = size.split_once(' ').unwrap();
                parts.next();
                (width.parse().unwrap(), height.parse().unwrap(), parts.next().unwrap().to_vec())
            })
            .collect(),
    )
}

fn codes(page: &(usize, usize, Vec<u8>)) -> Vec<String> {
    let (width, height, pixels) = page;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(*width, *height, |x, y| pixels[y * width + x]);
    image.detect_grids().iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

#[test]
fn each_letter_is_a_tagged_page_whose_code_opens_its_link() {
    let messages = Messages::load().unwrap();
    let municipality = municipality();
    let list: Vec<Letter> = (0..6).map(|n| letter(n, Language::ALL[n % 3])).collect();
    let pdf = letters(&messages, &occasion(&municipality), &list).unwrap();
    keep("letters.pdf", &pdf);
    let holds = |needle: &[u8]| pdf.windows(needle.len()).any(|w| w == needle);
    assert!(holds(b"/StructTreeRoot") && holds(b"pdfuaid:part"), "tagged, and says that it conforms to PDF/UA");
    if let Some(pages) = printed(&pdf) {
        assert_eq!(pages.len(), list.len());
        for (page, letter) in pages.iter().zip(&list) {
            assert_eq!(codes(page), [link(URL, &letter.workplaces[0].code)]);
            // In the window there is the address and nothing beside it: white from 110 mm to the sender's block.
            let (width, _, pixels) = page;
            let at = |mm: f64| (mm / 25.4 * 150.0) as usize;
            let ink = |x: std::ops::Range<usize>, y: std::ops::Range<usize>| {
                y.flat_map(|y| x.clone().map(move |x| (x, y))).filter(|(x, y)| pixels[y * width + x] < 128).count()
            };
            assert!(ink(at(20.0)..at(105.0), at(60.0)..at(90.0)) > 200, "the address is in the window");
            assert_eq!(ink(at(10.0)..at(205.0), at(89.0)..at(94.0)), 0, "nothing stands right below the window");
            assert_eq!(ink(at(112.0)..at(205.0), at(60.0)..at(90.0)), 0, "nothing stands beside the window");
        }
    }
}

#[test]
fn reminders_and_long_settings_still_fit_a_page() {
    let messages = Messages::load().unwrap();
    let mut municipality = municipality();
    municipality.settings.comment_reader =
        "de to erhvervskonsulenter i Center for Erhverv, Beskæftigelse og Uddannelse".into();
    municipality.settings.committee = "Udvalget for Erhverv, Beskæftigelse, Uddannelse og Grøn Omstilling".into();
    for kind in [MessageKind::Reminder1, MessageKind::Reminder2, MessageKind::Reminder3] {
        let list: Vec<Letter> = Language::ALL.into_iter().map(|language| letter(7, language)).collect();
        letters(&messages, &Occasion { kind, ..occasion(&municipality) }, &list).unwrap();
    }
    municipality.settings.comment_reader = "erhvervskonsulenten, ".repeat(300);
    let error = letters(&messages, &occasion(&municipality), &[letter(1, Language::Da)]).unwrap_err();
    assert!(error.to_string().contains("does not fit one page"), "{error}");
}

#[test]
fn a_company_gets_one_letter_with_all_its_workplaces() {
    let messages = Messages::load().unwrap();
    let municipality = municipality();
    let places =
        (1..=4).map(|n| Workplace { label: format!("Holm Transport, Kaj {n}"), code: code(n) }).collect::<Vec<_>>();
    let one = Letter { workplaces: places.clone(), ..letter(1, Language::Da) };
    let pdf = company_letter(&messages, &occasion(&municipality), &one).unwrap();
    keep("company.pdf", &pdf);
    if let Some(pages) = printed(&pdf) {
        let mut found: Vec<String> = pages.iter().flat_map(codes).collect();
        found.sort();
        let mut expected: Vec<String> = places.iter().map(|place| link(URL, &place.code)).collect();
        expected.sort();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_typed_code_is_the_link_without_its_hyphens() {
    let code = code(42);
    assert_eq!(grouped(&code).replace('-', ""), code);
}
