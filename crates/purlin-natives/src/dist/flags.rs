//! What a node can do, as the two sides of a connection tell each other: bits of the distribution protocol.

use purlin_term::{Release, Term, am};
use purlin_vm::{Ctx, Native, NativeResult};

pub const NATIVES: &[Native] = &[Native::plain("erts_internal", "get_dflags", 0, get_dflags)];

/// The node is shown by `nodes/0`.
const PUBLISHED: u64 = 0x1;
const ATOM_CACHE: u64 = 0x2;
const EXTENDED_REFERENCES: u64 = 0x4;
const MONITOR: u64 = 0x8;
const FUN_TAGS: u64 = 0x10;
const MONITOR_NAME: u64 = 0x20;
const HIDDEN_ATOM_CACHE: u64 = 0x40;
const NEW_FUN_TAGS: u64 = 0x80;
const EXTENDED_PIDS_PORTS: u64 = 0x100;
const EXPORT_POINTER: u64 = 0x200;
const BIT_BINARIES: u64 = 0x400;
const NEW_FLOATS: u64 = 0x800;
/// Input and output take Unicode.
const UNICODE_IO: u64 = 0x1000;
/// Atoms are told by a header with a cache.
pub const HEADER_CACHE: u64 = 0x2000;
const SMALL_ATOMS: u64 = 0x4000;
const UTF8_ATOMS: u64 = 0x1_0000;
const MAPS: u64 = 0x2_0000;
const BIG_CREATION: u64 = 0x4_0000;
/// Messages tell their senders.
pub const SEND_SENDER: u64 = 0x8_0000;
/// Labels of trace tokens are any terms.
pub const BIG_LABELS: u64 = 0x10_0000;
/// Reasons of exits stand behind the control tuple.
pub const EXIT_PAYLOAD: u64 = 0x40_0000;
/// Long messages come in parts.
pub const FRAGMENTS: u64 = 0x80_0000;
const HANDSHAKE_23: u64 = 0x100_0000;
/// Unlinking is acknowledged.
pub const UNLINK_ID: u64 = 0x200_0000;
const MANDATORY_25: u64 = 0x400_0000;
/// Requests to start processes.
pub const SPAWN: u64 = 1 << 32;
const LONG_IDENTIFIERS: u64 = 4 << 32;
/// Messages to aliases.
pub const ALIAS: u64 = 8 << 32;

const MANDATORY: u64 = EXTENDED_REFERENCES
    | FUN_TAGS
    | EXTENDED_PIDS_PORTS
    | UTF8_ATOMS
    | NEW_FUN_TAGS
    | BIG_CREATION
    | NEW_FLOATS
    | MAPS
    | EXPORT_POINTER
    | BIT_BINARIES
    | HANDSHAKE_23;

/// What a peer can most likely do of which it is not known yet.
pub const HOPED_FOR: u64 = MONITORS | SPAWN | ALIAS | UNLINK_ID;

/// Monitors, by pids and by names.
pub const MONITORS: u64 = MONITOR | MONITOR_NAME;

/// What a peer must be able to do.
pub fn mandatory(release: Release) -> u64 {
    if release >= Release(26) { MANDATORY | LONG_IDENTIFIERS | UNLINK_ID } else { MANDATORY }
}

/// What this node can do.
fn ours(release: Release) -> u64 {
    mandatory(release)
        | HOPED_FOR
        | UNICODE_IO
        | HEADER_CACHE
        | SMALL_ATOMS
        | SEND_SENDER
        | BIG_LABELS
        | EXIT_PAYLOAD
        | FRAGMENTS
        | LONG_IDENTIFIERS
        | MANDATORY_25
}

/// Whether a node is shown by `nodes/0`.
pub fn is_visible(flags: u64) -> bool {
    flags & PUBLISHED != 0
}

/// Whether the processes of a node take Unicode as input and output.
pub fn takes_unicode(flags: u64) -> bool {
    flags & UNICODE_IO != 0
}

/// `{erts_dflags, Default, Mandatory, Addable, Rejectable, StrictOrder}`
fn get_dflags(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let release = ctx.engine.config.release;
    let rejectable = HEADER_CACHE | HIDDEN_ATOM_CACHE | FRAGMENTS | ATOM_CACHE;
    let all = [ours(release), mandatory(release), ours(release), rejectable, HEADER_CACHE];
    let heap = ctx.heap();
    let all = all.map(|flags| heap.unsigned(flags));
    let [default, mandatory, addable, rejectable, strict] = all;
    Ok(heap.tuple(&[am!("erts_dflags"), default, mandatory, addable, rejectable, strict]))
}
