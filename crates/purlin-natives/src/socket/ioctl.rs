//! Requests about network interfaces: what they are called, their addresses, flags and sizes.

use super::io::Io;
use super::sys::{self, IFREQ};
use super::{Failure, OK, Outcome, address, as_int, map_of, name, reply, socket_of, supports};
use purlin_term::{Heap, Release, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native};

pub const NATIVES: &[Native] = &[
    Native::plain("prim_socket", "nif_ioctl", 2, |ctx, args| reply(ctx, args, list)),
    Native::plain("prim_socket", "nif_ioctl", 3, |ctx, args| reply(ctx, args, get)),
    Native::plain("prim_socket", "nif_ioctl", 4, |ctx, args| reply(ctx, args, set)),
];

/// What an interface's record holds behind the name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// All interfaces, without a name.
    List,
    /// How many bytes there are to read, and whether urgent data come next (since OTP 27).
    Pending,
    Mark,
    /// A name, for a number.
    Name,
    Int,
    Flags,
    Address,
    Hardware,
    Map,
    /// What is set: the atom tells what it should have been.
    SetInt(&'static str),
    SetFlags,
    SetAddress,
}

/// A request.
pub struct Request {
    pub name: &'static str,
    pub number: u64,
    form: Form,
}

const fn request(name: &'static str, number: u64, form: Form) -> Request {
    Request { name, number, form }
}

const REQUESTS: &[Request] = &[
    request("nread", libc::FIONREAD, Form::Pending),
    request("atmark", SIOCATMARK, Form::Mark),
    request("gifconf", libc::SIOCGIFCONF, Form::List),
    request("gifname", libc::SIOCGIFNAME, Form::Name),
    request("gifindex", libc::SIOCGIFINDEX, Form::Int),
    request("gifflags", libc::SIOCGIFFLAGS, Form::Flags),
    request("gifaddr", libc::SIOCGIFADDR, Form::Address),
    request("gifdstaddr", libc::SIOCGIFDSTADDR, Form::Address),
    request("gifbrdaddr", libc::SIOCGIFBRDADDR, Form::Address),
    request("gifnetmask", libc::SIOCGIFNETMASK, Form::Address),
    request("gifmtu", libc::SIOCGIFMTU, Form::Int),
    request("gifhwaddr", libc::SIOCGIFHWADDR, Form::Hardware),
    request("gifmap", libc::SIOCGIFMAP, Form::Map),
    request("giftxqlen", libc::SIOCGIFTXQLEN, Form::Int),
    request("sifflags", libc::SIOCSIFFLAGS, Form::SetFlags),
    request("sifaddr", libc::SIOCSIFADDR, Form::SetAddress),
    request("sifdstaddr", libc::SIOCSIFDSTADDR, Form::SetAddress),
    request("sifbrdaddr", libc::SIOCSIFBRDADDR, Form::SetAddress),
    request("sifmtu", libc::SIOCSIFMTU, Form::SetInt("mtu")),
    request("siftxqlen", libc::SIOCSIFTXQLEN, Form::SetInt("txqlen")),
];

const SIOCATMARK: u64 = 0x8905;

/// The requests that a release has.
pub fn requests(release: Release) -> impl Iterator<Item = &'static Request> {
    let later = |form| matches!(form, Form::Pending | Form::Mark);
    REQUESTS.iter().filter(move |r| release >= Release(27) || !later(r.form))
}

/// Flags of interfaces; those that this system has not are 0.
pub const FLAGS: &[(&str, i32)] = &[
    ("up", libc::IFF_UP),
    ("broadcast", libc::IFF_BROADCAST),
    ("debug", libc::IFF_DEBUG),
    ("loopback", libc::IFF_LOOPBACK),
    ("pointopoint", libc::IFF_POINTOPOINT),
    ("notrailers", libc::IFF_NOTRAILERS),
    ("knowsepoch", 0),
    ("running", libc::IFF_RUNNING),
    ("noarp", libc::IFF_NOARP),
    ("promisc", libc::IFF_PROMISC),
    ("allmulti", libc::IFF_ALLMULTI),
    ("master", libc::IFF_MASTER),
    ("oactive", 0),
    ("slave", libc::IFF_SLAVE),
    ("simplex", 0),
    ("multicast", libc::IFF_MULTICAST),
    ("link0", 0),
    ("link1", 0),
    ("link2", 0),
    ("portsel", libc::IFF_PORTSEL),
    ("automedia", libc::IFF_AUTOMEDIA),
    ("dynamic", libc::IFF_DYNAMIC),
    ("cantconfig", 0),
    ("lower_up", 1 << 16),
    ("ppromisc", 0),
    ("dormant", 1 << 17),
    ("monitor", 0),
    ("echo", 1 << 18),
    ("staticarp", 0),
    ("dying", 0),
    ("renaming", 0),
    ("nogroup", 0),
];

/// Bytes of a name, with its zero.
const NAME: usize = libc::IFNAMSIZ;
/// Bytes of an address in a record.
const ADDRESS: usize = size_of::<libc::sockaddr>();

const NOT_SUPPORTED: Failure = Failure::Error("enotsup");

/// The request of a number, if its form is one of those wanted.
fn find(release: Release, t: Term, wanted: impl Fn(Form) -> bool) -> Result<&'static Request, Failure> {
    let number = t.as_u64().or_badarg()?;
    requests(release).find(|r| r.number == number && wanted(r.form)).ok_or(NOT_SUPPORTED)
}

/// A record with an interface's name, which is cut to what there is room for.
fn record(t: Term) -> Result<[u8; IFREQ], Failure> {
    let list = t.as_list().or_badarg()?;
    let byte = |t: &Term| t.as_small().and_then(|b| u8::try_from(b).ok());
    let bytes: Vec<u8> = list.iter().map(byte).collect::<Option<_>>().or_badarg()?;
    let mut record = [0; IFREQ];
    let name = bytes.iter().take(NAME - 1).take_while(|&&b| b != 0);
    record.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    Ok(record)
}

fn name_of(heap: &mut Heap, record: &[u8]) -> Term {
    let end = record.iter().position(|&b| b == 0).unwrap_or(NAME).min(NAME);
    heap.byte_list(&record[..end])
}

fn part<const N: usize>(record: &[u8], from: usize) -> [u8; N] {
    record.get(NAME + from..).and_then(|r| r.first_chunk()).copied().unwrap_or([0; N])
}

fn is_open<'a>(ctx: &'a Ctx<'_>, t: Term) -> Result<Io<'a>, Failure> {
    Io::open(ctx.engine, socket_of(t)?)
}

fn list(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    socket_of(args[0])?;
    args[1].as_u64().or_badarg()?;
    let io = is_open(ctx, args[0])?;
    let request =
        find(ctx.engine.config.release, args[1], |form| matches!(form, Form::List | Form::Pending | Form::Mark))?;
    if request.form != Form::List {
        let mut number = [0; IFREQ];
        sys::interface_request(io.fd()?, request.number, &mut number)?;
        drop(io);
        let number = number.first_chunk().map_or(0, |&bytes| i32::from_ne_bytes(bytes));
        let value = if request.form == Form::Mark { Term::bool(number != 0) } else { Term::small(number.into()) };
        return Ok(ctx.ok(value)?);
    }
    let records = sys::interface_list(io.fd()?)?;
    drop(io);
    let h = ctx.heap();
    let mut all = Vec::new();
    for record in records.chunks_exact(IFREQ) {
        let (name, address) = (name_of(h, record), address::encode(h, &record[NAME..NAME + ADDRESS]));
        all.push(map_of(h, &[("name", name), ("addr", address)]));
    }
    let all = h.list(&all);
    Ok(ctx.ok(all)?)
}

fn get(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    socket_of(args[0])?;
    args[1].as_u64().or_badarg()?;
    let io = is_open(ctx, args[0])?;
    let request = find(ctx.engine.config.release, args[1], |form| {
        matches!(form, Form::Name | Form::Int | Form::Flags | Form::Address | Form::Hardware | Form::Map)
    })?;
    let mut record = if request.form == Form::Name { [0; IFREQ] } else { record(args[2])? };
    if request.form == Form::Name {
        record[NAME..NAME + 4].copy_from_slice(&as_int(args[2]).or_badarg()?.to_ne_bytes());
    }
    sys::interface_request(io.fd()?, request.number, &mut record)?;
    drop(io);
    let t = told(ctx.heap(), request.form, &record);
    Ok(ctx.ok(t)?)
}

fn told(h: &mut Heap, form: Form, record: &[u8]) -> Term {
    match form {
        Form::Name => name_of(h, record),
        Form::Flags => supports::flags(h, FLAGS, i16::from_ne_bytes(part(record, 0)).into()),
        Form::Address => address::encode(h, &part::<ADDRESS>(record, 0)),
        Form::Hardware => {
            let family = u16::from_ne_bytes(part(record, 0));
            address::plain(h, address::hardware_term(family), &part::<14>(record, 2))
        }
        Form::Map => {
            let long = |at| u64::from_ne_bytes(part(record, at));
            let (start, end) = (h.unsigned(long(0)), h.unsigned(long(8)));
            let [irq, dma, port] = part(record, 18);
            let pairs = [
                ("mem_start", start),
                ("mem_end", end),
                ("base_addr", Term::small(u16::from_ne_bytes(part(record, 16)).into())),
                ("irq", Term::small(irq.into())),
                ("dma", Term::small(dma.into())),
                ("port", Term::small(port.into())),
            ];
            map_of(h, &pairs)
        }
        _ => Term::small(i32::from_ne_bytes(part(record, 0)).into()),
    }
}

fn set(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    socket_of(args[0])?;
    args[1].as_u64().or_badarg()?;
    let io = is_open(ctx, args[0])?;
    let request = find(ctx.engine.config.release, args[1], |form| {
        matches!(form, Form::SetInt(_) | Form::SetFlags | Form::SetAddress)
    })?;
    let mut record = record(args[2])?;
    match request.form {
        Form::SetInt(what) => {
            let value = as_int(args[3]).ok_or_else(|| Failure::Invalid(name(what)))?;
            record[NAME..NAME + 4].copy_from_slice(&value.to_ne_bytes());
        }
        Form::SetFlags => {
            sys::interface_request(io.fd()?, libc::SIOCGIFFLAGS, &mut record)?;
            let flags = changed(i16::from_ne_bytes(part(&record, 0)), args[3]).or_badarg()?;
            record[NAME..NAME + 2].copy_from_slice(&flags.to_ne_bytes());
        }
        _ => {
            let address = address::decode(args[3]).ok_or(Failure::Invalid(am!("sockaddr")))?;
            let n = address.len().min(ADDRESS);
            record[NAME..NAME + n].copy_from_slice(&address[..n]);
        }
    }
    sys::interface_request(io.fd()?, request.number, &mut record)?;
    Ok(OK)
}

/// Flags with those changed that a map names by number: `true` sets one, anything else takes it away.
fn changed(flags: i16, t: Term) -> Option<i16> {
    let (mut flags, list) = (i32::from(flags), pairs(t)?);
    for (flag, value) in list {
        let flag = as_int(flag)?;
        if value == am!("true") { flags |= flag } else { flags &= !flag }
    }
    Some(flags as i16)
}

fn pairs(t: Term) -> Option<Vec<(Term, Term)>> {
    let (keys, values) = t.as_flat_map()?;
    Some(keys.iter().copied().zip(values.iter().copied()).collect())
}
