//! What a term is: the tagged word, boxed layouts, atoms, heaps, and the pure operations on them.
//!
//! This crate knows nothing of processes. Its unsafe code relies on these named invariants:
//!
//! - **LIVE**: a list or boxed [`Term`] points to a complete object that stays in place and alive for as long
//!   as the term value is used. Natives get it for a whole call because only the instruction boundary collects.
//! - **FRESH**: memory returned by [`Heap::alloc`] is written completely before anything else can see it.
//! - **OFFHEAP**: every boxed object that owns a reference count is listed exactly once in the `off_heap` list
//!   of the heap or fragment that holds it. A [`Buffer`] or [`CountedBytes`], which stands in no heap, has a count too.
//! - **LITERAL**: objects in the literal area are immutable and are never moved. They are freed with their area, which
//!   whoever owns that does only when no term refers to them any more.

pub mod account;
pub mod atom;
pub mod beam_size;
pub mod binary;
pub mod bits;
pub mod boxed;
pub mod buffer;
pub mod compare;
pub mod copy;
pub mod counted_bytes;
pub mod external;
pub mod float_text;
pub mod hash;
pub mod heap;
pub mod iolist;
pub mod libm;
pub mod list;
pub mod literal;
mod magic;
pub mod map;
pub mod number;
pub mod owned;
mod places;
pub mod print;
pub mod record;
pub mod release;
pub mod remote;
pub mod row;
mod shared;
pub mod weight;
pub mod word;

pub use atom::Atom;
pub use binary::{BinData, Bits};
pub use boxed::{FunEntry, Kind, Magic};
pub use buffer::Buffer;
pub use counted_bytes::CountedBytes;
pub use heap::{Fragment, Heap};
pub use list::{ListBuilder, ListIter};
pub use owned::Owned;
pub use release::Release;
pub use remote::{RemotePid, RemoteRef};
pub use row::{Chain, Row};
pub use shared::{Immediate, Kept};
pub use word::{Tag, Term};
