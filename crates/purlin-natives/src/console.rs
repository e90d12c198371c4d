//! What the engine itself writes to the terminal, as for `erlang:display/1`: a carriage return stands before each line's
//! end, wherever it goes, as on the BEAM.

use std::io::{Result, Write};

/// Writes a text at once.
fn write(mut to: impl Write, text: &[u8]) -> Result<()> {
    let mut out = Vec::with_capacity(text.len() + 8);
    for line in text.split_inclusive(|&b| b == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => out.extend_from_slice(&[line, b"\r\n"].concat()),
            None => out.extend_from_slice(line),
        }
    }
    to.write_all(&out)?;
    to.flush()
}

pub fn output(text: &[u8]) -> Result<()> {
    write(std::io::stdout().lock(), text)
}

pub fn error(text: &[u8]) -> Result<()> {
    write(std::io::stderr().lock(), text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_line_ends_with_carriage_return_and_line_feed() {
        for (text, want) in [("", ""), ("a", "a"), ("a\n", "a\r\n"), ("a\n\nb", "a\r\n\r\nb"), ("\r\n", "\r\r\n")] {
            let mut out = Vec::new();
            super::write(&mut out, text.as_bytes()).unwrap();
            assert_eq!(out, want.as_bytes());
        }
    }
}
