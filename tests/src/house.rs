//! The whole program on a spare port, over a database of its own.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::secrets::SecretKey;
use domain::time::SystemClock;
use mailout::Transport;
use pejling::inbox::Post;
use pejling::serve;
use pejling::wiring::Parts;
use store::{Store, StoreOptions};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::mail::MailServer;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file of its own.
    Sqlite,
    /// A database of its own on the server that `PEJLING_TEST_POSTGRES` names.
    Postgres,
}

/// A running program.
pub struct House {
    /// Its address.
    pub url: String,
    /// Database, keys and clock, for what a test does at the command line.
    pub parts: Parts,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<anyhow::Result<()>>>,
    _folder: tempfile::TempDir,
}

impl House {
    /// Starts pages, jobs and a mail worker that sends to `mail` (or into a folder, without one).
    /// `None`, with a message, when the engine is PostgreSQL and no server is named.
    ///
    /// # Panics
    /// When the program does not start.
    pub async fn open(engine: Engine, mail: Option<&MailServer>) -> Option<Self> {
        Self::open_with(engine, mail, Post::default()).await
    }

    /// [`Self::open`], with mail that comes in.
    ///
    /// # Panics
    /// When the program does not start.
    pub async fn open_with(engine: Engine, mail: Option<&MailServer>, post: Post) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let url = match engine {
            Engine::Sqlite => format!("sqlite:{}", folder.path().join("test.sqlite").display()),
            Engine::Postgres => {
                let Ok(server) = std::env::var("PEJLING_TEST_POSTGRES") else {
                    println!("skipped: PEJLING_TEST_POSTGRES is not set; tests/run sets it");
                    return None;
                };
                new_database(&server).await
            }
        };
        let store = Store::connect(&url, &StoreOptions::default()).await.expect("the database opens");
        let parts = Parts { store, keys: SecretKey::generate().keys(), clock: Arc::new(SystemClock) };
        let listener = serve::listen("127.0.0.1:0").await.expect("a spare port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let transport = match mail {
            Some(server) => Transport::Smtp(vec![serve::plain_relay("127.0.0.1", server.port)]),
            None => Transport::File(PathBuf::from(folder.path()).join("mail")),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let running =
            tokio::spawn(serve::house_with(listener, parts.clone(), url.clone(), false, transport, post, async move {
                let _ = stopped.await;
            }));
        Some(Self { url, parts, stop: Some(stop), running: Some(running), _folder: folder })
    }

    /// Asks the program to stop and waits until it has.
    ///
    /// # Panics
    /// When it ends with an error.
    pub async fn close(mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let running = self.running.take().expect("a house is closed once");
        tokio::time::timeout(Duration::from_secs(60), running)
            .await
            .expect("it stops within a minute")
            .expect("no part panics")
            .expect("no part fails");
    }
}

/// Makes a database of its own on a server and returns its address.
///
/// # Panics
/// When there is no psql, or the server refuses.
pub async fn new_database(server: &str) -> String {
    let name = format!("e2e_{}", domain::ids::PanelId::random().0.replace('-', ""));
    let made = tokio::process::Command::new("psql")
        .args([server, "-q", "-c", &format!("create database {name}")])
        .status()
        .await;
    assert!(made.is_ok_and(|status| status.success()), "psql makes the database {name}");
    let (base, _) = server.rsplit_once('/').expect("the server's address names a database");
    format!("{base}/{name}")
}
