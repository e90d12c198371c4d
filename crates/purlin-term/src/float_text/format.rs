//! From floats to text.

/// OTP formats into a buffer of this many bytes, the last of which ends the text; what does not fit is an error.
const BUFFER: usize = 256;

/// How to write a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One digit, a point, so many digits, and an exponent of at least two digits.
    Scientific(i32),
    /// So many digits behind the point; with `compact` without zeros at the end.
    Decimals { digits: i32, compact: bool },
    /// The fewest digits that read back as the same float.
    Short,
}

/// The text of a finite float; `None` where OTP answers badarg: a negative number of decimals, or a text too long.
pub fn format(f: f64, layout: Layout) -> Option<String> {
    match layout {
        Layout::Short => Some(short(f)),
        // C takes a negative precision as none given, which means 6.
        Layout::Scientific(digits) => {
            let digits = usize::try_from(digits).unwrap_or(6);
            (digits < BUFFER).then(|| scientific(f, digits)).filter(|text| text.len() < BUFFER)
        }
        Layout::Decimals { digits, compact } => decimals(f, usize::try_from(digits).ok()?, compact),
    }
}

/// The layout of `float_to_list/1` with so many digits behind the point (20 there).
pub fn scientific(f: f64, digits: usize) -> String {
    let text = format!("{f:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
    format!("{mantissa}e{sign}{exponent:0>2}")
}

fn decimals(f: f64, digits: usize, compact: bool) -> Option<String> {
    // Above this value, and with more digits than a 64-bit integer has, OTP leaves the work to C.
    const QUICK_LIMIT: f64 = (1u64 << 53) as f64;
    const QUICK_DIGITS: usize = 18;
    if f.abs() > QUICK_LIMIT || digits > QUICK_DIGITS {
        if digits >= BUFFER {
            return None;
        }
        let text = format!("{f:.digits$}");
        return (text.len() < BUFFER).then(|| if compact { without_zeros(text) } else { text });
    }
    let sign = if f.is_sign_negative() { "-" } else { "" };
    let f = f.abs();
    if digits == 0 {
        return Some(format!("{sign}{}", f.round() as u64));
    }
    // The digits behind the point are scaled and rounded as a float, so they are not always the exact value's.
    let scale = 10u64.pow(digits as u32);
    let mut whole = f.floor() as u64;
    let mut fraction = ((f - f.floor()) * scale as f64).round() as u64;
    if fraction >= scale {
        whole += 1;
        fraction = 0;
    }
    let text = format!("{sign}{whole}.{fraction:0digits$}");
    Some(if compact { without_zeros(text) } else { text })
}

/// Drops zeros at the end, but one behind a point. (OTP does so without a point too: 1.0e22 without decimals is "1".)
fn without_zeros(mut text: String) -> String {
    let kept = text.trim_end_matches('0').len();
    let point = text[..kept].ends_with('.');
    text.truncate(kept + usize::from(point));
    text
}

/// The fewest digits that read back as the same float, laid out as OTP chooses: with an exponent where that is shorter
/// and for integers that a float cannot count in ones.
pub fn short(f: f64) -> String {
    let sign = if f.is_sign_negative() { "-" } else { "" };
    if f == 0.0 {
        return format!("{sign}0.0");
    }
    let (digits, exponent) = shortest(f.abs());
    // The value is `digits * 10^exponent`, and `0.d1d2d3... * 10^point`.
    let n = digits.len() as i32;
    let point = n + exponent;
    let (lowest, highest) = match n {
        1 => (-4, 2),
        _ if point > 10 => (-(n + 2), 2),
        _ => (-(n + 2), 1),
    };
    let countable = f.abs() < (1u64 << 53) as f64;
    if !(lowest..=highest).contains(&exponent) || !countable {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        return format!("{sign}{first}.{rest}e{}", point - 1);
    }
    if exponent >= 0 {
        let zeros = "0".repeat(exponent as usize);
        format!("{sign}{digits}{zeros}.0")
    } else if point > 0 {
        let (whole, fraction) = digits.split_at(point as usize);
        format!("{sign}{whole}.{fraction}")
    } else {
        let zeros = "0".repeat(-point as usize);
        format!("{sign}0.{zeros}{digits}")
    }
}

/// Digits without zeros at either end, and the power of ten they are multiplied by.
fn shortest(f: f64) -> (String, i32) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(f);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_end_matches('0');
    let zeros = all.len() - significant.len();
    let exponent = exponent.parse::<i32>().unwrap_or(0) - fraction.len() as i32 + zeros as i32;
    (significant.trim_start_matches('0').to_owned(), exponent)
}
