//! Which release of OTP an engine boots, and so behaves as.
//!
//! What differs between releases is said where it is: a native's row, a row of the preloaded modules, a constant. See
//! docs/releases.md.

use std::fmt;

/// A release of OTP, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release(pub u8);

impl Release {
    /// The releases that Purlin is held against.
    pub const KNOWN: &'static [Release] = &[Release(25), Release(27)];

    /// The oldest release whose libraries run.
    pub const OLDEST: Release = Release(25);

    /// Whether Purlin is held against this release.
    pub fn is_known(self) -> bool {
        Release::KNOWN.contains(&self)
    }
}

impl Default for Release {
    fn default() -> Release {
        Release::OLDEST
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
