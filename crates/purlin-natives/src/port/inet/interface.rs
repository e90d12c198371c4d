//! Network interfaces, as `inet:getifaddrs/0` and `inet:ifget/2` list them.

use super::codes::flag;
use super::sys;
use super::tcp::Answer;
use rustix::io::Errno;

/// What an interface has: `INET_IFOPT_*`.
const ADDRESS: u8 = 1;
const BROADCAST: u8 = 2;
const OTHER_END: u8 = 3;
const MTU: u8 = 4;
const NETMASK: u8 = 5;
const FLAGS: u8 = 6;
const HARDWARE: u8 = 7;

/// An address of an interface: of the internet, or of the hardware.
enum Number {
    V4([u8; 4]),
    V6([u8; 16]),
    Hardware(Vec<u8>),
}

impl Number {
    /// Reads what the system keeps of an address, which begins with its family.
    fn of(address: Vec<u8>) -> Option<Number> {
        let (family, rest) = address.split_first_chunk()?;
        match i32::from(u16::from_ne_bytes(*family)) {
            // A port stands before the address, and a flow number, too, before a longer one.
            libc::AF_INET => Some(Number::V4(*rest.get(2..)?.first_chunk()?)),
            libc::AF_INET6 => Some(Number::V6(*rest.get(6..)?.first_chunk()?)),
            // Protocol, index and kinds stand before the length.
            libc::AF_PACKET => Some(Number::Hardware(rest.get(10..)?.get(..*rest.get(9)? as usize)?.to_vec())),
            _ => None,
        }
    }
}

/// One address of a network interface.
struct Interface {
    name: Vec<u8>,
    flags: i32,
    address: Option<Number>,
    netmask: Option<Number>,
    other: Option<Number>,
}

fn interfaces() -> Result<Vec<Interface>, Errno> {
    let of = |i: sys::Interface| Interface {
        name: i.name,
        flags: i.flags,
        address: i.address.and_then(Number::of),
        netmask: i.netmask.and_then(Number::of),
        other: i.other.and_then(Number::of),
    };
    Ok(sys::interfaces()?.into_iter().map(of).collect())
}

/// Flags as the Erlang side numbers them. An interface that is up counts as running.
fn flags(flags: i32) -> u32 {
    let all = [
        (libc::IFF_UP, flag::UP | flag::RUNNING),
        (libc::IFF_BROADCAST, flag::BROADCAST),
        (libc::IFF_LOOPBACK, flag::LOOPBACK),
        (libc::IFF_POINTOPOINT, flag::POINTTOPOINT),
        (libc::IFF_MULTICAST, flag::MULTICAST),
    ];
    all.iter().filter(|(bit, _)| flags & bit != 0).fold(0, |f, (_, n)| f | n)
}

fn put(out: &mut Vec<u8>, item: u8, number: Option<&Number>) {
    let Some(number) = number else { return };
    out.push(item);
    match number {
        Number::V4(bytes) => {
            out.push(super::address::INET);
            out.extend(bytes);
        }
        Number::V6(bytes) => {
            out.push(super::address::INET6);
            out.extend(bytes);
        }
        Number::Hardware(bytes) => {
            out.extend((bytes.len() as u16).to_be_bytes());
            out.extend(bytes);
        }
    }
}

/// All addresses: each interface's name, a zero, its items, a zero.
pub fn all() -> Result<Vec<u8>, Errno> {
    let mut out = Vec::new();
    for i in interfaces()? {
        // Names are bytes; beyond ASCII they are taken for Latin-1.
        let name: String = i.name.iter().map(|&b| char::from(b)).collect();
        out.extend(name.as_bytes());
        out.extend([0, FLAGS]);
        out.extend(flags(i.flags).to_be_bytes());
        match &i.address {
            Some(Number::Hardware(bytes)) if bytes.len() > 1 => put(&mut out, HARDWARE, i.address.as_ref()),
            Some(Number::V4(_) | Number::V6(_)) => {
                put(&mut out, ADDRESS, i.address.as_ref());
                put(&mut out, NETMASK, i.netmask.as_ref());
                if i.flags & libc::IFF_POINTOPOINT != 0 {
                    put(&mut out, OTHER_END, i.other.as_ref());
                } else if i.flags & libc::IFF_BROADCAST != 0 {
                    put(&mut out, BROADCAST, i.other.as_ref());
                }
            }
            _ => {}
        }
        out.push(0);
    }
    Ok(out)
}

/// The names of interfaces that have an IPv4 address, each with a zero behind it.
pub fn names() -> Result<Vec<u8>, Errno> {
    let with_address = interfaces()?.into_iter().filter(|i| matches!(i.address, Some(Number::V4(_))));
    Ok(with_address.flat_map(|i| [i.name, vec![0]].concat()).collect())
}

/// Items of one interface: those that it has of the ones that are asked for behind its name.
pub fn get(data: &[u8]) -> Answer {
    let (&n, rest) = data.split_first().ok_or(Errno::INVAL)?;
    let (name, items) = rest.split_at_checked(n as usize).ok_or(Errno::INVAL)?;
    let mine: Vec<Interface> = interfaces()?.into_iter().filter(|i| i.name == name).collect();
    let v4 = mine.iter().find(|i| matches!(i.address, Some(Number::V4(_))));
    let hardware = mine.iter().find(|i| matches!(i.address, Some(Number::Hardware(_))));
    let bits = mine.first().map_or(0, |i| i.flags);
    let mut out = Vec::new();
    for &item in items {
        match item {
            ADDRESS => put(&mut out, item, v4.and_then(|i| i.address.as_ref())),
            NETMASK => put(&mut out, item, v4.and_then(|i| i.netmask.as_ref())),
            BROADCAST => {
                let other = v4.filter(|_| bits & libc::IFF_BROADCAST != 0).and_then(|i| i.other.as_ref());
                put(&mut out, item, other.or(v4.map(|_| &Number::V4([0; 4]))));
            }
            OTHER_END => {
                let other = v4.filter(|_| bits & libc::IFF_POINTOPOINT != 0).and_then(|i| i.other.as_ref());
                put(&mut out, item, other.or(v4.and_then(|i| i.address.as_ref())));
            }
            HARDWARE => put(&mut out, item, hardware.and_then(|i| i.address.as_ref())),
            MTU => {
                let mtu = str::from_utf8(name).ok().filter(|n| !n.contains('/')).and_then(mtu);
                if let Some(mtu) = mtu {
                    out.push(item);
                    out.extend(mtu.to_be_bytes());
                }
            }
            FLAGS => {
                out.push(item);
                out.extend(flags(bits).to_be_bytes());
            }
            _ => return Err(Errno::INVAL.into()),
        }
    }
    Ok(out)
}

fn mtu(name: &str) -> Option<u32> {
    std::fs::read_to_string(format!("/sys/class/net/{name}/mtu")).ok()?.trim().parse().ok()
}
