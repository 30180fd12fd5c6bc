//! Mail from a Maildir (`new` → `cur`), or from a plain folder of messages (→ `kept`).
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use store::inbound::{InboundSource, LARGEST};
use tracing::warn;

use super::{InboundError, Postbox};

/// Where messages of a plain folder go once they are kept.
const KEPT: &str = "kept";

/// Keeps every message that lies there, and moves it out of the way after that. Returns how many were new.
pub(super) async fn fetch(postbox: &Postbox, folder: &Path) -> Result<u64, InboundError> {
    let wrong = |source| InboundError::Folder { folder: folder.to_owned(), source };
    let is_maildir = folder.join("new").is_dir();
    let (from, to) =
        if is_maildir { (folder.join("new"), folder.join("cur")) } else { (folder.to_owned(), folder.join(KEPT)) };
    let mut names: Vec<OsString> = Vec::new();
    for entry in std::fs::read_dir(&from).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            names.push(entry.file_name());
        }
    }
    names.sort();
    if !names.is_empty() {
        std::fs::create_dir_all(&to).map_err(wrong)?;
    }
    let mut fetched = 0;
    for name in names {
        let path = from.join(&name);
        let raw = match read(&path) {
            Ok(raw) => raw,
            // Another program may have been here first; what cannot be read must not hold up the rest.
            Err(error) => {
                if error.kind() != std::io::ErrorKind::NotFound {
                    warn!("A message in {} cannot be read: {error}", from.display());
                }
                continue;
            }
        };
        fetched += u64::from(postbox.keep(InboundSource::Folder, &raw).await?);
        let mut seen = name;
        if is_maildir && !seen.as_encoded_bytes().windows(3).any(|part| part == b":2,") {
            seen.push(":2,S");
        }
        if let Err(source) = std::fs::rename(&path, free(&to, seen))
            && source.kind() != std::io::ErrorKind::NotFound
        {
            return Err(wrong(source));
        }
    }
    Ok(fetched)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    std::fs::File::open(path)?.take(LARGEST as u64 + 1).read_to_end(&mut raw)?;
    Ok(raw)
}

/// A name that nothing there has: moving must not overwrite.
fn free(folder: &Path, name: OsString) -> PathBuf {
    let mut place = folder.join(&name);
    let mut number = 1;
    while place.exists() {
        let mut other = OsString::from(format!("{number}."));
        other.push(&name);
        place = folder.join(other);
        number += 1;
    }
    place
}
