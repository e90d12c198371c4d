//! From text to floats.

/// Reads a float as `list_to_float/1` does: digits on both sides of a point, an exponent at most; `None` for other
/// text and for values out of range.
pub fn parse(text: &[u8]) -> Option<f64> {
    read(text, b".")
}

/// As [`parse`], where the point may be a comma.
pub fn parse_lenient(text: &[u8]) -> Option<f64> {
    read(text, b".,")
}

fn read(text: &[u8], points: &[u8]) -> Option<f64> {
    let unsigned = |t: &mut &[u8]| {
        if let [b'+' | b'-', rest @ ..] = *t {
            *t = rest;
        }
    };
    let digits = |t: &mut &[u8]| {
        let n = t.iter().take_while(|b| b.is_ascii_digit()).count();
        *t = &t[n..];
        (n > 0).then_some(())
    };
    let mut rest = text;
    unsigned(&mut rest);
    digits(&mut rest)?;
    let point = text.len() - rest.len();
    rest = rest.split_first().filter(|(p, _)| points.contains(p))?.1;
    digits(&mut rest)?;
    if let [b'e' | b'E', after @ ..] = rest {
        rest = after;
        unsigned(&mut rest);
        digits(&mut rest)?;
    }
    if !rest.is_empty() {
        return None;
    }
    let mut text = std::str::from_utf8(text).ok()?.to_owned();
    text.replace_range(point..=point, ".");
    text.parse().ok().filter(|f: &f64| f.is_finite())
}
