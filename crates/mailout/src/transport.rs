//! The ways out: a relay, files in a folder, or a table (the demo's mail catcher).
use std::io;
use std::path::{Path, PathBuf};

use domain::ids::MailId;
use tokio::io::AsyncWriteExt;

use crate::smtp::Relay;

/// Where messages go. No `Debug`: a relay holds a password.
#[derive(Clone)]
pub enum Transport {
    /// To these relays, each with its own connections, pace and waiting.
    Smtp(Vec<Relay>),
    /// Into this folder, one `.eml` file per message.
    File(PathBuf),
    /// Into the store, to be looked at in the demo.
    Table,
}

/// Writes a message into `folder`, whole or not at all.
pub(crate) async fn write_file(folder: &Path, mail: &MailId, bytes: &[u8]) -> io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let name: String = mail.as_str().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let partial = folder.join(format!(".{name}.part"));
    let mut file = tokio::fs::File::create(&partial).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    drop(file);
    tokio::fs::rename(&partial, folder.join(format!("{name}.eml"))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_whole_and_stays_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mails = folder.path().join("mail");
        write_file(&mails, &MailId("../a-1".into()), b"Subject: x\r\n\r\n").await.unwrap();
        assert_eq!(std::fs::read(mails.join("a-1.eml")).unwrap(), b"Subject: x\r\n\r\n");
        assert_eq!(std::fs::read_dir(&mails).unwrap().count(), 1);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
