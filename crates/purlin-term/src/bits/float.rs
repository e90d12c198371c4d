//! Half-precision floats.

/// The value of a 16-bit float.
pub fn f16_to_f64(h: u16) -> f64 {
    let fraction = (h & 0x3FF) as f64;
    let magnitude = match (h >> 10) & 0x1F {
        0 => fraction * 2f64.powi(-24),
        31 if h & 0x3FF != 0 => f64::NAN,
        31 => f64::INFINITY,
        e => (fraction + 1024.0) * 2f64.powi(e as i32 - 25),
    };
    if h & 0x8000 != 0 { -magnitude } else { magnitude }
}

/// The 16-bit float nearest to `f` by way of single precision, as OTP converts; too large values become infinite.
pub fn f64_to_f16(f: f64) -> u16 {
    let bits = (f as f32).to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let exponent = ((bits >> 23) & 0xFF) as i32;
    let fraction = bits & 0x7F_FFFF;
    if exponent == 255 {
        return sign | 0x7C00 | if fraction != 0 { 0x200 } else { 0 };
    }
    let e = exponent - 127 + 15;
    if e >= 31 {
        return sign | 0x7C00;
    }
    // A normal result keeps 10 of the 23 fraction bits; a subnormal one fewer, with the leading bit written out.
    let (m, drop) = if e > 0 { (fraction | (e as u32) << 23, 13) } else { (fraction | 0x80_0000, 14 - e) };
    if drop > 25 || exponent == 0 {
        return sign;
    }
    let kept = m >> drop;
    let rest = m & ((1 << drop) - 1);
    let half = 1u32 << (drop - 1);
    let up = rest > half || (rest == half && kept & 1 == 1);
    sign | (kept + up as u32) as u16
}
