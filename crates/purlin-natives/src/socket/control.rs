//! Control data of messages: items of a level, a type and data, some of which are read and written as values.

use super::state::CONTROL_BUFFER;
use super::{address, as_int, at, map_of, name, options};
use crate::errno;
use purlin_term::{Heap, Term, am};

/// How data stand for a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    None,
    Int,
    Byte,
    Timeval,
    Tos,
    PacketInfo,
    PacketInfo6,
    Address,
    Error,
}

/// A type of item.
struct Item {
    level: i32,
    kind: i32,
    name: &'static str,
    /// How its data are told, and how they are given.
    told: Form,
    given: Form,
}

const fn item(level: i32, kind: i32, name: &'static str, told: Form, given: Form) -> Item {
    Item { level, kind, name, told, given }
}

/// All types that have names.
const ITEMS: &[Item] = &[
    item(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, "credentials", Form::None, Form::None),
    item(libc::SOL_SOCKET, libc::SCM_RIGHTS, "rights", Form::None, Form::None),
    item(libc::SOL_SOCKET, libc::SCM_TIMESTAMP, "timestamp", Form::Timeval, Form::Timeval),
    item(libc::IPPROTO_IP, libc::IP_TOS, "tos", Form::Tos, Form::Tos),
    item(libc::IPPROTO_IP, libc::IP_TTL, "ttl", Form::Int, Form::Int),
    item(libc::IPPROTO_IP, libc::IP_RECVTTL, "recvttl", Form::Byte, Form::None),
    item(libc::IPPROTO_IP, libc::IP_PKTINFO, "pktinfo", Form::PacketInfo, Form::None),
    item(libc::IPPROTO_IP, libc::IP_ORIGDSTADDR, "origdstaddr", Form::Address, Form::None),
    item(libc::IPPROTO_IP, libc::IP_RECVTOS, "recvtos", Form::Tos, Form::None),
    item(libc::IPPROTO_IP, libc::IP_RECVERR, "recverr", Form::Error, Form::None),
    item(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, "pktinfo", Form::PacketInfo6, Form::None),
    item(libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT, "hoplimit", Form::Int, Form::Int),
    item(libc::IPPROTO_IPV6, libc::IPV6_TCLASS, "tclass", Form::Int, Form::Int),
    item(libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS, "recvtclass", Form::Int, Form::None),
    item(libc::IPPROTO_IPV6, libc::IPV6_RECVERR, "recverr", Form::Error, Form::None),
];

/// Bytes in front of an item's data: its length with them, level and type.
const HEAD: usize = size_of::<libc::cmsghdr>();
const WORD: usize = size_of::<usize>();

/// The level `socket`, or a protocol's number.
pub fn level(t: Term) -> Option<i32> {
    if t == am!("socket") { Some(libc::SOL_SOCKET) } else { as_int(t) }
}

pub fn level_term(level: i32) -> Term {
    if level == libc::SOL_SOCKET { am!("socket") } else { Term::small(level.into()) }
}

/// The list of the items in the first `used` of these bytes.
pub fn encode(heap: &mut Heap, bytes: &[u8], used: usize) -> Term {
    let bytes = &bytes[..used.min(bytes.len())];
    let (mut items, mut from) = (Vec::new(), 0);
    while let Some(head) = bytes.get(from..from + HEAD) {
        let length = usize::from_ne_bytes(number(head, 0));
        let Some(data) = bytes.get(from + HEAD..from.saturating_add(length)) else {
            if length >= HEAD {
                items.push(am!("bad_data"));
            }
            break;
        };
        let (level, kind) = (i32::from_ne_bytes(number(head, 8)), i32::from_ne_bytes(number(head, 12)));
        items.push(encode_item(heap, level, kind, data));
        from += length.next_multiple_of(WORD);
    }
    heap.list(&items)
}

fn encode_item(heap: &mut Heap, level: i32, kind: i32, data: &[u8]) -> Term {
    let known = ITEMS.iter().find(|i| (i.level, i.kind) == (level, kind));
    let mut pairs = vec![
        ("level", level_term(level)),
        ("type", known.map_or(Term::small(kind.into()), |i| name(i.name))),
        ("data", heap.binary(data)),
    ];
    if let Some(value) = known.and_then(|i| value(heap, i.told, data)) {
        pairs.push(("value", value));
    }
    map_of(heap, &pairs)
}

/// `N` bytes from a place on; zeros where there are none.
fn number<const N: usize>(data: &[u8], from: usize) -> [u8; N] {
    data.get(from..).and_then(|d| d.first_chunk()).copied().unwrap_or([0; N])
}

fn int(data: &[u8], from: usize) -> Term {
    Term::small(i32::from_ne_bytes(number(data, from)).into())
}

/// The value that data stand for.
fn value(heap: &mut Heap, form: Form, data: &[u8]) -> Option<Term> {
    let enough = |n| (data.len() >= n).then_some(());
    match form {
        Form::None => None,
        Form::Int => enough(4).map(|()| int(data, 0)),
        Form::Byte => data.first().map(|&b| Term::small(b.into())),
        Form::Tos => data.first().map(|&b| options::tos_term(heap, b.into())),
        Form::Timeval => {
            enough(16)?;
            let word = |from| i64::from_ne_bytes(number(data, from));
            let (sec, usec) = (heap.integer(word(0)), heap.integer(word(8)));
            Some(map_of(heap, &[("sec", sec), ("usec", usec)]))
        }
        Form::PacketInfo => {
            enough(12)?;
            let index = Term::small(u32::from_ne_bytes(number(data, 0)).into());
            let (own, to) = (address::v4_term(heap, number(data, 4)), address::v4_term(heap, number(data, 8)));
            Some(map_of(heap, &[("ifindex", index), ("spec_dst", own), ("addr", to)]))
        }
        Form::PacketInfo6 => {
            enough(20)?;
            let to = address::v6_term(heap, number(data, 0));
            Some(map_of(heap, &[("addr", to), ("ifindex", int(data, 16))]))
        }
        Form::Address => Some(address::encode(heap, data)),
        Form::Error => enough(16).map(|()| error(heap, data)),
    }
}

/// Where an error comes from, by number.
const ORIGINS: &[&str] = &["none", "local", "icmp", "icmp6", "txstatus", "zerocopy", "txtime"];

/// What errors of ICMP are called: origin, type, its name, and the names of its codes.
const ICMP: &[(u8, u8, &str, &[&str])] = &[
    (
        2,
        3,
        "dest_unreach",
        &["net_unreach", "host_unreach", "", "port_unreach", "frag_needed", "", "net_unknown", "host_unknown"],
    ),
    (2, 11, "time_exceeded", &[]),
    (
        3,
        1,
        "dest_unreach",
        &["noroute", "adm_prohibited", "not_neighbour", "addr_unreach", "port_unreach", "policy_fail", "reject_route"],
    ),
    (3, 2, "pkt_toobig", &[]),
    (3, 3, "time_exceeded", &[]),
];

/// An error of the network that came to the socket.
fn error(heap: &mut Heap, data: &[u8]) -> Term {
    let [origin, kind, code] = number(data, 4);
    let named = |names: &[&str], n: u8| {
        let text = names.get(n as usize).filter(|text| !text.is_empty());
        text.map_or(Term::small(n.into()), |text| name(text))
    };
    let icmp = ICMP.iter().find(|i| (i.0, i.1) == (origin, kind));
    let mut pairs = vec![
        ("error", name(errno::name_of(i32::from_ne_bytes(number(data, 0))))),
        ("origin", named(ORIGINS, origin)),
        ("type", icmp.map_or(Term::small(kind.into()), |i| name(i.2))),
        ("code", named(icmp.map_or(&[], |i| i.3), code)),
        ("info", int(data, 8)),
        ("data", int(data, 12)),
    ];
    if data.len() > 16 {
        pairs.push(("offender", address::encode(heap, &data[16..])));
    }
    map_of(heap, &pairs)
}

/// The bytes of a list of items, which have to fit `space`.
pub fn decode(list: Term, space: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(space.min(CONTROL_BUFFER));
    for t in list.as_list()? {
        let level = level(at(t, "level")?)?;
        let kind = at(t, "type")?;
        let known = kind.as_atom().and_then(|k| ITEMS.iter().find(|i| i.level == level && i.name == k.name()));
        let (number, data) = match (at(t, "data"), at(t, "value")) {
            (Some(data), None) => (as_int(kind).or(known.map(|i| i.kind))?, raw(data)?),
            (None, Some(value)) => (known?.kind, given(known?.given, value)?),
            _ => return None,
        };
        bytes.extend((HEAD + data.len()).to_ne_bytes());
        bytes.extend([level, number].iter().flat_map(|n| n.to_ne_bytes()));
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(WORD), 0);
        (bytes.len() <= space).then_some(())?;
    }
    Some(bytes)
}

/// Data as they are: a binary, a number, a truth value.
fn raw(t: Term) -> Option<Vec<u8>> {
    let number = as_int(t).or(t.as_bool().map(i32::from));
    t.as_bytes().map(|b| b.into_owned()).or(number.map(|n| n.to_ne_bytes().to_vec()))
}

/// The data that stand for a value.
fn given(form: Form, value: Term) -> Option<Vec<u8>> {
    match form {
        Form::Int => as_int(value).map(|n| n.to_ne_bytes().to_vec()),
        Form::Tos => options::tos(value).map(|n| n.to_ne_bytes().to_vec()),
        Form::Timeval => {
            let word = |key| at(value, key)?.as_i64().map(i64::to_ne_bytes);
            Some([word("sec")?, word("usec")?].concat())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(heap: &mut Heap, pairs: &[(&'static str, Term)]) -> Option<Vec<u8>> {
        let item = map_of(heap, pairs);
        let list = heap.list(&[item]);
        decode(list, CONTROL_BUFFER)
    }

    #[test]
    fn items_are_read_and_written_alike() {
        let mut h = Heap::new(0);
        let level = Term::small(libc::IPPROTO_IP.into());
        let bytes = items(&mut h, &[("level", level), ("type", am!("ttl")), ("value", Term::small(9))]).unwrap();
        assert_eq!(bytes.len(), 24);
        let list = encode(&mut h, &bytes, bytes.len()).as_list().unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!((at(list[0], "type"), at(list[0], "value")), (Some(am!("ttl")), Some(Term::small(9))));
        assert_eq!(at(list[0], "data").unwrap().as_bytes().unwrap().as_ref(), &9i32.to_ne_bytes());
    }

    #[test]
    fn items_that_are_wrong_or_do_not_fit_are_refused() {
        let mut h = Heap::new(0);
        let (ip, long) = (Term::small(0), h.binary(&[0; 2000]));
        for pairs in [
            &[("level", ip), ("type", am!("ttl"))][..],
            &[("level", ip), ("type", am!("ttl")), ("data", ip), ("value", ip)],
            &[("level", ip), ("type", am!("pktinfo")), ("value", ip)],
            &[("level", am!("ip")), ("type", am!("ttl")), ("value", ip)],
            &[("level", ip), ("type", ip), ("data", long)],
        ] {
            assert_eq!(items(&mut h, pairs), None, "{pairs:?}");
        }
    }

    #[test]
    fn lengths_are_not_believed() {
        let mut h = Heap::new(0);
        let mut bytes = [0u8; 32];
        for length in [0usize, 8, 15, 33, usize::MAX] {
            bytes[..8].copy_from_slice(&length.to_ne_bytes());
            let list = encode(&mut h, &bytes, 32).as_list().unwrap();
            assert_eq!(list.len(), usize::from(length > 32), "{length}");
        }
    }
}
