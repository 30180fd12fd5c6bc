//! Syntax of mail addresses: strict enough that a relay will take it, without rebuilding RFC 5322.

/// The address without `mailto:` and angle brackets, its domain in lower case; `None` when it cannot be an address.
/// Of several addresses in one field (`a@b.dk; c@d.dk`) the first counts.
#[must_use]
pub fn parse(text: &str) -> Option<String> {
    let first = text.split([';', ',']).next().unwrap_or_default().trim();
    let first = first.strip_prefix("mailto:").unwrap_or(first).trim_start_matches('<').trim_end_matches('>');
    let (local, domain) = first.rsplit_once('@')?;
    let local_fits = !local.is_empty()
        && local.len() <= 64
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&b))
        && local.split('.').all(|part| !part.is_empty());
    // A domain may hold letters such as æ; the mail room turns them into their ASCII form.
    let label_fits = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || !c.is_ascii() && c.is_alphabetic())
    };
    let (_, top) = domain.rsplit_once('.')?;
    let top_fits = top.chars().count() >= 2 && !top.bytes().all(|b| b.is_ascii_digit());
    let fits = local_fits && top_fits && domain.len() <= 253 && domain.split('.').all(label_fits);
    fits.then(|| format!("{local}@{}", domain.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn addresses_are_told_from_what_stands_in_their_column() {
        for (text, address) in [
            ("info@smed.dk", "info@smed.dk"),
            (" Info@SMED.dk ", "Info@smed.dk"),
            ("mailto:a.b+c@d-e.co.uk", "a.b+c@d-e.co.uk"),
            ("<post@smørrebrød.dk>", "post@smørrebrød.dk"),
            ("a@b.dk; c@d.dk", "a@b.dk"),
        ] {
            assert_eq!(parse(text).as_deref(), Some(address), "{text}");
        }
        for text in [
            "",
            "-",
            "ingen",
            "@b.dk",
            "a@",
            "a@b",
            "a@b.d",
            "a@b..dk",
            ".a@b.dk",
            "a.@b.dk",
            "a..b@c.dk",
            "a b@c.dk",
            "a@-b.dk",
            "a@b-.dk",
            "a@1.2.3.4",
            "a@b@c d.dk",
            "a@b_c.dk",
            "æ@b.dk",
            "a@b.dk\nBcc: c@d.dk",
            "\"a b\"@c.dk",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_one_address_without_blanks(text in "\\PC{0,12}@\\PC{0,12}") {
            if let Some(address) = parse(&text) {
                prop_assert!(!address.chars().any(|c| c.is_whitespace() || c.is_control()));
                prop_assert_eq!(address.matches('@').count(), 1);
                prop_assert_eq!(parse(&address), Some(address));
            }
        }
    }
}
