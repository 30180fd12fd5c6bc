//! The form of headers and body that is signed: relaxed, as RFC 6376 § 3.4 says.

/// The header fields of a message, each with its continuation lines and line end, and the body after the empty line.
pub(super) fn headers(message: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut fields: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < message.len() {
        let end = message[at..].iter().position(|b| *b == b'\n').map_or(message.len(), |i| at + i + 1);
        let line = &message[at..end];
        if matches!(line, b"\r\n" | b"\n") {
            return (cut(message, &fields), &message[end..]);
        }
        match fields.last_mut() {
            Some(last) if matches!(line[0], b' ' | b'\t') => last.1 = end,
            _ => fields.push((at, end)),
        }
        at = end;
    }
    (cut(message, &fields), b"")
}

fn cut<'a>(message: &'a [u8], fields: &[(usize, usize)]) -> Vec<&'a [u8]> {
    fields.iter().map(|(from, to)| &message[*from..*to]).collect()
}

/// Is this field called `name`?
pub(super) fn is(field: &[u8], name: &str) -> bool {
    field
        .iter()
        .position(|b| *b == b':')
        .is_some_and(|colon| field[..colon].trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()))
}

/// Writes one field: name in lower case, one line, single blanks, none around the value; no line end.
pub(super) fn header(field: &[u8], out: &mut Vec<u8>) {
    let colon = field.iter().position(|b| *b == b':').unwrap_or(field.len());
    out.extend(field[..colon].trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let start = out.len();
    let mut blank = false;
    for byte in field.get(colon + 1..).unwrap_or_default() {
        match byte {
            b' ' | b'\t' => blank = true,
            b'\r' | b'\n' => {}
            other => {
                if std::mem::take(&mut blank) && out.len() > start {
                    out.push(b' ');
                }
                out.push(*other);
            }
        }
    }
}

/// The body: single blanks, none at the end of a line, no empty lines at the end.
pub(super) fn body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    let mut empty_lines = 0;
    let mut rest = body;
    while !rest.is_empty() {
        let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |i| i + 1);
        let line = rest[..end].strip_suffix(b"\n").unwrap_or(&rest[..end]);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        rest = &rest[end..];
        let start = out.len();
        if is_plain(line) {
            (0..std::mem::take(&mut empty_lines)).for_each(|_| out.extend_from_slice(b"\r\n"));
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
            continue;
        }
        let mut blank = false;
        for byte in line {
            if matches!(byte, b' ' | b'\t') {
                blank = true;
                continue;
            }
            if out.len() == start {
                // Empty lines count only once something follows them.
                (0..std::mem::take(&mut empty_lines)).for_each(|_| out.extend_from_slice(b"\r\n"));
                if blank {
                    out.push(b' ');
                }
                out.push(*byte);
                blank = false;
                continue;
            }
            if std::mem::take(&mut blank) {
                out.push(b' ');
            }
            out.push(*byte);
        }
        if out.len() == start {
            empty_lines += 1;
        } else {
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

/// Is this line its own canonical form: not empty, single blanks only, none at the end? Most are.
fn is_plain(line: &[u8]) -> bool {
    let doubled = |pair: (&u8, &u8)| (*pair.0 == b' ') & (*pair.1 == b' ') | (*pair.0 == b'\t');
    // Without an early end the compiler compares many at once.
    !line.is_empty()
        && !matches!(line[line.len() - 1], b' ' | b'\t')
        && !line.iter().zip(&line[1..]).fold(false, |any, pair| any | doubled(pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relaxed(field: &str) -> String {
        let mut out = Vec::new();
        header(field.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_examples_of_the_rfc_come_out_as_it_says() {
        // RFC 6376 § 3.4.5.
        let message = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let (fields, rest) = headers(message);
        assert_eq!(fields.len(), 2);
        assert_eq!(relaxed(std::str::from_utf8(fields[0]).unwrap()), "a:X");
        assert_eq!(relaxed(std::str::from_utf8(fields[1]).unwrap()), "b:Y Z");
        assert_eq!(body(rest), b" C\r\nD E\r\n");
    }

    #[test]
    fn a_body_of_nothing_is_nothing_and_a_last_line_is_ended() {
        for nothing in ["", "\r\n", "\r\n\r\n", " \t\r\n\r\n"] {
            assert_eq!(body(nothing.as_bytes()), b"", "{nothing:?}");
        }
        assert_eq!(body(b"a"), b"a\r\n");
        assert_eq!(body(b"a\r\n\r\n \r\nb\r\n"), b"a\r\n\r\n\r\nb\r\n");
        assert_eq!(body(b".\r\n..\r\n"), b".\r\n..\r\n");
    }

    #[test]
    fn a_message_of_headers_alone_has_an_empty_body() {
        assert_eq!(headers(b"A: b\r\n").0.len(), 1);
        assert_eq!(headers(b"A: b\r\n\r\n").1, b"");
        assert!(is(b"subject : x\r\n", "Subject") && !is(b"Subjects: x\r\n", "Subject") && !is(b"x", "x"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_canonical_stays_as_it_is(text in "[ \ta.\r\n]{0,40}") {
            let once = body(text.replace('\r', "").replace('\n', "\r\n").as_bytes());
            proptest::prop_assert_eq!(body(&once), once.clone());
        }
    }
}
