//! Packets in a stream of bytes: where one ends, and what `erlang:decode_packet/3` makes of it.

mod http;

use super::guard::count;
use http::Http;
use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[Native::plain("erlang", "decode_packet", 3, decode_packet)];

/// Bytes scanned for one reduction.
const BYTES_PER_REDUCTION: usize = 1000;

/// How packets are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Framing {
    Raw,
    /// A length of so many bytes (1, 2 or 4) in front.
    Length(usize),
    Asn1,
    SunRm,
    Cdr,
    FastCgi,
    Tpkt,
    SslTls,
    Line,
    Http {
        /// Header lines, not the first line of a message.
        headers: bool,
        /// Strings are binaries.
        binaries: bool,
    },
}

impl Framing {
    /// The framing that a term names.
    pub fn from_term(t: Term) -> Option<Framing> {
        if let Some(n) = t.as_usize() {
            return match n {
                0 => Some(Framing::Raw),
                1 | 2 | 4 => Some(Framing::Length(n)),
                _ => None,
            };
        }
        Some(match t.as_atom()?.name() {
            "raw" => Framing::Raw,
            "asn1" => Framing::Asn1,
            "sunrm" => Framing::SunRm,
            "cdr" => Framing::Cdr,
            "fcgi" => Framing::FastCgi,
            "tpkt" => Framing::Tpkt,
            "line" => Framing::Line,
            "ssl_tls" => Framing::SslTls,
            "http" => Framing::Http { headers: false, binaries: false },
            "httph" => Framing::Http { headers: true, binaries: false },
            "http_bin" => Framing::Http { headers: false, binaries: true },
            "httph_bin" => Framing::Http { headers: true, binaries: true },
            _ => return None,
        })
    }
}

/// Limits on packets, in bytes; 0 sets none.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longer packets are an error.
    pub packet: u32,
    /// Longer lines are cut.
    pub line: u32,
    /// What ends a line.
    pub delimiter: u8,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { packet: 0, line: 0, delimiter: b'\n' }
    }
}

/// Where the first packet ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// It takes so many bytes, which may be more than there are.
    Bytes(usize),
    /// More bytes have to come to tell.
    Unknown,
    /// This is no packet.
    Invalid,
}

/// The big-endian integer in some bytes.
fn big_endian(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |n, &b| n << 8 | b as u32)
}

/// Where the first packet of `data` ends.
pub fn extent(framing: Framing, data: &[u8], limits: Limits) -> Extent {
    match framing {
        Framing::Raw if data.is_empty() => Extent::Unknown,
        Framing::Raw => Extent::Bytes(data.len()),
        Framing::Line => line(data, limits),
        Framing::Http { headers, .. } => http::extent(data, limits, headers),
        framing => match head(framing, data) {
            Ok(Some((head, body))) => total(head, body, limits.packet),
            Ok(None) => Extent::Unknown,
            Err(Invalid) => Extent::Invalid,
        },
    }
}

struct Invalid;

fn total(head: usize, body: u32, limit: u32) -> Extent {
    let total = (head as u32).wrapping_add(body) as i32;
    if (limit != 0 && body > limit) || total < head as i32 {
        return Extent::Invalid;
    }
    Extent::Bytes(total as usize)
}

/// Sizes of the head and body that a packet's first bytes tell, if they are all there.
fn head(framing: Framing, data: &[u8]) -> Result<Option<(usize, u32)>, Invalid> {
    let first = |n: usize| data.get(..n);
    let sized = |n: usize, body: &dyn Fn(&[u8]) -> Result<u32, Invalid>| match first(n) {
        Some(head) => Ok(Some((n, body(head)?))),
        None => Ok(None),
    };
    match framing {
        Framing::Length(n) => sized(n, &|h| Ok(big_endian(h))),
        Framing::SunRm => sized(4, &|h| Ok(big_endian(h) & 0x7FFF_FFFF)),
        Framing::Cdr => sized(12, &|h| match &h[..4] {
            b"GIOP" if h[6] & 1 != 0 => Ok(u32::from_le_bytes([h[8], h[9], h[10], h[11]])),
            b"GIOP" => Ok(big_endian(&h[8..])),
            _ => Err(Invalid),
        }),
        Framing::FastCgi => sized(8, &|h| match h[0] {
            1 => Ok(big_endian(&h[4..6]) + h[6] as u32),
            _ => Err(Invalid),
        }),
        Framing::Tpkt => sized(4, &|h| match h[0] {
            3 => Ok(big_endian(&h[2..]).wrapping_sub(4)),
            _ => Err(Invalid),
        }),
        Framing::SslTls => sized(5, &|h| {
            Ok(if is_old_hello(h) { (big_endian(&h[..2]) & 0x7FFF).wrapping_sub(3) } else { big_endian(&h[3..]) })
        }),
        Framing::Asn1 => asn1(data),
        Framing::Raw | Framing::Line | Framing::Http { .. } => Err(Invalid),
    }
}

/// Whether these bytes start an SSL 2 client hello.
fn is_old_hello(data: &[u8]) -> bool {
    data[0] & 0x80 != 0 && data[2] == 1
}

fn asn1(data: &[u8]) -> Result<Option<(usize, u32)>, Invalid> {
    let [tag, after @ ..] = data else { return Ok(None) };
    let mut rest = after;
    if tag & 0x1F == 0x1F {
        let more = rest.iter().take_while(|&&b| b & 0x80 != 0).count();
        if rest.len() - more < 2 {
            return Ok(None);
        }
        rest = &rest[more + 1..];
    }
    let [length, rest @ ..] = rest else { return Ok(None) };
    let head = data.len() - rest.len();
    if length & 0x80 == 0 {
        return Ok(Some((head, *length as u32)));
    }
    let n = (length & 0x7F) as usize;
    match rest.get(..n) {
        None => Ok(None),
        Some(_) if n > 4 => Err(Invalid),
        Some(bytes) => Ok(Some((head + n, big_endian(bytes)))),
    }
}

fn line(data: &[u8], limits: Limits) -> Extent {
    let (limit, cut) = (limits.packet as usize, limits.line as usize);
    let end = memchr::memchr(limits.delimiter, data).map(|i| i + 1);
    let seen = end.unwrap_or(data.len());
    if limit != 0 && seen > limit {
        return Extent::Invalid;
    }
    match end {
        Some(n) if cut != 0 && n > cut => Extent::Bytes(cut),
        Some(n) => Extent::Bytes(n),
        None if cut != 0 && data.len() >= cut => Extent::Bytes(cut),
        None => Extent::Unknown,
    }
}

/// The bytes of a packet that its receiver gets.
pub fn body(framing: Framing, packet: &[u8]) -> &[u8] {
    match framing {
        Framing::Length(n) => packet.get(n..).unwrap_or_default(),
        Framing::FastCgi => {
            let padding = packet.get(6).map_or(0, |&p| p as usize);
            &packet[..packet.len().saturating_sub(padding)]
        }
        _ => packet,
    }
}

/// A packet that is not handed on as bytes, as a term.
pub fn parsed(heap: &mut Heap, framing: Framing, packet: &[u8]) -> Option<Term> {
    match framing {
        Framing::Http { headers, binaries } => Some(Http { binaries }.parse(heap, packet, headers)),
        Framing::SslTls => ssl_tls(heap, packet),
        _ => None,
    }
}

/// `{ssl_tls, [], ContentType, {Major, Minor}, Body}`
fn ssl_tls(h: &mut Heap, packet: &[u8]) -> Option<Term> {
    let head: &[u8; 5] = packet.first_chunk()?;
    let (kind, major, minor, body) = if is_old_hello(head) {
        // It is shown as a handshake: a client hello with its length.
        let hello = &packet[3..];
        let len = (hello.len() as u32).to_be_bytes();
        (22, head[3], head[4], h.binary(&[&[1], &len[1..], hello].concat()))
    } else {
        (head[0], head[1], head[2], h.binary(&packet[5..]))
    };
    let byte = |b: u8| Term::small(b as i64);
    let version = h.tuple(&[byte(major), byte(minor)]);
    Some(h.tuple(&[am!("ssl_tls"), Term::NIL, byte(kind), version, body]))
}

fn limits(framing: Framing, options: Term) -> Option<Limits> {
    let mut limits = Limits::default();
    let mut list = options.iter();
    for option in list.by_ref() {
        let &[key, value] = option.as_tuple()? else { return None };
        let value = u32::try_from(value.as_small()?).ok()?;
        if key == am!("packet_size") {
            limits.packet = value;
        } else if key == am!("line_length") {
            limits.line = value;
        } else if key == am!("line_delimiter") && framing == Framing::Line {
            limits.delimiter = u8::try_from(value).ok()?;
        } else {
            return None;
        }
    }
    list.tail().is_nil().then_some(limits)
}

fn decode_packet(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let framing = Framing::from_term(args[0]).ok_or_else(|| Escape::badarg_cause(am!("badopt")))?;
    let bits = args[1].as_bits().or_badarg()?;
    let limits = limits(framing, args[2]).or_badarg()?;
    let whole = bits.size / 8;
    let data = bits.slice(0, whole * 8).to_bytes();
    let n = match extent(framing, &data, limits) {
        Extent::Bytes(n) if n > 0 && n <= whole => n,
        Extent::Bytes(n) if n > 0 => return Ok(ctx.heap().tuple(&[am!("more"), count(n)])),
        Extent::Bytes(_) | Extent::Unknown => return Ok(ctx.heap().tuple(&[am!("more"), am!("undefined")])),
        Extent::Invalid => return ctx.error(am!("invalid")),
    };
    ctx.charge(n / BYTES_PER_REDUCTION);
    let h = ctx.heap();
    let packet = &data[..n];
    let value = match parsed(h, framing, packet) {
        Some(t) => t,
        None => {
            let body = body(framing, packet);
            let from = if matches!(framing, Framing::Length(_)) { n - body.len() } else { 0 };
            h.sub_bits(args[1], from * 8, body.len() * 8)
        }
    };
    let rest = h.sub_bits(args[1], n * 8, bits.size - n * 8);
    Ok(h.tuple(&[am!("ok"), value, rest]))
}
