//! What ends a line, and what `\R` matches: options that add up, since the library that OTP carries has bits for them.

use crate::plain;
use pcre2_sys as sys;

/// What ends a line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Newline {
    Cr = 1,
    Lf = 2,
    CrLf = 3,
    Any = 4,
    AnyCrLf = 5,
    /// A zero byte (OTP 28).
    Nul = 8,
}

impl Newline {
    const ALL: [(Newline, u32); 6] = [
        (Newline::Cr, sys::PCRE2_NEWLINE_CR),
        (Newline::Lf, sys::PCRE2_NEWLINE_LF),
        (Newline::CrLf, sys::PCRE2_NEWLINE_CRLF),
        (Newline::Any, sys::PCRE2_NEWLINE_ANY),
        (Newline::AnyCrLf, sys::PCRE2_NEWLINE_ANYCRLF),
        (Newline::Nul, sys::PCRE2_NEWLINE_NUL),
    ];

    /// By the library's number.
    pub(crate) fn of_library(number: u32) -> Newline {
        Newline::ALL.iter().find(|n| n.1 == number).map_or(Newline::Lf, |n| n.0)
    }

    /// Whether `\r\n` counts as one line end.
    pub fn takes_crlf(self) -> bool {
        matches!(self, Newline::CrLf | Newline::Any | Newline::AnyCrLf)
    }
}

/// The line ends that options name. Several add up, as in OTP before release 28: `cr` and `lf` are `crlf`, and some make no
/// sense. Since then the last one counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LineEnds {
    /// Bits of [`Newline`]; none: not said.
    newline: u8,
    /// `\R` matches only `\r`, `\n` and `\r\n`.
    bsr_anycrlf: bool,
    /// `\R` matches any line end.
    bsr_unicode: bool,
}

impl LineEnds {
    pub fn add_newline(&mut self, newline: Newline) {
        let others = if plain::is_used() { 0 } else { self.newline };
        self.newline = others | newline as u8;
    }

    pub fn add_bsr(&mut self, anycrlf: bool) {
        if plain::is_used() {
            (self.bsr_anycrlf, self.bsr_unicode) = (false, false);
        }
        self.bsr_anycrlf |= anycrlf;
        self.bsr_unicode |= !anycrlf;
    }

    /// Whether the options agree.
    pub fn consistent(self) -> bool {
        let known = self.newline <= Newline::AnyCrLf as u8 || self.newline == Newline::Nul as u8;
        known && !(self.bsr_anycrlf && self.bsr_unicode)
    }

    /// What the other one says, and this one where it says nothing.
    pub fn overridden_by(self, other: LineEnds) -> LineEnds {
        let newline = if other.newline != 0 { other.newline } else { self.newline };
        let bsr = if other.bsr_anycrlf || other.bsr_unicode { other } else { self };
        LineEnds { newline, ..bsr }
    }

    /// Whether nothing else is said than this.
    pub(crate) fn fit(self, newline: Newline, bsr_anycrlf: bool) -> bool {
        let bsr = if bsr_anycrlf { self.bsr_unicode } else { self.bsr_anycrlf };
        (self.newline == 0 || self.newline == newline as u8) && !bsr
    }

    /// `\n` unless something else is said.
    pub fn newline(self) -> Newline {
        Newline::ALL.iter().find(|(n, _)| *n as u8 == self.newline).map_or(Newline::Lf, |x| x.0)
    }

    /// The library's numbers for line ends and for `\R`.
    pub(crate) fn library(self) -> (u32, u32) {
        let newline = Newline::ALL.iter().find(|(n, _)| *n == self.newline()).map_or(sys::PCRE2_NEWLINE_LF, |x| x.1);
        (newline, if self.bsr_anycrlf { sys::PCRE2_BSR_ANYCRLF } else { sys::PCRE2_BSR_UNICODE })
    }

    /// All of it in one byte.
    pub fn to_byte(self) -> u8 {
        self.newline | (self.bsr_anycrlf as u8) << 4 | (self.bsr_unicode as u8) << 5
    }

    /// From what [`LineEnds::to_byte`] gave.
    pub fn from_byte(byte: u8) -> Option<LineEnds> {
        let ends = LineEnds { newline: byte & 15, bsr_anycrlf: byte & 16 != 0, bsr_unicode: byte & 32 != 0 };
        (ends.to_byte() == byte).then_some(ends)
    }
}
