//! `pejling mail dkim-key`
use std::io::{ErrorKind, Write};

use anyhow::{Context, Result, anyhow};
use mailout::dkim::{Algorithm, Signer, SigningKey, zone_line};

use crate::cli::mail::DkimKey;

/// Makes a key and prints what to publish.
///
/// # Errors
/// A file that is there already or cannot be written, a name that DNS does not take.
pub fn run(arguments: &DkimKey) -> Result<()> {
    let algorithm = if arguments.ed25519 { Algorithm::Ed25519 } else { Algorithm::Rsa };
    let pem = SigningKey::generate(algorithm)?;
    // Names are tried before anything is written.
    let signer =
        Signer::new(&arguments.domain)?.with_key(&arguments.selector, SigningKey::from_pem(pem.as_bytes())?)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let path = arguments.out.display();
    let mut file = options.open(&arguments.out).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => anyhow!("{path} is there already: a key is never overwritten, name another file"),
        _ => anyhow!("{path} cannot be made: {error}"),
    })?;
    file.write_all(pem.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{path} cannot be written"))?;
    println!("{}", advice(&signer, arguments));
    Ok(())
}

fn advice(signer: &Signer, arguments: &DkimKey) -> String {
    let domain = signer.domain();
    // As the configuration needs it, from wherever the program runs.
    let path = std::path::absolute(&arguments.out).unwrap_or_else(|_| arguments.out.clone());
    let path = path.display();
    let kind = if arguments.ed25519 { "ed25519_" } else { "" };
    let mut lines = vec![
        format!("The key is in {path}, readable by its owner only. Publish in the DNS of {domain}:"),
        String::new(),
    ];
    let mut selector = "";
    for (name, key) in signer.published() {
        selector = name;
        lines.push("; DKIM: the key that receivers check signatures with".to_owned());
        lines.push(zone_line(&format!("{name}._domainkey.{domain}"), &key.record()));
    }
    lines.extend([
        "; SPF: who sends for the domain. One such record only: if there is one, add your relay to it.".to_owned(),
        "; RELAY is what your relay's operator names; \"ip4:ADDRESS\" for a server of your own.".to_owned(),
        zone_line(domain, "v=spf1 mx include:RELAY -all"),
        "; DMARC: what receivers do with mail that is neither. Begin with p=none, read the reports, go on to quarantine and reject."
            .to_owned(),
        zone_line(&format!("_dmarc.{domain}"), &format!("v=DMARC1; p=none; rua=mailto:dmarc@{domain}")),
        String::new(),
        "Then set in the configuration, and see what the world sees with `pejling mail check`:".to_owned(),
        String::new(),
        "[mail.dkim]".to_owned(),
        format!("domain = \"{domain}\""),
        format!("{kind}selector = \"{selector}\""),
        format!("{kind}key_file = \"{path}\""),
    ]);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_once_for_its_owner_only_and_its_record_fits_it() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("dkim.pem");
        let arguments =
            DkimKey { domain: "hojager.example".into(), selector: "p2026".into(), ed25519: true, out: out.clone() };
        run(&arguments).unwrap();
        let key = SigningKey::from_file(&out).unwrap_or_else(|e| panic!("{e}"));
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&out).unwrap().permissions()) & 0o777,
            0o600
        );
        let record = key.public().record();
        let signer =
            Signer::new("hojager.example").and_then(|s| s.with_key("p2026", key)).unwrap_or_else(|e| panic!("{e}"));
        let said = advice(&signer, &arguments);
        assert!(said.contains(&format!("p2026._domainkey.hojager.example. IN TXT \"{record}\"")), "{said}");
        assert!(said.contains("_dmarc.hojager.example. IN TXT") && said.contains("ed25519_selector = \"p2026\""));
        let before = std::fs::read(&out).unwrap();
        assert!(run(&arguments).is_err() && std::fs::read(&out).unwrap() == before, "never overwritten");
        let wrong = DkimKey { domain: "a b".into(), out: folder.path().join("other.pem"), ..arguments };
        assert!(run(&wrong).is_err() && !wrong.out.exists());
    }
}
