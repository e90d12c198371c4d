//! The natives of `prim_net`, on which OTP's module `net` stands: names of hosts and services, network interfaces.
//!
//! Look-ups may ask other machines, so they run on the pool.

mod sys;

use crate::errno;
use crate::port::inet::sys as inet;
use crate::socket::{self, address, map_of, name};
use parking_lot::Mutex;
use purlin_term::{Heap, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult, Slot};
use rustix::io::Errno;
use std::ffi::CString;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_net", "nif_info", 0, info),
    Native::plain("prim_net", "nif_command", 1, command),
    Native::plain("prim_net", "nif_gethostname", 0, host_name),
    Native::blocking("prim_net", "nif_getnameinfo", 2, name_info),
    Native::blocking("prim_net", "nif_getaddrinfo", 3, address_info),
    Native::blocking("prim_net", "nif_getservbyname", 2, service_by_name).since(27),
    Native::blocking("prim_net", "nif_getservbyport", 2, service_by_port).since(27),
    Native::plain("prim_net", "nif_getifaddrs", 1, interfaces),
    Native::plain("prim_net", "nif_if_name2index", 1, interface_index),
    Native::plain("prim_net", "nif_if_index2name", 1, interface_name),
    Native::plain("prim_net", "nif_if_names", 0, interface_names),
    // What only another operating system has.
    Native::plain("prim_net", "nif_get_adapters_addresses", 1, not_supported),
    Native::plain("prim_net", "nif_get_if_entry", 1, not_supported),
    Native::plain("prim_net", "nif_get_interface_info", 1, not_supported),
    Native::plain("prim_net", "nif_get_ip_address_table", 1, not_supported),
];

/// Whether `net:debug/1` has asked for reports, of which there are none.
#[derive(Default)]
struct Debug(Mutex<bool>);

static DEBUG: Slot<Debug> = Slot::new();

fn not_supported(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Err(Escape::NOTSUP)
}

fn info(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let debug = *ctx.engine.state(&DEBUG).0.lock();
    Ok(map_of(ctx.heap(), &[("debug", Term::bool(debug))]))
}

fn command(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let value = args[0].as_tuple().filter(|t| t.len() == 2 && t[0] == am!("debug")).and_then(|t| t[1].as_bool());
    let Some(value) = value else { return ctx.error(am!("einval")) };
    *ctx.engine.state(&DEBUG).0.lock() = value;
    Ok(am!("ok"))
}

fn host_name(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let host = rustix::system::uname();
    let host = ctx.heap().byte_list(host.nodename().to_bytes());
    ctx.ok(host)
}

/// A text of Latin-1 characters.
fn text(t: Term) -> Option<Vec<u8>> {
    t.as_list()?.iter().map(|t| u8::try_from(t.as_small()?).ok()).collect()
}

/// What the resolver's refusals are called.
const REFUSALS: &[(i32, &str)] = &[
    (libc::EAI_BADFLAGS, "ebadflags"),
    (libc::EAI_NONAME, "enoname"),
    (libc::EAI_AGAIN, "eagain"),
    (libc::EAI_FAIL, "efail"),
    (libc::EAI_NODATA, "enodata"),
    (libc::EAI_FAMILY, "efamily"),
    (libc::EAI_SOCKTYPE, "esocktype"),
    (libc::EAI_SERVICE, "eservice"),
    // A name that has no address of the family that is asked for.
    (-9, "eaddrfamily"),
    (libc::EAI_MEMORY, "emem"),
    (libc::EAI_SYSTEM, "esystem"),
    (libc::EAI_OVERFLOW, "eoverflow"),
];

fn refused(ctx: &mut Ctx<'_>, code: i32) -> NativeResult {
    let reason = REFUSALS.iter().find(|r| r.0 == code).map_or("einval", |r| r.1);
    ctx.error(name(reason))
}

fn posix(ctx: &mut Ctx<'_>, e: Errno) -> NativeResult {
    ctx.error(errno::atom(e))
}

const NAME_FLAGS: &[(&str, i32)] = &[
    ("namereqd", libc::NI_NAMEREQD),
    ("dgram", libc::NI_DGRAM),
    ("nofqdn", libc::NI_NOFQDN),
    ("numerichost", libc::NI_NUMERICHOST),
    ("numericserv", libc::NI_NUMERICSERV),
    ("idn", 32),
];

/// The flags of a list, or none.
fn name_flags(t: Term) -> Option<i32> {
    if t == am!("undefined") {
        return Some(0);
    }
    if !t.is_list() {
        return None;
    }
    let flag = |t: Term| {
        let text = t.as_atom()?.name();
        NAME_FLAGS.iter().find(|f| f.0 == text).map(|f| f.1)
    };
    t.iter().try_fold(0, |flags, t| Some(flags | flag(t)?))
}

fn name_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let Some(address) = address::decode(args[0]) else { return ctx.error(am!("einval")) };
    let flags = name_flags(args[1]).or_badarg()?;
    let (host, service) = match sys::names(&address, flags) {
        Ok(names) => names,
        Err((libc::EAI_SYSTEM, e)) => return ctx.error(name(errno::name_of(e))),
        Err((code, _)) => return refused(ctx, code),
    };
    let h = ctx.heap();
    let (host, service) = (h.byte_list(&host), h.byte_list(&service));
    let info = map_of(h, &[("host", host), ("service", service)]);
    ctx.ok(info)
}

/// A name to look up: a text up to its first zero, or `undefined`.
fn wanted(t: Term) -> Option<Option<CString>> {
    if t == am!("undefined") {
        return Some(None);
    }
    let mut bytes = text(t)?;
    bytes.truncate(bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len()));
    Some(CString::new(bytes).ok())
}

fn address_info(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let (host, service) = (wanted(args[0]).or_badarg()?, wanted(args[1]).or_badarg()?);
    if host.is_none() && service.is_none() {
        return Err(Escape::BADARG);
    }
    let ways = match sys::ways(host.as_ref(), service.as_ref()) {
        Ok(ways) => ways,
        Err((code, _)) => return refused(ctx, code),
    };
    let kind = if ctx.engine.config.release >= Release(27) { "socktype" } else { "type" };
    let h = ctx.heap();
    let mut all = Vec::new();
    for way in ways {
        let address = address::encode(h, &way.address);
        let pairs = [
            ("family", address::family_term(way.family)),
            (kind, socket::type_term(way.kind)),
            ("protocol", Term::small(way.protocol.into())),
            ("addr", address),
        ];
        all.push(map_of(h, &pairs));
    }
    let all = h.list(&all);
    ctx.ok(all)
}

/// Flags of interfaces, in the order in which they are told.
const INTERFACE_FLAGS: &[(&str, i32)] = &[
    ("up", libc::IFF_UP),
    ("broadcast", libc::IFF_BROADCAST),
    ("debug", libc::IFF_DEBUG),
    ("loopback", libc::IFF_LOOPBACK),
    ("pointopoint", libc::IFF_POINTOPOINT),
    ("notrailers", libc::IFF_NOTRAILERS),
    ("running", libc::IFF_RUNNING),
    ("noarp", libc::IFF_NOARP),
    ("promisc", libc::IFF_PROMISC),
    ("master", libc::IFF_MASTER),
    ("slave", libc::IFF_SLAVE),
    ("multicast", libc::IFF_MULTICAST),
    ("portsel", libc::IFF_PORTSEL),
    ("automedia", libc::IFF_AUTOMEDIA),
    ("dynamic", libc::IFF_DYNAMIC),
];

fn service_by_name(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let port = text(args[0]).zip(text(args[1])).and_then(|(name, protocol)| inet::service_by_name(&name, &protocol));
    match port {
        // As in OTP, the number is a `short`.
        Some(port) => ctx.ok(Term::small((port as i16).into())),
        None => ctx.error(am!("einval")),
    }
}

fn service_by_port(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let port = args[0].as_u64().and_then(|port| u32::try_from(port).ok());
    let name = port.zip(text(args[1])).and_then(|(port, protocol)| inet::service_by_port(port as u16, &protocol));
    match name {
        Some(name) => {
            let name = ctx.heap().byte_list(&name);
            ctx.ok(name)
        }
        None => ctx.error(am!("einval")),
    }
}

fn interfaces(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    args[0].is_map().then_some(()).or_badarg()?;
    let namespace = match purlin_term::map::get(args[0], am!("netns")).filter(|_| purlin_term::map::size(args[0]) == 1)
    {
        Some(path) => Some(text(path).and_then(|path| CString::new(path).ok()).or_badarg()?),
        None => None,
    };
    let all = match socket::within(namespace.as_deref(), inet::interfaces) {
        Ok(all) => all,
        Err(e) => return posix(ctx, e),
    };
    let h = ctx.heap();
    let all: Vec<Term> = all.iter().map(|i| interface(h, i)).collect();
    let all = h.list(&all);
    ctx.ok(all)
}

fn interface(h: &mut Heap, i: &inet::Interface) -> Term {
    let flags = INTERFACE_FLAGS.iter().filter(|f| i.flags & f.1 != 0);
    let flags: Vec<Term> = flags.map(|f| name(f.0)).collect();
    let mut pairs = vec![("name", h.byte_list(&i.name)), ("flags", h.list(&flags))];
    let other = if i.flags & libc::IFF_POINTOPOINT != 0 {
        Some("dstaddr")
    } else {
        (i.flags & libc::IFF_BROADCAST != 0).then_some("broadaddr")
    };
    let addresses = [(Some("addr"), &i.address), (Some("netmask"), &i.netmask), (other, &i.other)];
    for (key, address) in addresses {
        if let (Some(key), Some(address)) = (key, address) {
            pairs.push((key, address::encode(h, address)));
        }
    }
    map_of(h, &pairs)
}

fn interface_index(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    // A name longer than any there is, is wrong.
    let text = text(args[0]).filter(|t| t.len() <= libc::IF_NAMESIZE).and_then(|t| CString::new(t).ok());
    let Some(text) = text else { return ctx.error(am!("einval")) };
    match sys::index(&text) {
        Ok(index) => ctx.ok(Term::small(index.into())),
        Err(e) => posix(ctx, e),
    }
}

fn interface_name(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let index = args[0].as_u64().and_then(|n| u32::try_from(n).ok()).or_badarg()?;
    match sys::name(index) {
        Some(name) => {
            let name = ctx.heap().byte_list(&name);
            ctx.ok(name)
        }
        None => ctx.error(am!("enxio")),
    }
}

fn interface_names(ctx: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    let all = match sys::all_names() {
        Ok(all) => all,
        Err(e) => return posix(ctx, e),
    };
    let h = ctx.heap();
    let mut pairs = Vec::new();
    for (index, name) in all {
        let name = h.byte_list(&name);
        pairs.push(h.tuple(&[Term::small(index.into()), name]));
    }
    let all = h.list(&pairs);
    ctx.ok(all)
}
