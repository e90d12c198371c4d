//! What nodes send each other: a control tuple, and for some a message behind it, in packets.
//!
//! A packet is what stands between two lengths on the wire. It begins with a header, which tells the atoms that the two
//! terms refer to by number; those that both sides remember are told by their places in a cache of [`SLOTS`] atoms. A
//! long message is cut into fragments, between which packets of others may come. Peers that know neither get both terms
//! in full. The formats are those of "Distribution Header" in OTP's External Term Format.
//!
//! - Sending: [`Outgoing::new`] encodes, wherever the terms are; [`Outgoing::packets`] writes the header against the
//!   connection's [`OutCache`]. Packets go out in the order in which that was called, since the peer's cache follows ours.
//! - Receiving: [`Incoming::packet`] takes the packets in their order and gives a [`Whole`] for each message that is
//!   complete, which can be decoded anywhere and at any time.
//!
//! Incoming bytes are not trusted: whatever they are, a message, an error or nothing yet, and no more memory than a
//! fixed multiple of them and of [`Limits`].

mod cache;
mod header;
mod incoming;
mod outgoing;
mod terms;
#[cfg(test)]
mod tests;

pub use cache::OutCache;
pub use incoming::{Incoming, Limits, Whole};
pub use outgoing::{FRAGMENT, Outgoing, Packet, Packets};

/// Atoms that a cache holds.
pub const SLOTS: usize = 2048;

/// Atoms that one message can refer to by number.
pub const MOST_ATOMS: usize = 255;

/// How packets begin: those of peers that know no header, and behind the version byte the kinds of headers.
const PASS_THROUGH: u8 = b'p';
const HEADER: u8 = b'D';
const FIRST_FRAGMENT: u8 = b'E';
const NEXT_FRAGMENT: u8 = b'F';

/// A packet that breaks the protocol. What came before cannot be relied on either: the connection has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub fault: Fault,
    /// Where the reader stood in the packet.
    pub offset: usize,
}

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It begins with none of the known headers.
    Unknown,
    /// It ends within its header.
    Short,
    /// An atom's text is not UTF-8, or too long.
    AtomText,
    /// A new atom, and the atom table is full.
    AtomTableFull,
    /// It refers to a slot of the cache that holds nothing.
    EmptySlot,
    /// A fragment of a sequence that has not begun.
    NoSequence,
    /// The first fragment of a sequence that has begun already.
    SecondStart,
    /// A fragment that is not the next one.
    Order,
    /// More is incomplete than [`Limits`] allow.
    TooMuch,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fault = match self.fault {
            Fault::Unknown => "no known header",
            Fault::Short => "a header that is cut off",
            Fault::AtomText => "an atom that is none",
            Fault::AtomTableFull => "a new atom, but the atom table is full",
            Fault::EmptySlot => "an atom that is not in the cache",
            Fault::NoSequence => "a fragment without a beginning",
            Fault::SecondStart => "a second beginning of a sequence of fragments",
            Fault::Order => "a fragment out of order",
            Fault::TooMuch => "too much that is incomplete",
        };
        write!(f, "{fault} (at byte {})", self.offset)
    }
}

impl std::error::Error for Malformed {}
