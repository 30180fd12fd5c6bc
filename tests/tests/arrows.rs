//! The arrows between the rooms are those of docs/ARCHITECTURE.md, and heavy things have one home.
use std::collections::{BTreeMap, BTreeSet};

/// What each room may use. `pejling` may use everything; nothing may use `pejling` but the end-to-end tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("text", &["domain"]),
    ("statistics", &["domain"]),
    ("intake", &["domain"]),
    ("store", &["domain"]),
    ("demo", &["domain"]),
    ("mailout", &["domain", "store", "text"]),
    ("analysis", &["domain", "statistics"]),
    ("charts", &["domain", "text"]),
    ("report", &["domain", "charts", "text"]),
    ("web", &["domain", "store", "intake", "statistics", "charts", "text"]),
];

/// Heavy dependencies and the one room that may name them.
const HOMES: &[(&str, &str)] = &[
    ("sqlx", "store"),
    ("lettre", "mailout"),
    ("axum", "web"),
    ("polars", "analysis"),
    ("plotters", "charts"),
    ("typst", "report"),
    ("calamine", "intake"),
];

fn direct_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata runs");
    metadata
        .packages
        .iter()
        .map(|package| {
            let normal = package.dependencies.iter().filter(|d| d.kind == cargo_metadata::DependencyKind::Normal);
            (package.name.to_string(), normal.map(|d| d.name.clone()).collect())
        })
        .collect()
}

#[test]
fn only_the_drawn_arrows_exist() {
    let packages = direct_dependencies();
    let rooms: BTreeSet<_> = packages.keys().cloned().collect();
    let drawn: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    for (package, dependencies) in packages.iter().filter(|(name, _)| !["pejling", "e2e"].contains(&name.as_str())) {
        let allowed =
            drawn.get(package.as_str()).unwrap_or_else(|| panic!("{package} is a room without arrows here: draw them"));
        for target in dependencies.intersection(&rooms) {
            assert!(
                allowed.contains(&target.as_str()),
                "{package} -> {target} is not an arrow of docs/ARCHITECTURE.md"
            );
        }
    }
}

#[test]
fn heavy_things_have_one_home() {
    for (package, dependencies) in direct_dependencies().iter().filter(|(name, _)| *name != "e2e") {
        for (heavy, home) in HOMES {
            assert!(
                !dependencies.contains(*heavy) || package == home,
                "{package} names {heavy}, whose one home is {home}"
            );
        }
    }
}

#[test]
fn licences_are_permissive() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .exec()
        .expect("cargo metadata runs");
    let permissive = [
        "MIT",
        "Apache-2.0",
        "BSD",
        "ISC",
        "Zlib",
        "Unicode",
        "CC0-1.0",
        "0BSD",
        "BSL-1.0",
        "Unlicense",
        "MPL-2.0",
        "CDLA-Permissive",
        "OFL",
        "bzip2",
    ];
    for package in &metadata.packages {
        let licence = package.license.clone().unwrap_or_default();
        let file = package.license_file.is_some();
        assert!(
            file || permissive.iter().any(|p| licence.contains(p)),
            "{} {} has the licence {licence:?}",
            package.name,
            package.version
        );
    }
}
