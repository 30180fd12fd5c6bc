//! Tests on both engines. PostgreSQL is used when `PEJLING_TEST_POSTGRES` holds a superuser's address.
mod bases;
mod cases;
mod channels;
mod codes;
mod committee;
mod fieldwork;
mod follow;
mod frames_by_hand;
mod inbound;
mod instrument;
mod mail;
mod material;
mod opening;
mod sign_in;
mod statements;
mod waking;

use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::{Store, StoreOptions};

/// A database of its own for one test.
pub(crate) struct Ground {
    pub(crate) url: String,
    pub(crate) store: Store,
    drop: Option<(String, String)>,
    _folder: Option<tempfile::TempDir>,
}

impl Ground {
    /// A new SQLite file.
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("data/pejling.sqlite").display());
        let store = Store::connect(&url, &StoreOptions { durable: false, ..StoreOptions::default() }).await.unwrap();
        Self { url, store, drop: None, _folder: Some(folder) }
    }

    /// A new database on the server, or `None` with a word about it.
    pub(crate) async fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("PEJLING_TEST_POSTGRES") else {
            println!("PostgreSQL half skipped: PEJLING_TEST_POSTGRES is not set");
            return None;
        };
        sqlx::any::install_default_drivers();
        let name = format!("pejling_test_{}", domain::ids::PanelId::random().0.replace('-', ""));
        let mut admin = sqlx::AnyConnection::connect(&server).await.unwrap();
        (&mut admin).execute(AssertSqlSafe(format!("create database {name} template template0"))).await.unwrap();
        admin.close().await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}");
        let store = Store::connect(&url, &StoreOptions::default()).await.unwrap();
        Some(Self { url, store, drop: Some((server, name)), _folder: None })
    }

    /// A second program on the same database.
    pub(crate) async fn second(&self) -> Store {
        Store::connect(&self.url, &StoreOptions { durable: false, ..StoreOptions::default() }).await.unwrap()
    }

    /// Leaves nothing behind on the server.
    pub(crate) async fn leave(self) {
        self.store.close().await;
        if let Some((server, name)) = self.drop {
            let mut admin = sqlx::AnyConnection::connect(&server).await.unwrap();
            (&mut admin).execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await.unwrap();
        }
    }
}

/// The same facts on both engines: `on_both!(name => body)` where `body` is an `async fn(&Ground)`.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let ground = crate::tests::Ground::sqlite().await;
                super::$name(&ground).await;
                ground.leave().await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(ground) = crate::tests::Ground::postgres().await {
                    super::$name(&ground).await;
                    ground.leave().await;
                }
            })+
        }
    };
}
pub(crate) use on_both;
