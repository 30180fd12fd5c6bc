//! What the person at the terminal sees: help that reads well, and one clear sentence with exit status 2 for each mistake.
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn pejling(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pejling"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("the binary runs")
}

/// The one sentence of a failure.
fn sentence(output: &Output) -> String {
    let words = String::from_utf8(output.stderr.clone()).expect("its words are text");
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(
        output.stdout.is_empty(),
        "a failure answers nothing on standard output: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(words.trim_end().lines().count(), 1, "one sentence: {words}");
    assert!(!words.contains("Error {") && !words.contains("panicked"), "{words}");
    words
}

#[test]
fn every_subcommand_has_help() {
    let folder = tempfile::tempdir().unwrap();
    let help = |arguments: &[&str]| {
        let output = pejling(arguments, folder.path());
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let top = help(&["--help"]);
    for command in [
        "demo",
        "serve",
        "send",
        "check",
        "municipality",
        "user",
        "import",
        "round",
        "analyse",
        "themes",
        "report",
        "export",
        "sector",
        "bounce",
    ] {
        assert!(top.contains(&format!("  {command}")), "{command} is missing in:\n{top}");
        assert!(help(&[command, "--help"]).contains("Usage: pejling"), "{command}");
    }
}

#[test]
fn a_wrong_flag_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = pejling(&["serve", "--lissen", "x"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--lissen"));
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let words =
        sentence(&pejling(&["import", "frame", "ingen.csv", "--municipality", "x", "--year", "2026"], folder.path()));
    assert!(words.contains("ingen.csv"), "{words}");
    let words = sentence(&pejling(&["--config", "ingen.toml", "municipality", "list"], folder.path()));
    assert!(words.contains("ingen.toml"), "{words}");
}

#[test]
fn a_taken_port_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let words = sentence(&pejling(&["serve", "--listen", &address], folder.path()));
    assert!(words.contains(&address) && words.contains("--listen"), "{words}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let words = sentence(&pejling(&["--data-dir", "file/data", "municipality", "list"], folder.path()));
    assert!(words.contains("file/data"), "{words}");
}

#[test]
fn an_unreachable_database_is_named_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "07".repeat(32)).unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://anna:hemmelig@127.0.0.1:{closed}/pejling");
    let words = sentence(&pejling(&["--database", &url, "municipality", "list"], folder.path()));
    assert!(words.contains(&closed.to_string()) && !words.contains("hemmelig"), "{words}");
}

#[test]
fn postgres_without_a_key_says_what_to_set() {
    // The key is asked for before anything is written; a database is reached first, so this needs one.
    let Ok(server) = std::env::var("PEJLING_TEST_POSTGRES") else {
        println!("skipped: PEJLING_TEST_POSTGRES is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let words = sentence(&pejling(&["--database", &server, "municipality", "list"], folder.path()));
    assert!(words.contains("secret_key_file"), "{words}");
}

#[test]
fn a_garage_stays_where_it_is_when_its_code_moves() {
    let folder = tempfile::tempdir().unwrap();
    let sector = |code: &str, classification: &str| {
        let output = pejling(&["sector", code, "--classification", classification, "--format", "csv"], folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let (head, row) = text.trim_end().split_once('\n').unwrap();
        assert_eq!(head, "code,sector");
        let (answered, sector) = row.split_once(',').unwrap();
        assert_eq!(answered, code);
        sector.to_owned()
    };
    assert_eq!(sector("45.20.10", "db07"), sector("95.31.00", "db25"));
    assert_eq!(sector("62.01.00", "db07"), sector("62.10.00", "db25"));
    let words = sentence(&pejling(&["sector", "00.00.99", "--classification", "db25"], folder.path()));
    assert!(words.contains("00.00.99"), "{words}");
}

#[test]
fn what_is_shipped_has_no_faults() {
    let folder = tempfile::tempdir().unwrap();
    let output = pejling(&["check"], folder.path());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("FAULT") && said.contains("questionnaire"), "{said}");
}
