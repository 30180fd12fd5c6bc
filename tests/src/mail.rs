//! A real mail server for tests: aiosmtpd, keeping what it accepts in a Maildir.
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running server; it ends with the value.
pub struct MailServer {
    /// Its port on 127.0.0.1.
    pub port: u16,
    maildir: PathBuf,
    _folder: tempfile::TempDir,
    _child: Child,
}

impl MailServer {
    /// Starts the server; `None` (with a message) where aiosmtpd is not installed.
    pub async fn start() -> Option<Self> {
        let there =
            Command::new("/usr/bin/python3").args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status().await;
        if !there.is_ok_and(|status| status.success()) {
            println!("skipped: aiosmtpd is not installed (Debian: python3-aiosmtpd); tests/run installs it");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder for mail");
        let maildir = folder.path().join("mail");
        for part in ["", "new", "cur", "tmp"] {
            std::fs::create_dir(maildir.join(part)).expect("a Maildir");
        }
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a spare port").port();
        let mut child = Command::new("/usr/bin/python3")
            .args(["-m", "aiosmtpd", "-n", "-d", "-l", &format!("127.0.0.1:{port}"), "-c", "aiosmtpd.handlers.Mailbox"])
            .arg(&maildir)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the mail server starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its words are piped")).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("Server is listening") || line.contains("Starting asyncio loop") {
                break;
            }
        }
        // What it goes on saying must be read, or it would block.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Some(Self { port, maildir, _folder: folder, _child: child })
    }

    /// All messages so far.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        let read = |folder: &Path| -> Vec<String> {
            let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
            files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
        };
        ["new", "cur"].iter().flat_map(|part| read(&self.maildir.join(part))).collect()
    }

    /// Waits until `count` messages have arrived.
    ///
    /// # Panics
    /// When they have not after a minute.
    pub async fn arrived(&self, count: usize) -> Vec<String> {
        let arriving = async {
            let mut beat = tokio::time::interval(Duration::from_millis(50));
            loop {
                beat.tick().await;
                let messages = self.messages();
                if messages.len() >= count {
                    return messages;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), arriving).await.expect("the messages arrive within a minute")
    }
}

/// The personal link in a message, wherever transfer encoding has put it.
#[must_use]
pub fn link(message: &str) -> Option<String> {
    let unfolded = message.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let start = unfolded.find("/s/")?;
    let head = unfolded[..start].rfind("http")?;
    let tail = unfolded[start + 3..].find(|c: char| !c.is_ascii_alphanumeric())?;
    Some(unfolded[head..start + 3 + tail].to_owned())
}

/// The first address in the To header.
#[must_use]
pub fn recipient(message: &str) -> Option<String> {
    let line = message.lines().find(|l| l.to_ascii_lowercase().starts_with("to:"))?;
    Some(line[3..].trim().trim_matches(['<', '>']).to_owned())
}
