//! Quoted-printable (RFC 2045), line by line: what is the same in every message is encoded once.

/// Longest line on the wire.
const LONGEST: usize = 76;

/// Encodes a text; its line ends become CRLF.
pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    for whole in text.split_inclusive('\n') {
        let content = whole.strip_suffix('\n').unwrap_or(whole);
        line(content.strip_suffix('\r').unwrap_or(content), out);
        if whole.ends_with('\n') {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Encodes what stands on one line. A letter is never cut in two, and no line begins with a dot or with `From `, which
/// servers on the way may change.
pub(super) fn line(text: &str, out: &mut Vec<u8>) {
    let mut column = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let plain = match c {
            ' ' | '\t' => end < text.len(),
            '.' => column > 0,
            'F' => column > 0 || !text[at..].starts_with("From "),
            '=' => false,
            c => c.is_ascii_graphic(),
        };
        let width = if plain { 1 } else { 3 * c.len_utf8() };
        // The last place is for the sign that the line goes on.
        let limit = if end == text.len() { LONGEST } else { LONGEST - 1 };
        if column + width > limit {
            out.extend_from_slice(b"=\r\n");
            column = 0;
            // What was plain in the middle of a line may not be so at its beginning.
            if plain && (c == '.' || text[at..].starts_with("From ")) {
                escaped(c, out);
                column = 3;
                continue;
            }
        }
        if plain {
            out.push(u8::try_from(c).unwrap_or(b'?'));
        } else {
            escaped(c, out);
        }
        column += width;
    }
}

fn escaped(c: char, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        out.extend_from_slice(&[b'=', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(plain: &str) -> String {
        let mut out = Vec::new();
        text(plain, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn letters_blanks_and_what_servers_change_are_encoded() {
        assert_eq!(encoded("Højager = 4–6\n"), "H=C3=B8jager =3D 4=E2=80=936\r\n");
        assert_eq!(encoded("end \n.\nFrom here\nFromage"), "end=20\r\n=2E\r\n=46rom here\r\nFromage");
        assert_eq!(encoded("a\r\n\nb"), "a\r\n\r\nb");
        assert_eq!(encoded(""), "");
    }

    #[test]
    fn long_lines_are_cut_between_letters() {
        assert_eq!(encoded(&"a".repeat(76)), "a".repeat(76));
        assert_eq!(encoded(&"a".repeat(77)), format!("{}=\r\naa", "a".repeat(75)));
        assert_eq!(encoded(&format!("{}ø", "a".repeat(74))), format!("{}=\r\n=C3=B8", "a".repeat(74)));
        assert_eq!(encoded(&format!("{}.bc", "a".repeat(75))), format!("{}=\r\n=2Ebc", "a".repeat(75)));
    }

    proptest::proptest! {
        #[test]
        fn another_program_reads_what_was_written(plain in "([\\PC \t=.]|From ){0,300}(\n[\\PC .]{0,200}){0,3}") {
            let wire = encoded(&plain);
            proptest::prop_assert!(wire.split("\r\n").all(|l| l.len() <= 76 && !l.starts_with('.') && !l.ends_with([' ', '\t'])));
            let message = format!("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{wire}");
            let read = mail_parser::MessageParser::default().parse(message.as_bytes()).unwrap();
            proptest::prop_assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), plain);
        }
    }
}
