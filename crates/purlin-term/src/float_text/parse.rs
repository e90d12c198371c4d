//! From text to floats.

/// Reads a float as `list_to_float/1` does: digits on both sides of a point or comma, an exponent at most; `None` for
/// other text and for values out of range. As in C, a zero byte ends the text.
pub fn parse(text: &[u8]) -> Option<f64> {
    let text = text.split(|&b| b == 0).next()?;
    let (f, used) = prefix(text)?;
    (used == text.len()).then_some(f)
}

/// The float that the text begins with, as `string:to_float/1` finds it, and how many bytes of the text it takes.
pub fn prefix(text: &[u8]) -> Option<(f64, usize)> {
    let signed = |t: &mut &[u8]| {
        if let [b'+' | b'-', rest @ ..] = *t {
            *t = rest;
        }
    };
    let digits = |t: &mut &[u8]| {
        let n = t.iter().take_while(|b| b.is_ascii_digit()).count();
        *t = &t[n..];
        n > 0
    };
    let mut rest = text;
    signed(&mut rest);
    if !digits(&mut rest) {
        return None;
    }
    let point = text.len() - rest.len();
    let [b'.' | b',', after @ ..] = rest else { return None };
    rest = after;
    if !digits(&mut rest) {
        return None;
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let mut exponent = after;
        signed(&mut exponent);
        if digits(&mut exponent) {
            rest = exponent;
        }
    }
    let used = text.len() - rest.len();
    let mut number = text[..used].to_vec();
    number[point] = b'.';
    let f: f64 = std::str::from_utf8(&number).ok()?.parse().ok()?;
    f.is_finite().then_some((f, used))
}
