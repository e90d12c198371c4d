//! Functions of the C library on floats that Rust's own library lacks or computes differently.

// SAFETY: these are the C library's functions of this type; they take any value and touch no memory (but `errno`).
unsafe extern "C" {
    /// Inverse hyperbolic sine.
    pub safe fn asinh(x: f64) -> f64;
    /// Inverse hyperbolic cosine.
    pub safe fn acosh(x: f64) -> f64;
    /// Inverse hyperbolic tangent.
    pub safe fn atanh(x: f64) -> f64;
    /// Error function.
    pub safe fn erf(x: f64) -> f64;
    /// Complementary error function.
    pub safe fn erfc(x: f64) -> f64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_c_library() {
        assert_eq!((asinh(0.0), acosh(1.0), atanh(0.0), erf(0.0), erfc(0.0)), (0.0, 0.0, 0.0, 0.0, 1.0));
        assert_eq!(erf(0.5), 0.5204998778130465);
    }
}
