//! `pejling mail inbox`
use anyhow::{Result, bail};
use tokio_util::sync::CancellationToken;

use crate::cli::mail::Inbox;
use crate::config::Config;
use crate::inbox::{Post, told};
use crate::serve::stop_signal;
use crate::wiring::Parts;

/// Fetches and understands mail that comes in, once or until it is stopped.
///
/// # Errors
/// When nothing is configured, or (once) a place cannot be read.
pub async fn run(arguments: &Inbox, config: &Config) -> Result<()> {
    let post = Post::of(&config.mail)?;
    if !post.is_fetched() && post.webhook_secret.is_none() {
        bail!("no mail comes in: set mail.inbox.host, mail.inbox.maildir or mail.inbox.webhook_secret");
    }
    let parts = Parts::open(config).await?;
    let postbox = post.postbox(&parts);
    let account = if arguments.watch {
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        tokio::spawn(async move {
            stop_signal().await;
            stopping.cancel();
        });
        postbox.run(post.pause, &stop).await
    } else {
        postbox.run_once().await?
    };
    println!("{}", told(&account));
    Ok(())
}
