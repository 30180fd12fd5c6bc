//! `pejling bounce`
use anyhow::{Context, Result};

use crate::cli::Bounce;

/// Says what each bounce message means.
///
/// # Errors
/// When a file cannot be read.
pub fn run(command: &Bounce) -> Result<()> {
    let Bounce::Classify { files, .. } = command;
    let mut csv = csv::Writer::from_writer(std::io::stdout().lock());
    for (place, path) in files.iter().enumerate() {
        let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        if place == 0 {
            csv.write_record(["file", "recipients", "kind", "hard", "status", "reason"])?;
        }
        let found = mailout::bounce::classify(&bytes);
        let name = path.display().to_string();
        csv.write_field(&name)?;
        csv.write_record(found.row())?;
    }
    csv.flush()?;
    Ok(())
}
