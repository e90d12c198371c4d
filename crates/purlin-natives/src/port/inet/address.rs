//! Socket addresses, and the bytes in which `prim_inet` writes them: a family, then port and number or a path.

use rustix::net::{AddressFamily, Ipv4Addr, Ipv6Addr, SocketAddrAny, SocketAddrUnix, SocketAddrV4, SocketAddrV6};

/// Families as the Erlang side numbers them.
pub const INET: u8 = 1;
pub const INET6: u8 = 2;
const ANY: u8 = 3;
const LOOPBACK: u8 = 4;
pub const LOCAL: u8 = 5;
const UNDEFINED: u8 = 6;

/// The longest path that an address of the operating system holds, with the zero behind it.
const LONGEST_PATH: usize = 108;

/// The address family that a number of the Erlang side means.
pub fn family(number: u8) -> Option<AddressFamily> {
    match number {
        INET => Some(AddressFamily::INET),
        INET6 => Some(AddressFamily::INET6),
        LOCAL => Some(AddressFamily::UNIX),
        _ => None,
    }
}

/// Reads the address at the front of `bytes` and moves on behind it. `any` and `loopback` are those of the socket's
/// own family. An error is the name of one.
pub fn decode(socket: AddressFamily, bytes: &mut &[u8]) -> Result<SocketAddrAny, &'static str> {
    let tag = take::<1>(bytes)?[0];
    match tag {
        INET => {
            let port = u16::from_be_bytes(take(bytes)?);
            let ip = Ipv4Addr::from(take::<4>(bytes)?);
            Ok(SocketAddrV4::new(ip, port).into())
        }
        INET6 => {
            let port = u16::from_be_bytes(take(bytes)?);
            let ip = Ipv6Addr::from(take::<16>(bytes)?);
            let flow = u32::from_be_bytes(take(bytes)?);
            let scope = u32::from_be_bytes(take(bytes)?);
            Ok(SocketAddrV6::new(ip, port, flow, scope).into())
        }
        LOCAL => {
            let n = take::<1>(bytes)?[0] as usize;
            let path = bytes.get(..n).ok_or("einval")?;
            *bytes = &bytes[n..];
            local(path).ok_or("einval")
        }
        ANY | LOOPBACK => {
            let port = u16::from_be_bytes(take(bytes)?);
            match (socket, tag) {
                (AddressFamily::INET, ANY) => Ok(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into()),
                (AddressFamily::INET, _) => Ok(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into()),
                (AddressFamily::INET6, ANY) => Ok(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0).into()),
                (AddressFamily::INET6, _) => Ok(SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0, 0).into()),
                _ => Err("einval"),
            }
        }
        _ => Err("eafnosupport"),
    }
}

fn local(path: &[u8]) -> Option<SocketAddrAny> {
    let address = match path {
        [] => SocketAddrUnix::new_unnamed(),
        [0, name @ ..] => SocketAddrUnix::new_abstract_name(name).ok()?,
        path if path.len() < LONGEST_PATH => SocketAddrUnix::new(path).ok()?,
        _ => return None,
    };
    Some(address.into())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], &'static str> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or("einval")?;
    *bytes = rest;
    Ok(*head)
}

/// The bytes that tell the Erlang side an address.
pub fn encode(address: &SocketAddrAny) -> Vec<u8> {
    if let Ok(v4) = SocketAddrV4::try_from(address.clone()) {
        let mut out = vec![INET];
        out.extend(v4.port().to_be_bytes());
        out.extend(v4.ip().octets());
        return out;
    }
    if let Ok(v6) = SocketAddrV6::try_from(address.clone()) {
        let mut out = vec![INET6];
        out.extend(v6.port().to_be_bytes());
        out.extend(v6.ip().octets());
        return out;
    }
    if address.address_family() == AddressFamily::UNIX && address.addr_len() <= 2 {
        return vec![LOCAL, 0];
    }
    if let Ok(unix) = SocketAddrUnix::try_from(address.clone()) {
        let path = path(&unix);
        let mut out = vec![LOCAL, path.len() as u8];
        out.extend(path);
        return out;
    }
    vec![UNDEFINED]
}

/// What stands for the address of a sender that has none.
pub const NOBODY: &[u8] = &[0];

/// As [`encode`], of an address as the operating system keeps it in memory.
pub fn encode_raw(bytes: &[u8]) -> Vec<u8> {
    let Some((family, rest)) = bytes.split_first_chunk::<2>() else { return NOBODY.to_vec() };
    match (i32::from(u16::from_ne_bytes(*family)), rest) {
        (libc::AF_INET, [p1, p0, a, b, c, d, ..]) => vec![INET, *p1, *p0, *a, *b, *c, *d],
        (libc::AF_INET6, [p1, p0, _, _, _, _, ip @ ..]) if ip.len() >= 16 => [&[INET6, *p1, *p0], &ip[..16]].concat(),
        (libc::AF_UNIX, path) => {
            let end = if path.first() == Some(&0) { None } else { path.iter().position(|&b| b == 0) };
            let path = &path[..end.unwrap_or(path.len())];
            [&[LOCAL, path.len() as u8], path].concat()
        }
        (libc::AF_UNSPEC, _) => NOBODY.to_vec(),
        _ => vec![UNDEFINED],
    }
}

/// The path of a local address; a name that is in no file system starts with a zero.
pub fn path(unix: &SocketAddrUnix) -> Vec<u8> {
    match (unix.path(), unix.abstract_name()) {
        (Some(path), _) => path.to_bytes().to_vec(),
        (None, Some(name)) => [&[0], name].concat(),
        (None, None) => Vec::new(),
    }
}

/// The port of an internet address.
pub fn port(address: &SocketAddrAny) -> Option<u16> {
    if let Ok(v4) = SocketAddrV4::try_from(address.clone()) {
        return Some(v4.port());
    }
    SocketAddrV6::try_from(address.clone()).ok().map(|a| a.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for bytes in [&[1, 0, 80, 127, 0, 0, 1][..], &[5, 3, b'/', b'a', b'b'], &[5, 2, 0, b'x'], &[5, 0]] {
            let mut rest = bytes;
            let address = decode(AddressFamily::INET, &mut rest).unwrap();
            assert!(rest.is_empty());
            assert_eq!(encode(&address), bytes);
        }
        let mut loopback = &[4, 1, 2, 9][..];
        let address = decode(AddressFamily::INET6, &mut loopback).unwrap();
        assert_eq!((port(&address), loopback), (Some(258), &[9][..]));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bytes in [&[][..], &[1, 0], &[2, 0, 0, 1], &[5, 9, 1], &[9, 0, 0, 0]] {
            assert!(decode(AddressFamily::INET, &mut &bytes[..]).is_err(), "{bytes:?}");
        }
        let long = [&[5u8, 200][..], &[b'x'; 200]].concat();
        assert!(decode(AddressFamily::UNIX, &mut &long[..]).is_err());
        assert!(decode(AddressFamily::UNIX, &mut &[3, 0, 0][..]).is_err());
    }
}
