//! Values of options: the terms that stand for the system's bytes.

use super::super::state::Socket;
use super::super::{address, as_int, at, control, info, map_of};
use super::Form;
use purlin_term::{Heap, Release, Term, am};

/// The longest names of a device and of a congestion control, with a zero.
const DEVICE: usize = libc::IFNAMSIZ;
const CONGESTION: usize = 17;

/// A text of bytes that fits `room` with a zero behind it; since OTP 27 a binary is one, too.
fn text(release: Release, t: Term, room: usize) -> Option<Vec<u8>> {
    if let (true, Some(bytes)) = (release >= Release(27), t.as_bytes()) {
        return (bytes.len() < room).then(|| bytes.into_owned());
    }
    let list = t.as_list()?;
    let bytes: Vec<u8> = list.iter().map(|t| u8::try_from(t.as_small()?).ok()).collect::<Option<_>>()?;
    (bytes.len() < room).then_some(bytes)
}

fn bytes(n: i32) -> Option<Vec<u8>> {
    Some(n.to_ne_bytes().to_vec())
}

/// Types of service that have names.
const SERVICES: &[(&str, i32)] = &[("lowdelay", 0x10), ("throughput", 0x08), ("reliability", 0x04), ("mincost", 0x02)];
/// The bits of a type of service that the names are of.
const SERVICE: i32 = 0x1E;

/// Ways of finding out how large packets may be.
const DISCOVERY: &[(&str, i32)] = &[("dont", 0), ("want", 1), ("do", 2), ("probe", 3)];

fn named(names: &[(&str, i32)], t: Term) -> Option<i32> {
    match t.as_atom() {
        Some(name) => names.iter().find(|n| n.0 == name.name()).map(|n| n.1),
        None => as_int(t),
    }
}

fn name_of(names: &[(&str, i32)], n: i32, otherwise: i32) -> Term {
    let found = names.iter().find(|f| f.1 == n);
    found.map_or(Term::small(otherwise.into()), |f| super::super::name(f.0))
}

/// The upper six bits of a type of service that have names since OTP 29.
const POINTS: &[(&str, i32)] = &[
    ("cs0", 0),
    ("le", 1),
    ("cs1", 8),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("cs2", 16),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("cs3", 24),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("cs4", 32),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("cs5", 40),
    ("voice_admit", 44),
    ("nqb", 45),
    ("ef", 46),
    ("cs6", 48),
    ("cs7", 56),
];

/// Names of a precedence, all of which mean the lowest one.
const PRECEDENCES: &[&str] =
    &["routine", "priority", "immediate", "flash", "flashoverride", "internetcontrol", "netcontrol"];

/// A type of service that is given by name or by number; since OTP 29 also by the name of its upper six bits, or as
/// `#{tos => Service, precedence => P}`.
pub fn tos(t: Term) -> Option<i32> {
    if Release::of_values() < Release(29) {
        return named(SERVICES, t);
    }
    let Some((service, precedence)) = at(t, "tos").zip(at(t, "precedence")) else {
        return named(SERVICES, t).or(named(POINTS, t).map(|point| point << 2));
    };
    let service = match as_int(service) {
        Some(n) => (n & 0xF) << 1,
        None if service == am!("default") => 0,
        None => named(SERVICES, service)?,
    };
    let precedence = match as_int(precedence) {
        Some(n) => n & 7,
        None => PRECEDENCES.contains(&precedence.as_atom()?.name()).then_some(0)?,
    };
    Some(precedence << 5 | service)
}

/// A type of service: its name or number; since OTP 29 a map of its parts.
pub fn tos_term(h: &mut Heap, n: i32) -> Term {
    let service = n & SERVICE;
    if Release::of_values() < Release(29) {
        return name_of(SERVICES, service, n);
    }
    let precedence = match n >> 5 & 7 {
        0 => am!("routine"),
        p => Term::small(p.into()),
    };
    let name = if service == 0 { am!("default") } else { name_of(SERVICES, service, service >> 1) };
    let service = map_of(h, &[("tos", name), ("precedence", precedence)]);
    map_of(h, &[("native", Term::small(n.into())), ("tos", service), ("dscp", name_of(POINTS, n >> 2, n >> 2))])
}

/// The bytes of a value; `None`: it is none of this option.
pub fn given(release: Release, form: Form, t: Term) -> Option<Vec<u8>> {
    match form {
        Form::Bool => bytes(t.as_bool()?.into()),
        Form::Int => bytes(as_int(t)?),
        Form::Unsigned => u32::try_from(t.as_u64()?).ok().map(|n| n.to_ne_bytes().to_vec()),
        Form::Device => text(release, t, DEVICE),
        Form::Congestion => text(release, t, CONGESTION),
        Form::Linger => linger(t),
        Form::Domain => bytes(address::family(t)?),
        Form::Address => Some(address::v4(t)?.to_vec()),
        Form::Tos => bytes(tos(t)?),
        Form::Discovery => bytes(named(DISCOVERY, t)?),
        Form::Hops => match as_int(t) {
            Some(n @ 0..=255) => bytes(n),
            None if t == am!("default") => bytes(-1),
            _ => None,
        },
        Form::Group => addresses(t, &["multiaddr", "interface"]),
        Form::SourceGroup => addresses(t, &["multiaddr", "interface", "sourceaddr"]),
        Form::Group6 => {
            let index = at(t, "interface")?.as_u64().and_then(|n| u32::try_from(n).ok())?;
            Some([&address::v6(at(t, "multiaddr")?)?[..], &index.to_ne_bytes()].concat())
        }
        Form::Filter => filter(t),
        Form::None | Form::Type | Form::Protocol | Form::Control => None,
    }
}

/// `#{onoff => Bool, linger => Seconds}`, or `abort`.
fn linger(t: Term) -> Option<Vec<u8>> {
    if t == am!("abort") {
        return Some([1i32, 0].iter().flat_map(|n| n.to_ne_bytes()).collect());
    }
    let (on, seconds) = (at(t, "onoff")?.as_bool()?, as_int(at(t, "linger")?)?);
    (seconds >= 0).then(|| [on.into(), seconds].iter().flat_map(|n: &i32| n.to_ne_bytes()).collect())
}

fn addresses(t: Term, keys: &[&str]) -> Option<Vec<u8>> {
    let all: Vec<[u8; 4]> = keys.iter().map(|key| address::v4(at(t, key)?)).collect::<Option<_>>()?;
    Some(all.concat())
}

/// Which senders to a group are heard, or `null`.
fn filter(t: Term) -> Option<Vec<u8>> {
    if t == am!("null") {
        return Some(Vec::new());
    }
    let mut out = addresses(t, &["multiaddr", "interface"])?;
    let mode = match at(t, "mode")?.as_atom()?.name() {
        "include" => 1u32,
        "exclude" => 0,
        _ => return None,
    };
    let sources = at(t, "slist")?.as_list()?;
    out.extend([mode, sources.len() as u32].iter().flat_map(|n| n.to_ne_bytes()));
    for source in sources {
        out.extend(address::v4(source)?);
    }
    Some(out)
}

/// How many bytes to ask for.
pub fn size(form: Form, control: usize) -> usize {
    match form {
        Form::Device => DEVICE + 1,
        Form::Congestion => CONGESTION,
        Form::Linger => 8,
        Form::Control => control,
        _ => 4,
    }
}

/// The term of a value, of which the first `n` bytes are the system's.
pub fn told(h: &mut Heap, form: Form, socket: &Socket, bytes: &[u8], n: usize) -> Term {
    let int = |at: usize| bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |&b| i32::from_ne_bytes(b));
    let bytes = &bytes[..n.min(bytes.len())];
    match form {
        Form::Bool => Term::bool(int(0) != 0),
        Form::Device => h.byte_list(bytes),
        Form::Congestion => h.byte_list(bytes.strip_suffix(&[0]).unwrap_or(bytes)),
        Form::Linger => {
            let pairs = [("onoff", Term::bool(int(0) != 0)), ("linger", Term::small(int(4).into()))];
            map_of(h, &pairs)
        }
        Form::Domain => address::family_term(int(0)),
        Form::Type => info::type_term(int(0)),
        // The table of protocols has another name for 0.
        Form::Protocol if int(0) == 0 && socket.domain == libc::AF_UNIX => am!("default"),
        Form::Address => address::v4_term(h, int(0).to_ne_bytes()),
        Form::Tos => tos_term(h, int(0)),
        Form::Discovery => name_of(DISCOVERY, int(0), int(0)),
        Form::Control => control::encode(h, bytes, bytes.len()),
        Form::Int | Form::Protocol | Form::Hops => Term::small(int(0).into()),
        Form::Unsigned => Term::small((int(0) as u32).into()),
        Form::None | Form::Group | Form::Group6 | Form::SourceGroup | Form::Filter => h.binary(bytes),
    }
}
