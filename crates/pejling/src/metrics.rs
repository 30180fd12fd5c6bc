//! Counts for a machine that watches, in the text format of Prometheus; on a port of its own that is closed unless set.
//!
//! Counts only: no names, no addresses, no links.
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result};
use domain::fieldwork::MessageKind;
use domain::time::Millis;
use store::channels::Gauges;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use web::traffic::Traffic;

use crate::wiring::Parts;

/// The longest head of a request that is read.
const HEAD: usize = 8192;
/// How long a caller may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the port; `None` when none is set.
///
/// # Errors
/// One sentence that names the key.
pub async fn listen(address: &str) -> Result<Option<TcpListener>> {
    if address.is_empty() {
        return Ok(None);
    }
    let listener = TcpListener::bind(address).await;
    listener.map(Some).with_context(|| format!("cannot listen on {address} for metrics (metrics_listen)"))
}

/// Answers until `stop`.
pub async fn serve(listener: TcpListener, parts: Parts, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!("The port for metrics cannot take a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            },
        };
        // One after the other: whoever asks for counts can wait for another who does.
        if tokio::time::timeout(PATIENCE, answer(stream, &parts)).await.is_err() {
            warn!("A caller of the metrics took too long");
        }
    }
}

async fn answer(mut stream: TcpStream, parts: &Parts) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD {
        match stream.read(&mut buffer).await? {
            0 => break,
            n => head.extend_from_slice(&buffer[..n]),
        }
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let (status, body) = match line {
        b"GET /metrics HTTP/1.1" | b"GET /metrics HTTP/1.0" => {
            match parts.store.gauges(parts.clock.now().plus_seconds(-3600)).await {
                Ok(gauges) => ("200 OK", text(&gauges, web::traffic::counts(), parts.clock.now())),
                Err(error) => {
                    warn!("Metrics cannot be read: {error}");
                    ("503 Service Unavailable", "the database does not answer\n".to_owned())
                }
            }
        }
        line if line.starts_with(b"GET ") => ("404 Not Found", "there is only /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "only GET\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// The counts as text.
fn text(gauges: &Gauges, traffic: Traffic, now: Millis) -> String {
    let mut out = String::new();
    head(&mut out, "pejling_mail_messages", "gauge", "Messages of all rounds by kind and state.");
    for (wave, state, messages, _) in &gauges.mails {
        let _ = writeln!(out, "pejling_mail_messages{{kind=\"{}\",state=\"{state}\"}} {messages}", kind(*wave));
    }
    head(&mut out, "pejling_mail_oldest_seconds", "gauge", "Age of the oldest message that waits, by kind and state.");
    let waiting = gauges.mails.iter().filter(|(_, state, ..)| matches!(state.as_str(), "pending" | "deferred"));
    for (wave, state, _, queued_at) in waiting {
        let seconds = (now.0 - queued_at.0).max(0) / 1000;
        let _ = writeln!(out, "pejling_mail_oldest_seconds{{kind=\"{}\",state=\"{state}\"}} {seconds}", kind(*wave));
    }
    let (sent, waited) = gauges.lately;
    head(&mut out, "pejling_mail_sent_last_hour", "gauge", "Messages that a relay took within the last hour.");
    let _ = writeln!(out, "pejling_mail_sent_last_hour {sent}");
    head(&mut out, "pejling_mail_wait_seconds_last_hour", "gauge", "Mean time of these from the queue to the relay.");
    let mean = i64::try_from(sent).ok().filter(|n| *n > 0).map_or(0, |n| waited / n / 1000);
    let _ = writeln!(out, "pejling_mail_wait_seconds_last_hour {mean}");
    head(&mut out, "pejling_jobs", "gauge", "Jobs by kind and state.");
    for (kind, state, jobs) in &gauges.jobs {
        let _ = writeln!(out, "pejling_jobs{{kind=\"{kind}\",state=\"{state}\"}} {jobs}");
    }
    head(&mut out, "pejling_http_requests_total", "counter", "Requests answered by this program, by class of status.");
    for (class, requests) in traffic.classes.iter().enumerate() {
        let _ = writeln!(out, "pejling_http_requests_total{{class=\"{}xx\"}} {requests}", class + 1);
    }
    head(&mut out, "pejling_http_seconds_total", "counter", "Time spent on them.");
    let _ =
        writeln!(out, "pejling_http_seconds_total {}.{:03}", traffic.milliseconds / 1000, traffic.milliseconds % 1000);
    out
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn kind(wave: i64) -> &'static str {
    MessageKind::of_wave(wave).map_or("unknown", MessageKind::as_str)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::secrets::SecretKey;
    use domain::time::SetClock;
    use store::{Store, StoreOptions};

    use super::*;

    #[test]
    fn counts_are_lines_that_a_machine_reads() {
        let gauges = Gauges {
            mails: vec![(0, "pending".into(), 12, Millis(1_000)), (1, "sent".into(), 3, Millis(0))],
            jobs: vec![("report".into(), "done".into(), 2)],
            lately: (4, 10_000),
        };
        let said = text(&gauges, Traffic { classes: [0, 7, 1, 0, 0], milliseconds: 1234 }, Millis(61_000));
        for line in [
            "pejling_mail_messages{kind=\"invitation\",state=\"pending\"} 12",
            "pejling_mail_messages{kind=\"reminder1\",state=\"sent\"} 3",
            "pejling_mail_oldest_seconds{kind=\"invitation\",state=\"pending\"} 60",
            "pejling_mail_sent_last_hour 4",
            "pejling_mail_wait_seconds_last_hour 2",
            "pejling_jobs{kind=\"report\",state=\"done\"} 2",
            "pejling_http_requests_total{class=\"2xx\"} 7",
            "pejling_http_seconds_total 1.234",
        ] {
            assert!(said.lines().any(|l| l == line), "{line} is missing in\n{said}");
        }
        let named: Vec<&str> = said.lines().filter_map(|l| l.strip_prefix("# TYPE ")).collect();
        assert!(
            said.lines()
                .filter(|l| !l.starts_with('#'))
                .all(|l| named.iter().any(|n| l.starts_with(n.split(' ').next().unwrap())))
        );
    }

    #[tokio::test]
    async fn the_port_answers_get_metrics_and_nothing_else() {
        assert!(listen("").await.unwrap().is_none());
        let store = Store::connect("sqlite::memory:", &StoreOptions { durable: false, ..StoreOptions::default() })
            .await
            .unwrap();
        let keys = SecretKey::parse(&"5a".repeat(32)).unwrap().keys();
        let parts = Parts { store, keys, clock: Arc::new(SetClock::new(Millis(1_000_000))) };
        let listener = listen("127.0.0.1:0").await.unwrap().unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, parts, stop.clone()));
        let ask = |request: &'static str| async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let answer = ask("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("# TYPE pejling_jobs gauge"), "{answer}");
        assert!(ask("GET / HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 404"));
        assert!(ask("POST /metrics HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 405"));
        stop.cancel();
        served.await.unwrap();
    }
}
