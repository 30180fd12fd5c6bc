//! Pages, mail worker and jobs under one roof; and the mail worker alone.
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use domain::fieldwork::RoundState;
use mailout::worker::{Chance, Schedule};
use mailout::{Composer, Login, Mailer, Relay, Tally, Timeouts, Tls, Transport};
use text::Messages;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::config::{Config, Mail, MailTls, MailTransport};
use crate::jobs;
use crate::wiring::Parts;

/// Messages after which a connection to the relay is made anew.
const RECYCLE_AFTER: u32 = 500;

/// `pejling serve`: until SIGTERM or Ctrl-C, which let requests and mail in flight finish.
///
/// # Errors
/// A taken port, an unusable database or folder: one sentence.
pub async fn serve(config: &Config) -> Result<()> {
    let listener = listen(&config.listen).await?;
    let parts = Parts::open(config).await?;
    let address = listener.local_addr()?;
    let public_url = if config.public_url.is_empty() { format!("http://{address}") } else { config.public_url() };
    let transport = transport(&config.mail, &config.data_dir);
    if matches!(transport, Transport::File(_)) {
        println!(
            "Mail is written to {} and not sent: set mail.transport = \"smtp\" to send it.",
            config.data_dir.join("mail").display()
        );
    }
    println!("Pejling listens on {public_url}");
    house(listener, parts, public_url, false, transport, stop_signal()).await
}

/// `pejling send`: the mail worker alone.
///
/// # Errors
/// When the relay or database cannot be used.
pub async fn send(config: &Config, watch: bool) -> Result<()> {
    let parts = Parts::open(config).await?;
    let mailer = mailer(&parts, &config.public_url(), transport(&config.mail, &config.data_dir))?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        stop_signal().await;
        stopping.cancel();
    });
    let tally = if watch { mailer.run(&stop).await? } else { mailer.run_once(&stop).await? };
    println!("{}", account(&tally));
    for municipality in parts.store.municipalities().await? {
        for round in parts.store.rounds(&municipality.id).await? {
            if let Some(reason) =
                round.pause_reason.filter(|_| round.paused_at.is_some() && round.state == RoundState::Open)
            {
                bail!("the mail of {} ({}) is paused: {reason}", round.title, municipality.name);
            }
        }
    }
    Ok(())
}

fn account(tally: &Tally) -> String {
    format!(
        "{} sent, {} put off, {} failed, {} uncertain, {} no longer wanted.",
        tally.sent, tally.deferred, tally.failed, tally.uncertain, tally.unwanted
    )
}

/// Opens the port.
///
/// # Errors
/// One sentence that says what to do.
pub async fn listen(address: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (choose another with --listen)"))
}

/// Runs web server, mail worker and job runner until `signal`; then lets each finish what it has in hand.
///
/// # Errors
/// When a part cannot start.
pub async fn house(
    listener: TcpListener,
    parts: Parts,
    public_url: String,
    catcher: bool,
    transport: Transport,
    signal: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let mailer = mailer(&parts, &public_url, transport)?;
    let settings = web::Settings { public_url: public_url.clone(), catcher };
    let app = web::App::new(parts.store.clone(), parts.keys.clone(), Arc::clone(&parts.clock), settings)?;
    let stop = CancellationToken::new();
    let mail = tokio::spawn({
        let stop = stop.clone();
        async move {
            match mailer.run(&stop).await {
                Ok(tally) => info!("Mail worker stopped: {}", account(&tally)),
                Err(cause) => error!("The mail worker ended: {cause}"),
            }
        }
    });
    let work = tokio::spawn(jobs::run(parts.clone(), public_url, stop.clone()));
    let served = web::serve(listener, app, signal).await;
    stop.cancel();
    mail.await.context("the mail worker did not stop cleanly")?;
    work.await.context("the job runner did not stop cleanly")?;
    parts.store.close().await;
    served.context("the web server ended")
}

fn mailer(parts: &Parts, public_url: &str, transport: Transport) -> Result<Mailer> {
    let messages = Arc::new(Messages::load()?);
    let composer = Arc::new(Composer::new(messages, parts.keys.clone(), public_url, None)?);
    let chance: Chance = Arc::new(rand::random::<f64>);
    Ok(Mailer::new(parts.store.clone(), composer, transport, Arc::clone(&parts.clock), chance, Schedule::default())?)
}

/// The way out that the configuration names.
fn transport(mail: &Mail, data_dir: &std::path::Path) -> Transport {
    match mail.transport {
        MailTransport::File => Transport::File(data_dir.join("mail")),
        MailTransport::Smtp => Transport::Smtp(vec![Relay {
            tls: match mail.tls {
                MailTls::Starttls => Tls::Starttls,
                MailTls::Implicit => Tls::Implicit,
                MailTls::None => Tls::None,
            },
            authorities: (!mail.authorities_file.is_empty()).then(|| PathBuf::from(&mail.authorities_file)),
            login: (!mail.username.is_empty())
                .then(|| Login::password(&mail.username, mail.password.reveal())),
            workers: mail.workers,
            per_minute: u32::try_from(mail.per_minute).ok().filter(|n| *n > 0),
            ..plain_relay(&mail.host, mail.port)
        }]),
    }
}

/// A relay without TLS or login, as on the same machine.
#[must_use]
pub fn plain_relay(host: &str, port: u16) -> Relay {
    Relay {
        host: host.to_owned(),
        port,
        tls: Tls::None,
        authorities: None,
        login: None,
        hello: None,
        workers: 4,
        per_minute: None,
        recycle_after: RECYCLE_AFTER,
        timeouts: Timeouts::default(),
    }
}

/// Ends when the process is asked to stop.
pub async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(terminate) => terminate,
            Err(cause) => {
                error!("SIGTERM cannot be heard: {cause}");
                return std::future::pending().await;
            }
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}
