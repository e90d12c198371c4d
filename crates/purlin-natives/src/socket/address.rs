//! Socket addresses: as maps on the Erlang side, as bytes on that of the operating system.

use super::sys::Address;
use super::{as_int, at, map_of, name};
use purlin_term::{Atom, Heap, Term, am};

/// Families of addresses that have names.
const FAMILIES: &[(&str, i32)] =
    &[("inet", libc::AF_INET), ("inet6", libc::AF_INET6), ("local", libc::AF_UNIX), ("unspec", libc::AF_UNSPEC)];

/// The bytes in front of an address: its family.
const FAMILY: usize = 2;
const V4: usize = size_of::<libc::sockaddr_in>();
const V6: usize = size_of::<libc::sockaddr_in6>();
/// The longest path that an address holds.
const LONGEST_PATH: usize = 108;

/// The number of a family that is given by name or by number.
pub fn family(t: Term) -> Option<i32> {
    named(t).or_else(|| as_int(t))
}

fn named(t: Term) -> Option<i32> {
    let text = t.as_atom()?.name();
    FAMILIES.iter().find(|(n, _)| *n == text).map(|f| f.1)
}

/// A family's name, or its number.
pub fn family_term(family: i32) -> Term {
    FAMILIES.iter().find(|f| f.1 == family).map_or(Term::small(family.into()), |f| name(f.0))
}

/// Reads an address from a map; `None`: it is none.
pub fn decode(t: Term) -> Option<Address> {
    let given = at(t, "family")?;
    let Some(family) = named(given) else {
        return native(as_int(given)?, t);
    };
    match family {
        libc::AF_INET => decode_v4(t),
        libc::AF_INET6 => decode_v6(t),
        libc::AF_UNIX => decode_local(t),
        _ => native(family, t),
    }
}

/// The family and a port, as all internet addresses begin. Ports are cut to 16 bits.
fn head(family: i32, t: Term) -> Option<Vec<u8>> {
    let port = as_int(at(t, "port")?)?;
    let mut bytes = (family as u16).to_ne_bytes().to_vec();
    bytes.extend((port as u16).to_be_bytes());
    Some(bytes)
}

fn decode_v4(t: Term) -> Option<Address> {
    let mut bytes = head(libc::AF_INET, t)?;
    bytes.extend(v4(at(t, "addr")?)?);
    bytes.resize(V4, 0);
    Address::new(&bytes)
}

fn decode_v6(t: Term) -> Option<Address> {
    let number = |key| at(t, key)?.as_u64().and_then(|n| u32::try_from(n).ok());
    let mut bytes = head(libc::AF_INET6, t)?;
    bytes.extend(number("flowinfo")?.to_ne_bytes());
    let scope = number("scope_id")?;
    bytes.extend(v6(at(t, "addr")?)?);
    bytes.extend(scope.to_ne_bytes());
    Address::new(&bytes)
}

fn decode_local(t: Term) -> Option<Address> {
    let path = at(t, "path")?.as_bytes()?;
    let zero = usize::from(path.first() != Some(&0));
    (path.len() + zero <= LONGEST_PATH).then_some(())?;
    Address::new(&[&(libc::AF_UNIX as u16).to_ne_bytes(), &path[..]].concat())
}

/// An address of which the caller gives the bytes behind the family.
fn native(family: i32, t: Term) -> Option<Address> {
    let bytes = at(t, "addr")?.as_bytes()?;
    Address::new(&[&(family as u16).to_ne_bytes(), &bytes[..]].concat())
}

/// An IPv4 address: a tuple or a name.
pub fn v4(t: Term) -> Option<[u8; 4]> {
    if let Some(name) = t.as_atom() {
        return match name.name() {
            "any" => Some([0; 4]),
            "loopback" => Some([127, 0, 0, 1]),
            "broadcast" => Some([255; 4]),
            _ => None,
        };
    }
    let parts: Vec<u8> = t.as_tuple()?.iter().map(|t| t.as_small()?.try_into().ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}

/// An IPv6 address: a tuple or a name.
pub fn v6(t: Term) -> Option<[u8; 16]> {
    if let Some(name) = t.as_atom() {
        return match name.name() {
            "any" => Some([0; 16]),
            "loopback" => Some(std::net::Ipv6Addr::LOCALHOST.octets()),
            _ => None,
        };
    }
    let part = |t: &Term| u16::try_from(t.as_small()?).ok();
    let parts: Vec<u16> = t.as_tuple()?.iter().map(part).collect::<Option<_>>()?;
    parts.iter().flat_map(|p| p.to_be_bytes()).collect::<Vec<u8>>().try_into().ok()
}

pub fn v4_term(heap: &mut Heap, bytes: [u8; 4]) -> Term {
    heap.tuple(&bytes.map(|b| Term::small(b.into())))
}

pub fn v6_term(heap: &mut Heap, bytes: [u8; 16]) -> Term {
    let parts: Vec<Term> = bytes.chunks(2).map(|p| Term::small(u16::from_be_bytes([p[0], p[1]]).into())).collect();
    heap.tuple(&parts)
}

/// The map of an address.
pub fn encode(heap: &mut Heap, bytes: &[u8]) -> Term {
    let Some((family, rest)) = bytes.split_first_chunk::<FAMILY>() else {
        return if bytes.is_empty() { plain(heap, am!("unspec"), &[]) } else { heap.binary(bytes) };
    };
    let family = i32::from(u16::from_ne_bytes(*family));
    match family {
        libc::AF_INET if bytes.len() >= V4 => encode_v4(heap, rest),
        libc::AF_INET6 if bytes.len() >= V6 => encode_v6(heap, rest),
        libc::AF_UNIX => encode_local(heap, rest),
        libc::AF_PACKET => encode_packet(heap, rest),
        _ => plain(heap, family_term(family), rest),
    }
}

/// An address of which only the family is known.
pub fn plain(heap: &mut Heap, family: Term, bytes: &[u8]) -> Term {
    let bytes = heap.binary(bytes);
    map_of(heap, &[("family", family), ("addr", bytes)])
}

/// `N` bytes from a place on; the caller has looked whether they are there.
fn part<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    bytes.get(from..).and_then(|b| b.first_chunk()).copied().unwrap_or([0; N])
}

fn port(rest: &[u8]) -> Term {
    Term::small(u16::from_be_bytes(part(rest, 0)).into())
}

fn encode_v4(heap: &mut Heap, rest: &[u8]) -> Term {
    let address = v4_term(heap, part(rest, 2));
    map_of(heap, &[("family", am!("inet")), ("port", port(rest)), ("addr", address)])
}

fn encode_v6(heap: &mut Heap, rest: &[u8]) -> Term {
    let int = |from| Term::small(i32::from_ne_bytes(part(rest, from)).into());
    let address = v6_term(heap, part(rest, 6));
    let pairs = [
        ("family", am!("inet6")),
        ("port", port(rest)),
        ("addr", address),
        ("flowinfo", int(2)),
        ("scope_id", int(22)),
    ];
    map_of(heap, &pairs)
}

/// A path ends with a zero; a name that begins with one is taken as it is.
fn encode_local(heap: &mut Heap, rest: &[u8]) -> Term {
    let end = rest.iter().position(|&b| b == 0).filter(|&n| n > 0);
    let path = heap.binary(&rest[..end.unwrap_or(rest.len())]);
    map_of(heap, &[("family", am!("local")), ("path", path)])
}

/// What a packet's hardware is, by the numbers of ARP.
const HARDWARE: &[(u16, &str)] = &[
    (0, "netrom"),
    (1, "ether"),
    (2, "eether"),
    (3, "ax25"),
    (4, "pronet"),
    (5, "chaos"),
    (6, "ieee802"),
    (7, "arcnet"),
    (8, "appletlk"),
    (15, "dlci"),
    (19, "atm"),
    (23, "metricom"),
    (24, "ieee1394"),
    (27, "eui64"),
    (32, "infiniband"),
    (768, "tunnel"),
    (769, "tunnel6"),
    (772, "loopback"),
    (773, "localtlk"),
    (0xFFFE, "none"),
    (0xFFFF, "void"),
];

/// The name of a kind of hardware, or its number.
pub fn hardware_term(kind: u16) -> Term {
    HARDWARE.iter().find(|h| h.0 == kind).map_or(Term::small(kind.into()), |h| name(h.1))
}

const PACKET_TYPES: &[&str] =
    &["host", "broadcast", "multicast", "otherhost", "outgoing", "loopback", "user", "kernel"];

fn encode_packet(heap: &mut Heap, rest: &[u8]) -> Term {
    if rest.len() + FAMILY < size_of::<libc::sockaddr_ll>() {
        return plain(heap, am!("packet"), rest);
    }
    let hatype = hardware_term(u16::from_ne_bytes(part(rest, 6)));
    let [pkttype, length] = part(rest, 8);
    let kind = PACKET_TYPES.get(pkttype as usize).map_or(Term::small(pkttype.into()), |n| Term::atom(Atom::new(n)));
    let address = heap.binary(&rest[10..][..(length as usize).min(rest.len() - 10)]);
    let pairs = [
        ("family", am!("packet")),
        ("protocol", Term::small(u16::from_be_bytes(part(rest, 0)).into())),
        ("ifindex", Term::small(i32::from_ne_bytes(part(rest, 2)).into())),
        ("hatype", hatype),
        ("pkttype", kind),
        ("addr", address),
    ];
    map_of(heap, &pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, Term)], heap: &mut Heap) {
        let given = map_of(heap, pairs);
        let bytes = decode(given).unwrap();
        let read = encode(heap, &bytes);
        assert!(purlin_term::compare::cmp_exact(given, read).is_eq(), "{given:?} {read:?}");
    }

    #[test]
    fn addresses_are_read_and_written_alike() {
        let mut h = Heap::new(0);
        let (v4, v6) = (v4_term(&mut h, [1, 2, 3, 4]), v6_term(&mut h, *b"0123456789abcdef"));
        check(&[("family", am!("inet")), ("port", Term::small(65535)), ("addr", v4)], &mut h);
        let zero = Term::small(0);
        let (port, scope) = (Term::small(1), Term::small(7));
        let pairs = [("family", am!("inet6")), ("port", port), ("addr", v6), ("flowinfo", zero), ("scope_id", scope)];
        check(&pairs, &mut h);
        for path in [&b"/tmp/x"[..], b"\0name", b""] {
            let path = h.binary(path);
            check(&[("family", am!("local")), ("path", path)], &mut h);
        }
        let bytes = h.binary(&[9; 14]);
        check(&[("family", Term::small(99)), ("addr", bytes)], &mut h);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let mut h = Heap::new(0);
        let (big, long) = (h.tuple(&[Term::small(256); 4]), h.binary(&[b'x'; 108]));
        for pairs in [
            &[("port", Term::small(0))][..],
            &[("family", am!("inet")), ("port", Term::small(0)), ("addr", big)],
            &[("family", am!("inet")), ("port", am!("x")), ("addr", am!("any"))],
            &[("family", am!("inet6")), ("port", Term::small(0)), ("addr", am!("broadcast"))],
            &[("family", am!("local")), ("path", long)],
            &[("family", am!("nowhere")), ("addr", long)],
        ] {
            let t = map_of(&mut h, pairs);
            assert!(decode(t).is_none(), "{t:?}");
        }
    }
}
