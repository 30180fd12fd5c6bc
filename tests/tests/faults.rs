//! A killed program loses no acknowledged answer and keeps none twice; `answer_faults` does it fifty times.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_answer_survives_a_kill() {
    let Some(program) = e2e::faults::program() else {
        println!("skipped: the program is not built beside the tests (cargo build --bin pejling)");
        return;
    };
    let tally = e2e::faults::kill(&program, 3).await;
    assert!(tally.pages >= 30 && tally.values > 50, "too little happened: {tally:?}");
    assert_eq!((tally.lost, tally.twice), (0, 0), "{tally:?}");
}
