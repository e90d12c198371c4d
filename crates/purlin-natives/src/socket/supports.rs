//! What can be asked of sockets here: `prim_socket` makes its tables of names and numbers of this.

use super::options::{LEVELS, OPTIONS, level_name};
use super::{control, ioctl, name, reply};
use purlin_term::{Atom, Heap, Release, Term};
use purlin_vm::Native;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_socket", "nif_supports", 0, |ctx, args| reply(ctx, args, |ctx, _| Ok(features(ctx.heap())))),
    Native::plain("prim_socket", "nif_supports", 1, |ctx, args| {
        reply(ctx, args, |ctx, args| Ok(supports(ctx.engine.config.release, ctx.heap(), args[0])))
    }),
];

/// Flags of messages; of several that are one number the first is told.
const MESSAGE_FLAGS: &[(&str, i32)] = &[
    ("cmsg_cloexec", libc::MSG_CMSG_CLOEXEC),
    ("confirm", libc::MSG_CONFIRM),
    ("ctrunc", libc::MSG_CTRUNC),
    ("dontroute", libc::MSG_DONTROUTE),
    ("eor", libc::MSG_EOR),
    ("errqueue", libc::MSG_ERRQUEUE),
    ("more", libc::MSG_MORE),
    ("nosignal", libc::MSG_NOSIGNAL),
    ("oob", libc::MSG_OOB),
    ("peek", libc::MSG_PEEK),
    ("trunc", libc::MSG_TRUNC),
];

/// The flag of messages that tell of an SCTP association.
const NOTIFICATION: i32 = 0x8000;

/// The names of the flags that are set, and the number of those without one.
pub fn flags(heap: &mut Heap, names: &[(&str, i32)], mut set: i32) -> Term {
    let mut list = Vec::new();
    for &(text, flag) in names {
        if flag != 0 && set & flag == flag {
            set &= !flag;
            list.push(name(text));
        }
    }
    if set != 0 {
        list.push(Term::small(set.into()));
    }
    heap.list(&list)
}

pub fn message_flags(heap: &mut Heap, set: i32) -> Term {
    flags(heap, MESSAGE_FLAGS, set)
}

/// What is there at all. There is no SCTP.
fn features(heap: &mut Heap) -> Term {
    let all = [("sctp", false), ("ipv6", true), ("local", true), ("netns", true), ("sendfile", true)];
    let all = all.map(|(feature, there)| heap.tuple(&[name(feature), Term::bool(there)]));
    heap.list(&all)
}

fn supports(release: Release, heap: &mut Heap, key: Term) -> Term {
    match key.as_atom().map(Atom::name) {
        Some("msg_flags") => {
            let of_sctp = (release >= Release(28)).then_some(("notification", NOTIFICATION));
            numbers(heap, MESSAGE_FLAGS.iter().copied().chain(of_sctp).map(|(n, f)| (n, f.into())))
        }
        Some("ioctl_requests") => numbers(heap, ioctl::requests(release).map(|r| (r.name, r.number as i64))),
        Some("ioctl_flags") => numbers(heap, ioctl::FLAGS.iter().map(|&(n, f)| (n, f.into()))),
        Some("protocols") => protocols(heap),
        Some("options") => options(release, heap),
        _ => Term::NIL,
    }
}

/// `[{Name, Number}]`
fn numbers(heap: &mut Heap, all: impl Iterator<Item = (&'static str, i64)>) -> Term {
    let all: Vec<Term> = all.map(|(text, number)| heap.tuple(&[name(text), Term::small(number)])).collect();
    heap.list(&all)
}

/// Protocols that there are even where nobody has listed them.
const PROTOCOLS: &[(&str, i32)] =
    &[("udp", libc::IPPROTO_UDP), ("tcp", libc::IPPROTO_TCP), ("ipv6", libc::IPPROTO_IPV6), ("ip", libc::IPPROTO_IP)];

/// `[{[Name | Aliases], Number}]`, by the system's list.
fn protocols(heap: &mut Heap) -> Term {
    let listed = std::fs::read_to_string("/etc/protocols").unwrap_or_default();
    let mut all: Vec<Term> = PROTOCOLS
        .iter()
        .map(|&(text, number)| {
            let names = heap.list(&[name(text)]);
            heap.tuple(&[names, Term::small(number.into())])
        })
        .collect();
    let entries: Vec<Term> = listed.lines().filter_map(|line| protocol(heap, line)).collect();
    // Of protocols that are there twice the one that is listed first counts, which the caller looks at last.
    all.extend(entries.iter().rev());
    heap.list(&all)
}

/// A line of the list: a name, a number, further names, and maybe a remark.
fn protocol(heap: &mut Heap, line: &str) -> Option<Term> {
    let mut words = line.split('#').next()?.split_whitespace();
    let (first, number) = (words.next()?, words.next()?.parse::<i32>().ok()?);
    let mut names: Vec<&str> = words.collect();
    names.push(first);
    let names: Vec<Term> =
        names.iter().rev().map(|n| Atom::try_new(n).map(Term::atom)).collect::<Result<_, _>>().ok()?;
    let names = heap.list(&names);
    Some(heap.tuple(&[names, Term::small(number.into())]))
}

/// `[{Level, [{Option, Number} | Option]}]`, since OTP 28 with the number of the level behind its name: those without a
/// number are known, and not there.
fn options(release: Release, heap: &mut Heap) -> Term {
    let mut levels = Vec::new();
    for &level in LEVELS {
        let mut of_level = Vec::new();
        for o in OPTIONS.iter().filter(|o| o.level == level && o.is_known(release)) {
            let there = o.is_there(release);
            of_level.push(if there { heap.tuple(&[name(o.name), Term::small(o.number.into())]) } else { name(o.name) });
        }
        let of_level = heap.list(&of_level);
        levels.push(match (release >= Release(28), level_name(level)) {
            (true, Some(text)) => heap.tuple(&[name(text), Term::small(level.into()), of_level]),
            _ => heap.tuple(&[control::level_term(level), of_level]),
        });
    }
    heap.list(&levels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::am;

    #[test]
    fn protocols_have_their_first_name_in_front() {
        let mut h = Heap::new(0);
        let t = protocol(&mut h, "ospf\t89\tOSPFIGP other # Open Shortest Path First").unwrap();
        let names = t.as_tuple().unwrap()[0].as_list().unwrap();
        assert_eq!(names, [am!("ospf"), am!("other"), am!("OSPFIGP")]);
        assert!(protocol(&mut h, "# nothing").is_none());
        assert!(protocol(&mut h, "name x").is_none());
    }

    #[test]
    fn flags_without_names_are_told_as_a_number() {
        let mut h = Heap::new(0);
        let t = message_flags(&mut h, libc::MSG_EOR | libc::MSG_TRUNC | 1 << 20);
        assert_eq!(t.as_list().unwrap(), [am!("eor"), am!("trunc"), Term::small(1 << 20)]);
    }
}
