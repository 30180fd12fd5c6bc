//! A round with many invitations, a worker for it, and a server that counts what arrives: for the fault and speed programs.
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::frame::FrameUnit;
use domain::ids::{MunicipalityId, RoundId};
use domain::industry::Classification;
use domain::language::Country;
use domain::municipality::Settings;
use domain::secrets::{Keys, SecretKey};
use domain::time::{Clock, Millis, SystemClock};
use mailout::dkim::{Signer, SigningKey};
use mailout::worker::Schedule;
use mailout::{Composer, Mailer, Relay, Tls, Transport};
use store::rounds::RoundPlan;
use store::{Store, StoreOptions};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::house::{Engine, new_database};

/// Steele, Lea and Flood's SplitMix64: the same numbers on every machine.
pub struct Chance(pub u64);

impl Chance {
    /// A number from 0 to below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// A municipality with an open round.
pub struct Field {
    /// The database's address.
    pub url: String,
    /// The database.
    pub store: Store,
    /// Whose round it is.
    pub municipality: MunicipalityId,
    /// The round.
    pub round: RoundId,
    folder: tempfile::TempDir,
}

/// The key of every field; its links lead nowhere.
const SECRET: &str = "4242424242424242424242424242424242424242424242424242424242424242";

/// What is derived from it.
#[must_use]
pub fn keys() -> Keys {
    SecretKey::parse(SECRET).expect("64 hexadecimal digits").keys()
}

fn unit(number: u32) -> FrameUnit {
    FrameUnit {
        unit_key: format!("dk:p:{:010}", 1_000_000_000 + number),
        country: Country::Dk,
        company_number: Some(format!("{:08}", 10_000_000 + number)),
        name: format!("Vognmand {number} ApS"),
        street: format!("Industrivej {number}"),
        postcode: "2640".into(),
        city: "Højager".into(),
        industry_code: "49.41.00".into(),
        classification: Classification::Db25,
        employees_low: 5,
        employees_high: Some(5),
        company_employees_low: Some(5),
        company_employees_high: Some(5),
        sector: "transport".into(),
        size: "2-9".into(),
        area: None,
        started_on: None,
        email: Some(format!("vognmand{number}@firma.example")),
        phone: None,
        protected: false,
    }
}

impl Field {
    /// Opens a round with this many invitations. `padding` letters make each message larger. `None`: no server for this engine.
    ///
    /// # Panics
    /// When the database cannot be made.
    pub async fn open(engine: Engine, invitations: u32, padding: usize) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let url = match engine {
            Engine::Sqlite => format!("sqlite:{}", folder.path().join("mail.sqlite").display()),
            Engine::Postgres => {
                let Ok(server) = std::env::var("PEJLING_TEST_POSTGRES") else {
                    println!("PostgreSQL skipped: PEJLING_TEST_POSTGRES is not set; tests/run sets it");
                    return None;
                };
                new_database(&server).await
            }
        };
        std::fs::write(folder.path().join("secret.key"), SECRET).expect("the key is written");
        let store = Store::connect(&url, &StoreOptions::default()).await.expect("the database opens");
        let now = SystemClock.now();
        let settings = Settings {
            contact_name: "Anne Holm, erhvervschef".into(),
            contact_phone: "43 59 10 00".into(),
            contact_email: "erhverv@hojager.example".into(),
            sender_email: "undersoegelse@hojager.example".into(),
            postal_address: format!("Torvet 1, 2640 Højager {}", "postbud ".repeat(padding / 8)).trim().to_owned(),
            ..Settings::default()
        };
        let made = Self::fill(&store, &settings, invitations, now).await;
        let (municipality, round) = made.expect("the round opens");
        Some(Self { url, store, municipality, round, folder })
    }

    async fn fill(
        store: &Store,
        settings: &Settings,
        invitations: u32,
        now: Millis,
    ) -> Result<(MunicipalityId, RoundId), store::StoreError> {
        let year = i32::from(now.date_in(&jiff::tz::TimeZone::UTC).year());
        let municipality =
            store.create_municipality("hojager", "Højager Kommune", Country::Dk, settings, now).await?.id;
        let import = store.begin_frame_import(&municipality, year, "cvr.csv", "hash", now).await?.id;
        for from in (0..invitations).step_by(1000) {
            let some: Vec<_> = (from..invitations.min(from + 1000)).map(unit).collect();
            store.stage_frame_rows(&municipality, &import, &some, now).await?;
        }
        store.finish_frame_import(&municipality, &import, now).await?;
        let questionnaire = store.save_questionnaire(&municipality, &domain::questionnaire::shipped(), now).await?;
        let plan = RoundPlan {
            title: "Måling".into(),
            opens_on: None,
            closes_on: Some(now.plus_days(30).date_in(&jiff::tz::TimeZone::UTC).to_string()),
            questionnaire: Some(questionnaire),
            threshold: 5,
        };
        let round = store.create_round(&municipality, year, &plan, now).await?.id;
        store.freeze_and_open(&municipality, &round, &keys(), "hojager.example", now).await?;
        Ok((municipality, round))
    }

    /// Its folder: the database, when it is an embedded one, and the key.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Messages by state.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn states(&self) -> HashMap<&'static str, u64> {
        let mut states = HashMap::new();
        for count in self.store.mail_counts(&self.municipality, &self.round).await.expect("counts") {
            *states.entry(count.state.as_str()).or_default() += count.messages;
        }
        states
    }

    /// Recipients of uncertain messages.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn uncertain(&self) -> Vec<String> {
        let troubles = self.store.mail_troubles(&self.municipality, &self.round, 100_000).await.expect("a list");
        let uncertain = troubles.into_iter().filter(|t| t.state == domain::fieldwork::MailState::Uncertain);
        uncertain.map(|t| t.recipient.to_lowercase()).collect()
    }
}

/// A mailer to a server on this machine.
///
/// # Errors
/// When templates or relay cannot be used.
pub fn mailer(
    store: Store,
    port: u16,
    connections: usize,
    name: &str,
    schedule: Schedule,
    key: Option<&Path>,
) -> anyhow::Result<Mailer> {
    let composer = composer(key)?;
    let relay = Relay {
        workers: connections,
        hello: Some(name.to_owned()),
        recycle_after: 500,
        ..Relay::new("127.0.0.1", port, Tls::None)
    };
    let mut chance = Chance(7);
    let seed = Mutex::new(move || chance.below(1000) as f64 / 1000.0);
    let chance: mailout::worker::Chance = Arc::new(move || seed.lock().unwrap_or_else(PoisonError::into_inner)());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(Mailer::new(store, Arc::new(composer), Transport::Smtp(vec![relay]), clock, chance, schedule)?.named(name))
}

/// The composer of a field.
///
/// # Errors
/// When the templates do not fit, or the key cannot be read.
pub fn composer(key: Option<&Path>) -> anyhow::Result<Composer> {
    let messages = Arc::new(text::Messages::load()?);
    let composer = Composer::new(messages, keys(), "https://svar.hojager.example", None)?;
    let Some(key) = key else { return Ok(composer) };
    let signer = Signer::new("hojager.example")?.with_key("pejling", SigningKey::from_file(key)?)?;
    Ok(composer.with_dkim(Arc::new(signer)))
}

/// What arrived, and who is connected.
#[derive(Default)]
struct Seen {
    /// By Message-ID: the recipient, and how often.
    mails: HashMap<String, (String, u32)>,
    taken: u64,
    connected: HashMap<String, u64>,
}

/// A server that counts: it goes on while senders come and go.
#[derive(Clone)]
pub struct Sink {
    /// Its port on 127.0.0.1.
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Sink {
    /// Starts it.
    ///
    /// # Panics
    /// When there is no port to be had.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a spare port");
        let sink = Self { port: listener.local_addr().expect("an address").port(), seen: Arc::default() };
        let seen = Arc::clone(&sink.seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let mut name = String::new();
                    // A sender that is killed ends its conversation in the middle.
                    let _ = converse(stream, &seen, &mut name).await;
                    if let Some(count) = locked(&seen).connected.get_mut(&name) {
                        *count -= 1;
                    }
                });
            }
        });
        sink
    }

    /// Messages taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        locked(&self.seen).taken
    }

    /// Connections that this sender has open.
    #[must_use]
    pub fn connections(&self, name: &str) -> u64 {
        locked(&self.seen).connected.get(name).copied().unwrap_or(0)
    }

    /// By Message-ID: the recipient, and how often it arrived.
    #[must_use]
    pub fn mails(&self) -> HashMap<String, (String, u32)> {
        locked(&self.seen).mails.clone()
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn converse(stream: TcpStream, seen: &Mutex<Seen>, name: &mut String) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink\r\n").await?;
    let (mut line, mut recipient) = (Vec::new(), String::new());
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&line);
        let said = said.trim_end();
        let answer: &[u8] = match said.get(..4).unwrap_or_default() {
            "EHLO" => {
                said.get(5..).unwrap_or_default().clone_into(name);
                *locked(seen).connected.entry(name.clone()).or_default() += 1;
                b"250-sink\r\n250 PIPELINING\r\n"
            }
            "RCPT" => {
                recipient = said.get(9..said.len().saturating_sub(1)).unwrap_or_default().to_lowercase();
                b"250 ok\r\n"
            }
            "DATA" => {
                stream.write_all(b"354 go\r\n").await?;
                let mut id = String::new();
                loop {
                    line.clear();
                    if stream.read_until(b'\n', &mut line).await? == 0 {
                        return Ok(());
                    }
                    if line == b".\r\n" {
                        break;
                    }
                    if id.is_empty() && line.len() > 11 && line[..11].eq_ignore_ascii_case(b"message-id:") {
                        id = String::from_utf8_lossy(&line[11..]).trim().to_owned();
                    }
                }
                // Taken with the dot, whether the sender hears of it or not.
                let mut seen = locked(seen);
                seen.taken += 1;
                seen.mails.entry(id).or_insert_with(|| (recipient.clone(), 0)).1 += 1;
                b"250 2.0.0 taken\r\n"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 ok\r\n",
        };
        stream.write_all(answer).await?;
    }
}

/// Waits until `done` says so, or for `limit`; `false` when it never did.
pub async fn until(limit: Duration, mut done: impl AsyncFnMut() -> bool) -> bool {
    let waiting = async {
        let mut beat = tokio::time::interval(Duration::from_millis(2));
        while !done().await {
            beat.tick().await;
        }
    };
    tokio::time::timeout(limit, waiting).await.is_ok()
}
