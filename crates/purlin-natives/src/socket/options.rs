//! Options of sockets: one table of those that are known, with how their values are given and told.

mod otp;
mod value;

use super::io::Io;
use super::{Failure, Outcome, as_int, control, int, reply, socket_of};
use crate::port::inet::sys::{get_option, set_option};
use purlin_term::{Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native};
use rustix::fd::AsFd;
use rustix::io::Errno;

pub use value::{tos, tos_term};

pub const NATIVES: &[Native] = &[
    Native::plain("prim_socket", "nif_setopt", 5, |ctx, args| reply(ctx, args, set)),
    Native::plain("prim_socket", "nif_getopt", 3, |ctx, args| reply(ctx, args, get)),
    Native::plain("prim_socket", "nif_getopt", 4, |ctx, args| {
        reply(ctx, args, |ctx, args| get_native(ctx, args, args[3]))
    })
    .until(27),
    Native::plain("prim_socket", "nif_getopt", 5, |ctx, args| reply(ctx, args, get_by)).since(28),
];

/// How a value is given or told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// It cannot be set, or not be asked for.
    None,
    Bool,
    Int,
    Unsigned,
    /// A text; one that is told may lose a zero at its end.
    Device,
    Congestion,
    Linger,
    Domain,
    Type,
    Protocol,
    Address,
    Tos,
    Discovery,
    Hops,
    Group,
    Group6,
    SourceGroup,
    Filter,
    Control,
}

/// An option.
pub struct Opt {
    pub level: i32,
    pub number: i32,
    pub name: &'static str,
    set: Form,
    get: Form,
    /// The first release that knows the name, and the first that has the option.
    known: Release,
    since: Release,
}

impl Opt {
    /// Whether a release knows the option.
    pub fn is_known(&self, release: Release) -> bool {
        self.known <= release
    }

    /// Whether it can be set or asked for here.
    pub fn is_there(&self, release: Release) -> bool {
        (self.set, self.get) != (Form::None, Form::None) && self.since <= release
    }

    const fn known(self, release: u8) -> Opt {
        Opt { known: Release(release), ..self }
    }

    const fn since(self, release: u8) -> Opt {
        Opt { since: Release(release), ..self }
    }
}

const fn opt(level: i32, number: i32, name: &'static str, set: Form, get: Form) -> Opt {
    Opt { level, number, name, set, get, known: Release::OLDEST, since: Release::OLDEST }
}

/// An option that is set and told in the same form.
const fn both(level: i32, number: i32, name: &'static str, form: Form) -> Opt {
    opt(level, number, name, form, form)
}

/// An option that OTP knows and this system has not.
const fn missing(level: i32, name: &'static str) -> Opt {
    opt(level, 0, name, Form::None, Form::None)
}

const SOCKET: i32 = libc::SOL_SOCKET;
const IP: i32 = libc::IPPROTO_IP;
const IPV6: i32 = libc::IPPROTO_IPV6;
const TCP: i32 = libc::IPPROTO_TCP;
const UDP: i32 = libc::IPPROTO_UDP;

pub const LEVELS: &[i32] = &[SOCKET, IP, IPV6, UDP, TCP];

/// The name of a level of options.
pub fn level_name(level: i32) -> Option<&'static str> {
    match level {
        SOCKET => Some("socket"),
        IP => Some("ip"),
        IPV6 => Some("ipv6"),
        UDP => Some("udp"),
        TCP => Some("tcp"),
        _ => None,
    }
}

/// All options that have names.
pub const OPTIONS: &[Opt] = &[
    both(SOCKET, libc::SO_ACCEPTCONN, "acceptconn", Form::Bool),
    missing(SOCKET, "acceptfilter"),
    both(SOCKET, libc::SO_BINDTODEVICE, "bindtodevice", Form::Device),
    missing(SOCKET, "bsp_state").known(27),
    both(SOCKET, libc::SO_BROADCAST, "broadcast", Form::Bool),
    missing(SOCKET, "busy_poll"),
    both(SOCKET, libc::SO_DEBUG, "debug", Form::Int),
    opt(SOCKET, libc::SO_DOMAIN, "domain", Form::None, Form::Domain),
    both(SOCKET, libc::SO_DONTROUTE, "dontroute", Form::Bool),
    missing(SOCKET, "error"),
    missing(SOCKET, "exclusiveaddruse").known(27),
    both(SOCKET, libc::SO_KEEPALIVE, "keepalive", Form::Bool),
    both(SOCKET, libc::SO_LINGER, "linger", Form::Linger),
    missing(SOCKET, "mark"),
    missing(SOCKET, "max_msg_size").known(27),
    missing(SOCKET, "maxdg").known(27),
    both(SOCKET, libc::SO_OOBINLINE, "oobinline", Form::Bool),
    both(SOCKET, libc::SO_PASSCRED, "passcred", Form::Bool),
    both(SOCKET, libc::SO_PEEK_OFF, "peek_off", Form::Int),
    missing(SOCKET, "peercred"),
    both(SOCKET, libc::SO_PRIORITY, "priority", Form::Int),
    opt(SOCKET, libc::SO_PROTOCOL, "protocol", Form::None, Form::Protocol),
    both(SOCKET, libc::SO_RCVBUF, "rcvbuf", Form::Int),
    missing(SOCKET, "rcvbufforce"),
    both(SOCKET, libc::SO_RCVLOWAT, "rcvlowat", Form::Int),
    missing(SOCKET, "rcvtimeo"),
    both(SOCKET, libc::SO_REUSEADDR, "reuseaddr", Form::Bool),
    both(SOCKET, libc::SO_REUSEPORT, "reuseport", Form::Bool),
    missing(SOCKET, "rxq_ovfl"),
    missing(SOCKET, "setfib"),
    both(SOCKET, libc::SO_SNDBUF, "sndbuf", Form::Int),
    missing(SOCKET, "sndbufforce"),
    both(SOCKET, libc::SO_SNDLOWAT, "sndlowat", Form::Int),
    missing(SOCKET, "sndtimeo"),
    both(SOCKET, libc::SO_TIMESTAMP, "timestamp", Form::Bool),
    both(SOCKET, libc::SO_TIMESTAMPNS, "timestampns", Form::Bool).known(28),
    opt(SOCKET, libc::SO_TYPE, "type", Form::None, Form::Type),
    opt(IP, libc::IP_ADD_MEMBERSHIP, "add_membership", Form::Group, Form::None),
    opt(IP, libc::IP_ADD_SOURCE_MEMBERSHIP, "add_source_membership", Form::SourceGroup, Form::None),
    opt(IP, libc::IP_BLOCK_SOURCE, "block_source", Form::SourceGroup, Form::None),
    missing(IP, "dontfrag"),
    opt(IP, libc::IP_DROP_MEMBERSHIP, "drop_membership", Form::Group, Form::None),
    opt(IP, libc::IP_DROP_SOURCE_MEMBERSHIP, "drop_source_membership", Form::SourceGroup, Form::None),
    both(IP, libc::IP_FREEBIND, "freebind", Form::Bool),
    both(IP, libc::IP_HDRINCL, "hdrincl", Form::Bool),
    both(IP, libc::IP_MINTTL, "minttl", Form::Int),
    opt(IP, libc::IP_MSFILTER, "msfilter", Form::Filter, Form::None),
    opt(IP, libc::IP_MTU, "mtu", Form::None, Form::Int),
    both(IP, libc::IP_MTU_DISCOVER, "mtu_discover", Form::Discovery),
    both(IP, libc::IP_MULTICAST_ALL, "multicast_all", Form::Bool),
    both(IP, libc::IP_MULTICAST_IF, "multicast_if", Form::Address),
    both(IP, libc::IP_MULTICAST_LOOP, "multicast_loop", Form::Bool),
    both(IP, libc::IP_MULTICAST_TTL, "multicast_ttl", Form::Int),
    both(IP, libc::IP_NODEFRAG, "nodefrag", Form::Bool),
    missing(IP, "options"),
    both(IP, libc::IP_PKTINFO, "pktinfo", Form::Bool),
    opt(IP, libc::IP_PKTOPTIONS, "pktoptions", Form::None, Form::Control),
    missing(IP, "recvdstaddr"),
    both(IP, libc::IP_RECVERR, "recverr", Form::Bool),
    missing(IP, "recvif"),
    both(IP, libc::IP_RECVOPTS, "recvopts", Form::Bool),
    both(IP, libc::IP_RECVORIGDSTADDR, "recvorigdstaddr", Form::Bool),
    both(IP, libc::IP_RECVTOS, "recvtos", Form::Bool),
    both(IP, libc::IP_RECVTTL, "recvttl", Form::Bool),
    both(IP, libc::IP_RETOPTS, "retopts", Form::Bool),
    both(IP, libc::IP_ROUTER_ALERT, "router_alert", Form::Int),
    missing(IP, "sendsrcaddr"),
    both(IP, libc::IP_TOS, "tos", Form::Tos),
    both(IP, libc::IP_TRANSPARENT, "transparent", Form::Bool),
    both(IP, libc::IP_TTL, "ttl", Form::Int),
    opt(IP, libc::IP_UNBLOCK_SOURCE, "unblock_source", Form::SourceGroup, Form::None),
    opt(IPV6, libc::IPV6_ADDRFORM, "addrform", Form::Domain, Form::None),
    opt(IPV6, libc::IPV6_ADD_MEMBERSHIP, "add_membership", Form::Group6, Form::None),
    both(IPV6, libc::IPV6_AUTHHDR, "authhdr", Form::Bool),
    missing(IPV6, "auth_level"),
    missing(IPV6, "checksum"),
    opt(IPV6, libc::IPV6_DROP_MEMBERSHIP, "drop_membership", Form::Group6, Form::None),
    both(IPV6, libc::IPV6_DSTOPTS, "dstopts", Form::Bool),
    missing(IPV6, "esp_network_level"),
    missing(IPV6, "esp_trans_level"),
    missing(IPV6, "faith"),
    both(IPV6, libc::IPV6_FLOWINFO, "flowinfo", Form::Bool),
    both(IPV6, libc::IPV6_HOPLIMIT, "hoplimit", Form::Bool),
    both(IPV6, libc::IPV6_HOPOPTS, "hopopts", Form::Bool),
    missing(IPV6, "ipcomp_level"),
    missing(IPV6, "join_group"),
    missing(IPV6, "leave_group"),
    both(IPV6, libc::IPV6_MTU, "mtu", Form::Int),
    both(IPV6, libc::IPV6_MTU_DISCOVER, "mtu_discover", Form::Discovery),
    opt(IPV6, libc::IPV6_MULTICAST_HOPS, "multicast_hops", Form::Hops, Form::Int),
    both(IPV6, libc::IPV6_MULTICAST_IF, "multicast_if", Form::Int),
    both(IPV6, libc::IPV6_MULTICAST_LOOP, "multicast_loop", Form::Bool),
    missing(IPV6, "portrange"),
    missing(IPV6, "pktoptions"),
    both(IPV6, libc::IPV6_RECVERR, "recverr", Form::Bool),
    both(IPV6, libc::IPV6_RECVHOPLIMIT, "recvhoplimit", Form::Bool),
    both(IPV6, libc::IPV6_RECVPKTINFO, "recvpktinfo", Form::Bool),
    both(IPV6, libc::IPV6_RECVTCLASS, "recvtclass", Form::Bool),
    both(IPV6, libc::IPV6_ROUTER_ALERT, "router_alert", Form::Int),
    both(IPV6, libc::IPV6_RTHDR, "rthdr", Form::Bool),
    both(IPV6, libc::IPV6_TCLASS, "tclass", Form::Int),
    opt(IPV6, libc::IPV6_UNICAST_HOPS, "unicast_hops", Form::Hops, Form::Int),
    missing(IPV6, "use_min_mtu"),
    both(IPV6, libc::IPV6_V6ONLY, "v6only", Form::Bool),
    both(UDP, libc::UDP_CORK, "cork", Form::Bool),
    both(TCP, libc::TCP_CONGESTION, "congestion", Form::Congestion),
    both(TCP, libc::TCP_CORK, "cork", Form::Bool),
    missing(TCP, "info"),
    both(TCP, libc::TCP_KEEPCNT, "keepcnt", Form::Int).since(27),
    both(TCP, libc::TCP_KEEPIDLE, "keepidle", Form::Int).since(27),
    both(TCP, libc::TCP_KEEPINTVL, "keepintvl", Form::Int).since(27),
    both(TCP, libc::TCP_MAXSEG, "maxseg", Form::Int),
    missing(TCP, "md5sig"),
    both(TCP, libc::TCP_NODELAY, "nodelay", Form::Bool),
    missing(TCP, "noopt"),
    missing(TCP, "nopush"),
    missing(TCP, "syncnt"),
    both(TCP, libc::TCP_USER_TIMEOUT, "user_timeout", Form::Unsigned).since(28),
];

fn find(release: Release, level: i32, number: i32) -> Option<&'static Opt> {
    OPTIONS.iter().find(|o| (o.level, o.number) == (level, number) && o.is_there(release))
}

/// Which option is meant.
enum Place {
    Socket(i32),
    Otp,
}

fn place(t: Term) -> Result<Place, Failure> {
    match control::level(t) {
        Some(level) => Ok(Place::Socket(level)),
        None if t == am!("otp") => Ok(Place::Otp),
        None => Err(super::out_of_range(t)),
    }
}

fn set(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    let native = as_int(args[4]).or_badarg()? != 0;
    let number = int(args[2])?;
    let level = match place(args[1])? {
        Place::Otp if native => return Err(Escape::BADARG.into()),
        Place::Otp => return otp::set(ctx, socket, number, args[3]),
        Place::Socket(level) => level,
    };
    let release = ctx.engine.config.release;
    let io = Io::open(ctx.engine, socket)?;
    let bytes = if native {
        let number = as_int(args[3]).or(args[3].as_bool().map(i32::from));
        let bytes = args[3].as_bytes().map(|b| b.into_owned());
        bytes.or(number.map(|n| n.to_ne_bytes().to_vec())).ok_or(Failure::ErrorInvalid(am!("value")))?
    } else {
        let known = find(release, level, number).filter(|o| o.set != Form::None);
        let form = known.ok_or(Failure::Invalid(am!("socket_option")))?.set;
        value::given(release, form, args[3]).ok_or(Failure::Invalid(am!("value")))?
    };
    set_apart(io.fd()?, level, number, &bytes)?;
    Ok(super::OK)
}

/// Sets an option and leaves the type of service and the priority as they were, which change each other, and which other
/// options change.
fn set_apart(fd: impl AsFd, level: i32, number: i32, value: &[u8]) -> Result<(), Errno> {
    let read = |level, number| {
        let mut bytes = [0; 4];
        get_option(&fd, level, number, &mut bytes).ok().map(|n| bytes[..n].to_vec())
    };
    let (priority, service) = (read(SOCKET, libc::SO_PRIORITY), read(IP, libc::IP_TOS));
    set_option(&fd, level, number, value)?;
    if number == libc::SO_PRIORITY {
        return Ok(());
    }
    if let Some(service) = service.filter(|_| number != libc::IP_TOS) {
        set_option(&fd, IP, libc::IP_TOS, &service)?;
    }
    match priority.map(|p| set_option(&fd, SOCKET, libc::SO_PRIORITY, &p)) {
        // A system may have a priority that it does not let others set.
        Some(Err(e)) if e != Errno::PERM => Err(e),
        _ => Ok(()),
    }
}

fn get(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let socket = socket_of(args[0])?;
    let number = int(args[2])?;
    let level = match place(args[1])? {
        Place::Otp => return otp::get(ctx, socket, number),
        Place::Socket(level) => level,
    };
    let io = Io::open(ctx.engine, socket)?;
    let known = find(ctx.engine.config.release, level, number).filter(|o| o.get != Form::None);
    let form = known.ok_or(Failure::Invalid(am!("socket_option")))?.get;
    let mut bytes = vec![0; value::size(form, io.s.settings.read_control)];
    let n = get_option(io.fd()?, level, number, &mut bytes)?;
    drop(io);
    let t = value::told(ctx.heap(), form, socket, &bytes, n);
    Ok(ctx.ok(t)?)
}

/// Asks for an option of any number, or for one by a value: those are SCTP's, which are not there.
fn get_by(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    match args[3] {
        kind if kind == am!("native") => get_native(ctx, args, args[4]),
        kind if kind == am!("value") => {
            socket_of(args[0])?;
            Err(Failure::Invalid(am!("socket_option")))
        }
        _ => Err(Escape::BADARG.into()),
    }
}

/// Asks for an option of any number, whose value is told as the caller says: so many bytes, those of a binary changed, a
/// number, a truth value.
fn get_native(ctx: &mut Ctx<'_>, args: &[Term], wanted: Term) -> Outcome {
    let socket = socket_of(args[0])?;
    let number = int(args[2])?;
    let Place::Socket(level) = place(args[1])? else { return Err(Escape::BADARG.into()) };
    let io = Io::open(ctx.engine, socket)?;
    let (mut bytes, form) = match (as_int(wanted), wanted.as_bytes()) {
        (Some(0), _) => return Err(Errno::FAULT.into()),
        (Some(n), _) => (zeros(usize::try_from(n).map_err(|_| Errno::INVAL)?)?, Form::None),
        (None, Some(given)) => (given.into_owned(), Form::None),
        _ if wanted == am!("integer") => (vec![0; 4], Form::Int),
        _ if wanted == am!("boolean") => (vec![0; 4], Form::Bool),
        _ => return Err(Failure::Invalid(am!("value"))),
    };
    let n = get_option(io.fd()?, level, number, &mut bytes)?;
    drop(io);
    let t = value::told(ctx.heap(), form, socket, &bytes, n);
    Ok(ctx.ok(t)?)
}

fn zeros(n: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(n).map_err(|_| Escape::SYSTEM_LIMIT)?;
    bytes.resize(n, 0);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_level_have_names_and_numbers_of_their_own() {
        let mut seen = std::collections::HashSet::new();
        for o in OPTIONS {
            assert!(seen.insert((o.level, o.name.to_owned())), "{}", o.name);
            assert!(!o.is_there(Release(u8::MAX)) || seen.insert((o.level, o.number.to_string())), "{}", o.name);
            assert!(LEVELS.contains(&o.level));
        }
    }
}
