//! The calls of the C library for which there is no safe wrapper: options by number, messages with control data,
//! network interfaces and services.
//!
//! The invariant, **BUFFER**: each pointer that is handed over comes from a live value of the length that goes with
//! it, and the library keeps none of them beyond the call.

#![expect(unsafe_code, reason = "it calls the C library")]

use rustix::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::mem::zeroed;

/// The last error of the C library.
fn errno() -> Errno {
    Errno::from_raw_os_error(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL))
}

fn checked(result: libc::ssize_t) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| errno())
}

/// Sets an option, given by numbers and bytes.
pub fn set_option(fd: impl AsFd, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: BUFFER: `value` is a slice.
    let r = unsafe { libc::setsockopt(fd, level, name, value.as_ptr().cast(), value.len() as u32) };
    checked(r as isize).map(drop)
}

/// Reads an option into `value`; gives how many bytes it has.
pub fn get_option(fd: impl AsFd, level: i32, name: i32, value: &mut [u8]) -> Result<usize, Errno> {
    let mut size = value.len() as libc::socklen_t;
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: BUFFER: `value` is a slice of `size` bytes.
    let r = unsafe { libc::getsockopt(fd, level, name, value.as_mut_ptr().cast(), &mut size) };
    checked(r as isize)?;
    Ok((size as usize).min(value.len()))
}

/// A descriptor of one's own for what the descriptor with this number leads to.
pub fn duplicate(fd: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes any number, and what it gives belongs to nobody yet.
    unsafe {
        let new = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3);
        checked(new as isize)?;
        Ok(OwnedFd::from_raw_fd(new))
    }
}

/// An item of control data: level, type and the number that it carries.
pub type Control = (i32, i32, i32);

/// Receives a packet; gives its size and the control data that came with it, the sender's address in `name`.
pub fn receive(fd: impl AsFd, buffer: &mut [u8], name: &mut Vec<u8>) -> Result<(usize, Vec<Control>), Errno> {
    let mut control = [0u64; 32];
    name.resize(128, 0);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: a message header of zeros is valid.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_name = name.as_mut_ptr().cast();
    header.msg_namelen = name.len() as u32;
    header.msg_iov = &mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&control) as _;
    // SAFETY: BUFFER: all parts live in this function.
    let n = checked(unsafe { libc::recvmsg(fd.as_fd().as_raw_fd(), &mut header, 0) })?;
    name.truncate(header.msg_namelen as usize);
    let written = header.msg_controllen as usize;
    let control: Vec<u8> = control.iter().flat_map(|w| w.to_ne_bytes()).take(written).collect();
    Ok((n, control_items(&control)))
}

/// Reads control data: each item has its length in front of level and type, and takes whole words.
pub fn control_items(mut bytes: &[u8]) -> Vec<Control> {
    const HEAD: usize = 16;
    let int = |b: &[u8]| b.first_chunk().map(|&b| i32::from_ne_bytes(b));
    let mut items = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<8>() {
        let length = usize::from_ne_bytes(*length);
        let (Some(level), Some(kind)) = (int(rest), rest.get(4..).and_then(int)) else { break };
        let Some(data) = bytes.get(HEAD..length) else { break };
        let value = int(data).or(data.first().map(|&b| b.into())).unwrap_or(0);
        items.push((level, kind, value));
        bytes = bytes.get(length.next_multiple_of(8)..).unwrap_or(&[]);
    }
    items
}

/// Sends a packet with control data; `name` are the bytes of the address, none on a connected socket.
pub fn send(
    fd: impl AsFd,
    data: &[u8],
    name: Option<&rustix::net::SocketAddrAny>,
    control: &[Control],
) -> Result<usize, Errno> {
    let mut space = [0u64; 32];
    let mut part = libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
    // SAFETY: a message header of zeros is valid.
    let mut header: libc::msghdr = unsafe { zeroed() };
    if let Some(address) = name {
        header.msg_name = address.as_ptr().cast_mut().cast();
        header.msg_namelen = address.addr_len();
    }
    header.msg_iov = &mut part;
    header.msg_iovlen = 1;
    // SAFETY: an item of one number takes so many bytes on this system.
    let (each, filled) = unsafe { (libc::CMSG_SPACE(4) as usize, libc::CMSG_LEN(4)) };
    if each * control.len() > size_of_val(&space) {
        return Err(Errno::INVAL);
    }
    header.msg_control = space.as_mut_ptr().cast();
    header.msg_controllen = (each * control.len()) as _;
    // SAFETY: BUFFER: the items fit `space`, as just checked; the other parts live in this function.
    unsafe {
        let mut item = libc::CMSG_FIRSTHDR(&header);
        for &(level, kind, value) in control {
            if item.is_null() {
                return Err(Errno::INVAL);
            }
            (*item).cmsg_level = level;
            (*item).cmsg_type = kind;
            (*item).cmsg_len = filled as _;
            libc::CMSG_DATA(item).cast::<i32>().write_unaligned(value);
            item = libc::CMSG_NXTHDR(&header, item);
        }
        checked(libc::sendmsg(fd.as_fd().as_raw_fd(), &header, libc::MSG_NOSIGNAL))
    }
}

/// An address of a network interface; addresses as the system keeps them.
pub struct Interface {
    pub name: Vec<u8>,
    pub flags: i32,
    pub address: Option<Vec<u8>>,
    pub netmask: Option<Vec<u8>>,
    /// The other end of a point-to-point interface, else the broadcast address.
    pub other: Option<Vec<u8>>,
}

/// All addresses of all network interfaces.
pub fn interfaces() -> Result<Vec<Interface>, Errno> {
    let mut first = std::ptr::null_mut();
    // SAFETY: BUFFER.
    checked(unsafe { libc::getifaddrs(&mut first) } as isize)?;
    let mut all = Vec::new();
    let mut next: *const libc::ifaddrs = first;
    // SAFETY: the library made a list that ends with a null pointer; it is given back once, after the last use.
    unsafe {
        while let Some(i) = next.as_ref() {
            all.push(Interface {
                name: CStr::from_ptr(i.ifa_name).to_bytes().to_vec(),
                flags: i.ifa_flags as i32,
                address: bytes(i.ifa_addr),
                netmask: bytes(i.ifa_netmask),
                other: bytes(i.ifa_ifu),
            });
            next = i.ifa_next;
        }
        libc::freeifaddrs(first);
    }
    Ok(all)
}

/// The bytes of an address, as many as its family has; of other families the family alone.
///
/// # Safety
/// The pointer is null or that of an address of its family's size.
unsafe fn bytes(address: *const libc::sockaddr) -> Option<Vec<u8>> {
    // SAFETY: by the caller's promise.
    unsafe {
        let size = match i32::from(address.as_ref()?.sa_family) {
            libc::AF_INET => size_of::<libc::sockaddr_in>(),
            libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
            libc::AF_PACKET => size_of::<libc::sockaddr_ll>(),
            _ => size_of::<libc::sa_family_t>(),
        };
        Some(std::slice::from_raw_parts(address.cast::<u8>(), size).to_vec())
    }
}

/// The port of a service; `any` is any protocol.
pub fn service_by_name(name: &[u8], protocol: &[u8]) -> Option<u16> {
    let (name, protocol) = (CString::new(name).ok()?, protocol_text(protocol)?);
    service(|entry, space, found| {
        // SAFETY: BUFFER: the strings end with a zero, the others are of the length given.
        unsafe {
            let (at, n) = (space.as_mut_ptr().cast(), space.len());
            libc_services::getservbyname_r(name.as_ptr(), pointer(&protocol), entry, at, n, found);
        }
    })
    .map(|(_, port)| port)
}

/// The name of the service at a port.
pub fn service_by_port(port: u16, protocol: &[u8]) -> Option<Vec<u8>> {
    let protocol = protocol_text(protocol)?;
    service(|entry, space, found| {
        // SAFETY: BUFFER: as above.
        unsafe {
            let (at, n) = (space.as_mut_ptr().cast(), space.len());
            libc_services::getservbyport_r(port.to_be().into(), pointer(&protocol), entry, at, n, found);
        }
    })
    .map(|(name, _)| name)
}

fn protocol_text(name: &[u8]) -> Option<Option<CString>> {
    if name == b"any" { Some(None) } else { CString::new(name).ok().map(Some) }
}

fn pointer(text: &Option<CString>) -> *const libc::c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

fn service(look: impl FnOnce(&mut libc::servent, &mut [u8], &mut *mut libc::servent)) -> Option<(Vec<u8>, u16)> {
    // SAFETY: a record of zeros is valid.
    let mut entry: libc::servent = unsafe { zeroed() };
    let mut space = vec![0u8; 4096];
    let mut found = std::ptr::null_mut();
    look(&mut entry, &mut space, &mut found);
    if found.is_null() {
        return None;
    }
    // SAFETY: the look-up filled `entry`, whose name ends with a zero and lies in `space`.
    let name = unsafe { CStr::from_ptr(entry.s_name) }.to_bytes().to_vec();
    Some((name, u16::from_be(entry.s_port as u16)))
}

/// Look-ups of services that write to the caller's memory.
mod libc_services {
    use libc::{c_char, c_int, servent, size_t};

    unsafe extern "C" {
        pub fn getservbyname_r(
            name: *const c_char,
            protocol: *const c_char,
            entry: *mut servent,
            space: *mut c_char,
            size: size_t,
            found: *mut *mut servent,
        ) -> c_int;
        pub fn getservbyport_r(
            port: c_int,
            protocol: *const c_char,
            entry: *mut servent,
            space: *mut c_char,
            size: size_t,
            found: *mut *mut servent,
        ) -> c_int;
    }
}
