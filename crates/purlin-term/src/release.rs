//! Which release of OTP an engine boots, and so behaves as.
//!
//! What differs between releases is said where it is: a native's row, a row of the preloaded modules, a constant. See
//! docs/releases.md.
//!
//! What values mean (which floats are the same, how long an integer may be, how atoms are written) is asked in every
//! comparison, so it is the program's: [`Release::of_values`] is set before there are terms, and never changes.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// The release whose values the program's are; 0: nobody has said.
static OF_VALUES: AtomicU8 = AtomicU8::new(0);

/// A release of OTP, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release(pub u8);

impl Release {
    /// The releases that Purlin is held against.
    pub const KNOWN: &'static [Release] = &[Release(25), Release(27), Release(29)];

    /// The oldest release whose libraries run.
    pub const OLDEST: Release = Release(25);

    /// The release whose values the program's are: the oldest, unless it was set.
    #[inline]
    pub fn of_values() -> Release {
        Release(OF_VALUES.load(Ordering::Relaxed).max(Release::OLDEST.0))
    }

    /// Has the program's values be those of a release; the one that they are of, if that is another.
    pub fn set_of_values(self) -> Result<(), Release> {
        match OF_VALUES.compare_exchange(0, self.0, Ordering::Relaxed, Ordering::Relaxed) {
            Err(other) if other != self.0 => Err(Release(other)),
            _ => Ok(()),
        }
    }

    /// Whether `0.0` and `-0.0` are different values.
    #[inline]
    pub fn has_signed_zero() -> bool {
        Release::of_values() >= Release(27)
    }

    /// Whether atoms stand among a small map's keys in the order of their numbers, not of their texts.
    #[inline]
    pub fn has_numbered_keys() -> bool {
        Release::of_values() >= Release(26)
    }

    /// Whether the hash that large maps and tables use has 64 bits.
    #[inline]
    pub fn has_wide_hash() -> bool {
        Release::of_values() >= Release(27)
    }

    /// Whether there are native records.
    #[inline]
    pub fn has_records() -> bool {
        Release::of_values() >= Release(29)
    }

    /// Whether keys and associations of a large map are listed as they are iterated, not the other way round.
    #[inline]
    pub fn lists_as_iterated() -> bool {
        Release::of_values() >= Release(29)
    }

    /// Bits of the number of a pid of this node, which stand below its serial.
    #[inline]
    pub fn pid_number_bits() -> u32 {
        if Release::has_wide_identifiers() { 28 } else { 15 }
    }

    /// Bits of the serial of a pid of this node.
    #[inline]
    pub fn pid_serial_bits() -> u32 {
        if Release::has_wide_identifiers() { 32 } else { 13 }
    }

    /// Bits of the number of a port of this node.
    #[inline]
    pub fn port_number_bits() -> u32 {
        if Release::has_wide_identifiers() { 60 } else { 28 }
    }

    /// Number and serial of a pid of this node.
    #[inline]
    pub fn pid_parts(data: u64) -> (u64, u64) {
        let bits = Release::pid_number_bits();
        (data & ((1 << bits) - 1), data >> bits)
    }

    fn has_wide_identifiers() -> bool {
        Release::of_values() >= Release(26)
    }

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
