//! Pages, mail worker and jobs under one roof.
use std::future::Future;
use std::sync::Arc;

use anyhow::{Context, Result};
use mailout::staff::StaffMailer;
use mailout::worker::Chance;
use mailout::{Composer, Mailer, Transport};
use text::Messages;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use web::MailTrial;
use web::auth::Rules;
use web::proxies::Proxies;

use crate::config::Config;
use crate::inbox::{Post, told};
use crate::jobs;
use crate::metrics;
use crate::outgoing::Outgoing;
pub use crate::outgoing::plain_relay;
use crate::sending::kept_running;
use crate::staff_sign_in::{SET_UP_HOURS, rules, set_up_link};
use crate::wiring::Parts;

/// `pejling serve`: until SIGTERM or Ctrl-C, which let requests and mail in flight finish.
///
/// # Errors
/// A taken port, an unusable database or folder: one sentence.
pub async fn serve(config: &Config) -> Result<()> {
    let listener = listen(&config.listen).await?;
    let parts = Parts::open(config).await?;
    let address = listener.local_addr()?;
    let public_url = if config.public_url.is_empty() { format!("http://{address}") } else { config.public_url() };
    let outgoing = Outgoing::of(&config.mail, &config.data_dir)?;
    if matches!(outgoing.transport, Transport::File(_)) {
        println!(
            "Mail is written to {} and not sent: set mail.transport = \"smtp\" to send it.",
            config.data_dir.join("mail").display()
        );
    }
    if !outgoing.only_to.is_empty() {
        println!("TEST MODE: only {} get mail; everything else waits.", outgoing.only_to.join(", "));
    }
    if let Some(port) = metrics::listen(&config.metrics_listen).await? {
        tokio::spawn(metrics::serve(port, parts.clone(), CancellationToken::new()));
    }
    let proxies = Proxies::parse(&config.trusted_proxies)
        .map_err(|part| anyhow::anyhow!("trusted_proxies: {part:?} is neither an address nor a network"))?;
    println!("Pejling listens on {public_url}");
    if let Some(link) = set_up_link(&parts, &public_url).await? {
        println!("The database is empty. Begin here (once, within {SET_UP_HOURS} hours): {link}");
    }
    let reaches = matches!(outgoing.transport, Transport::Smtp(_));
    let rules = Some(rules(&config.sign_in, reaches)?);
    let post = Post { proxies, rules, ..Post::of(&config.mail)? };
    house_with(listener, parts, public_url, false, outgoing, post, stop_signal()).await
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
    outgoing: impl Into<Outgoing>,
    signal: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    house_with(listener, parts, public_url, catcher, outgoing, Post::default(), signal).await
}

/// The same, with mail that comes in.
///
/// # Errors
/// When a part cannot start.
pub async fn house_with(
    listener: TcpListener,
    parts: Parts,
    public_url: String,
    catcher: bool,
    outgoing: impl Into<Outgoing>,
    post: Post,
    signal: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let mut outgoing = outgoing.into();
    outgoing.return_path = outgoing.return_path.or_else(|| post.return_path.clone());
    let trial = trial(&outgoing);
    let staff_mailer = staff_mailer(&parts, &public_url, &outgoing)?;
    // Without a configuration (the demo, tests): as shipped.
    let reaches = !matches!(outgoing.transport, Transport::File(_));
    let rules = post.rules.clone().unwrap_or_else(|| Rules { mail: reaches, ..Rules::default() });
    let mailer = mailer(&parts, &public_url, outgoing)?;
    let settings = web::Settings { public_url: public_url.clone(), catcher };
    let app = web::App::new(parts.store.clone(), parts.keys.clone(), Arc::clone(&parts.clock), settings)?;
    app.make_files_with(crate::files::downloads());
    app.read_answers_with(crate::files::reading());
    app.signs_as(&crate::publish::signing_key(&parts.keys)?.public());
    if let Some(secret) = &post.webhook_secret {
        app.accept_mail(secret);
    }
    app.trust(post.proxies.clone());
    if let Some(trial) = trial {
        app.tell_mail_trial(trial);
    }
    app.sign_in_by(rules);
    let stop = CancellationToken::new();
    let staff_mail = tokio::spawn({
        let stop = stop.clone();
        async move { staff_mailer.run(&stop).await }
    });
    let mail = tokio::spawn(kept_running(mailer, stop.clone()));
    let inbox = tokio::spawn({
        let (postbox, pause, fetched, stop) = (post.postbox(&parts), post.pause, post.is_fetched(), stop.clone());
        async move {
            // What arrives over HTTP is understood by the same loop.
            if fetched || post.webhook_secret.is_some() {
                let account = postbox.run(pause, &stop).await;
                info!("Mail that came in: {}", told(&account));
            }
        }
    });
    let work = tokio::spawn(jobs::run(parts.clone(), public_url, stop.clone()));
    let served = web::serve(listener, app, signal).await;
    stop.cancel();
    mail.await.context("the mail worker did not stop cleanly")?;
    staff_mail.await.context("the sender of mail to staff did not stop cleanly")?;
    inbox.await.context("the reader of mail that comes in did not stop cleanly")?;
    work.await.context("the job runner did not stop cleanly")?;
    parts.store.close().await;
    served.context("the web server ended")
}

/// Who sends mail to staff, by the same way out.
fn staff_mailer(parts: &Parts, public_url: &str, outgoing: &Outgoing) -> Result<StaffMailer> {
    Ok(StaffMailer {
        store: parts.store.clone(),
        messages: Arc::new(Messages::load()?),
        keys: parts.keys.clone(),
        public_url: public_url.to_owned(),
        transport: outgoing.transport.clone(),
        clock: Arc::clone(&parts.clock),
        signer: outgoing.signer.clone(),
        only_to: outgoing.only_to.clone(),
    })
}

/// The mail worker that the configuration describes.
///
/// # Errors
/// Templates, relay or return path that cannot be used.
pub(crate) fn mailer(parts: &Parts, public_url: &str, outgoing: Outgoing) -> Result<Mailer> {
    let messages = Arc::new(Messages::load()?);
    let mut composer = Composer::new(messages, parts.keys.clone(), public_url, outgoing.return_path.as_deref())?;
    if let Some(signer) = outgoing.signer {
        composer = composer.with_dkim(signer);
    }
    let composer = Arc::new(composer);
    let chance: Chance = Arc::new(rand::random::<f64>);
    let clock = Arc::clone(&parts.clock);
    let mailer = Mailer::new(parts.store.clone(), composer, outgoing.transport, clock, chance, outgoing.schedule)?;
    let mailer = if outgoing.name.is_empty() { mailer } else { mailer.named(&outgoing.name) };
    Ok(mailer.only_to(outgoing.only_to))
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

/// Why mail does not reach the businesses, if it does not; the demo says so in its own way.
fn trial(outgoing: &Outgoing) -> Option<MailTrial> {
    match (&outgoing.transport, outgoing.only_to.len()) {
        (Transport::File(_), _) => Some(MailTrial::Files),
        (_, 1..) => Some(MailTrial::OnlyTo(outgoing.only_to.len())),
        _ => None,
    }
}
