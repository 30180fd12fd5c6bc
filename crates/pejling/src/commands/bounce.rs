//! `pejling bounce`
use anyhow::{Result, bail};

use crate::cli::Bounce;

/// Says what each bounce message means.
///
/// # Errors
/// When a file cannot be read; the others are classified all the same.
pub fn run(command: &Bounce) -> Result<()> {
    let Bounce::Classify { files, .. } = command;
    let mut csv = csv::Writer::from_writer(std::io::stdout().lock());
    csv.write_record(["file", "recipients", "kind", "hard", "status", "reason"])?;
    let mut unreadable = 0;
    for path in files {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(cause) => {
                eprintln!("{} cannot be read: {cause}", path.display());
                unreadable += 1;
                continue;
            }
        };
        let found = mailout::bounce::classify(&bytes);
        let name = path.display().to_string();
        csv.write_field(&name)?;
        csv.write_record(found.row())?;
    }
    csv.flush()?;
    match unreadable {
        0 => Ok(()),
        1 => bail!("one file could not be read"),
        n => bail!("{n} files could not be read"),
    }
}
