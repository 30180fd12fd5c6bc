//! Senders that are killed in the middle lose nothing and send nothing twice; `tests/bench/mail_kill.rs` does it at length.
use std::process::Command;

/// Runs the program; its words say what was found.
fn survives(engine: &str, senders: u32, messages: u32, kills: u32) {
    if e2e::faults::program().is_none() {
        println!("skipped: the program is not built beside the tests (cargo build --bin pejling)");
        return;
    }
    let run = Command::new(env!("CARGO_BIN_EXE_mail_kill"))
        .args([engine, &senders.to_string(), &messages.to_string(), &kills.to_string(), "1"])
        .output()
        .expect("the program starts");
    let words = String::from_utf8_lossy(&run.stdout);
    print!("{words}");
    assert!(run.status.success(), "{words}\n{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn a_sender_killed_again_and_again_on_sqlite() {
    survives("sqlite", 1, 600, 3);
}

#[test]
fn three_senders_killed_in_turn_on_postgresql() {
    survives("postgres", 3, 600, 3);
}
