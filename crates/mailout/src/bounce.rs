//! Mail that comes back: whose it is, and what it says.
use domain::ids::MailId;
use domain::secrets::Keys;

/// The return path of one message: `bounce+<mail>-<mac>@example.dk` for the mailbox `bounce@example.dk`.
#[must_use]
pub fn return_path(mailbox: &str, mail: &MailId, keys: &Keys) -> String {
    let (local, domain) = mailbox.rsplit_once('@').unwrap_or((mailbox, "localhost"));
    format!("{local}+{mail}-{}@{domain}", keys.verp(mail.as_str()))
}

/// The message that a return path names; `None` when it is not one of ours (the MAC does not fit).
#[must_use]
pub fn mail_of_return_path(address: &str, keys: &Keys) -> Option<MailId> {
    let (local, _) = address.trim().trim_start_matches('<').trim_end_matches('>').rsplit_once('@')?;
    let (_, mark) = local.split_once('+')?;
    let (mail, mac) = mark.rsplit_once('-')?;
    (keys.verp(&mail.to_lowercase()) == mac.to_lowercase()).then(|| MailId(mail.to_lowercase()))
}
