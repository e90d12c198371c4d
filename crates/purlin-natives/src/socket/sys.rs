//! The socket calls of the operating system, with addresses and control data as the bytes that it keeps in memory.
//!
//! The invariants: **BUFFER**: each pointer that is handed over comes from a live value of the length that goes with
//! it, and the system keeps none of them beyond the call. **FRESH**: a descriptor that a call gives belongs to nobody
//! yet.

#![expect(unsafe_code, reason = "it calls the C library")]

use rustix::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::CStr;
use std::io::IoSlice;
use std::mem::{MaybeUninit, zeroed};
use std::ops::Deref;

/// The last error of the C library.
fn errno() -> Errno {
    Errno::from_raw_os_error(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL))
}

fn checked(result: libc::ssize_t) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| errno())
}

/// An address as the operating system keeps it in memory: a family and what belongs to it.
#[derive(Clone, Copy)]
pub struct Address {
    bytes: [u8; Address::SIZE],
    length: usize,
}

impl Address {
    /// The longest address that there is.
    pub const SIZE: usize = size_of::<libc::sockaddr_storage>();

    /// An address of these bytes, if they are not too many.
    pub fn new(bytes: &[u8]) -> Option<Address> {
        let mut address = Address::empty();
        address.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        address.length = bytes.len();
        Some(address)
    }

    fn empty() -> Address {
        Address { bytes: [0; Address::SIZE], length: 0 }
    }
}

impl Deref for Address {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length.min(Address::SIZE)]
    }
}

/// A new socket, which does not block.
pub fn open(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: FRESH.
    unsafe {
        let fd = libc::socket(domain, kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, protocol);
        checked(fd as isize)?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Does something in another name space of the network, if one is named: this thread enters it and comes back.
pub fn within<T>(namespace: Option<&CStr>, f: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
    let Some(namespace) = namespace else { return f() };
    let path = |p: &CStr| rustix::fs::open(p, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let (home, other) = (path(c"/proc/thread-self/ns/net")?, path(namespace)?);
    let enter = |fd: &OwnedFd| {
        // SAFETY: the call takes any descriptor.
        checked(unsafe { libc::setns(fd.as_raw_fd(), libc::CLONE_NEWNET) } as isize)
    };
    enter(&other)?;
    let result = f();
    enter(&home)?;
    result
}

/// The descriptor with this number, as the caller's own; `None`: there is no such descriptor.
pub fn adopt(fd: i32) -> Option<OwnedFd> {
    // SAFETY: the call takes any number. Whoever asks for a number has to own the descriptor, as in OTP.
    unsafe { (libc::fcntl(fd, libc::F_GETFD) >= 0).then(|| OwnedFd::from_raw_fd(fd)) }
}

pub fn bind(fd: impl AsFd, address: &[u8]) -> Result<(), Errno> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: BUFFER: `address` is a slice.
    let r = unsafe { libc::bind(fd, address.as_ptr().cast(), address.len() as u32) };
    checked(r as isize).map(drop)
}

pub fn connect(fd: impl AsFd, address: &[u8]) -> Result<(), Errno> {
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: BUFFER: `address` is a slice.
    let r = unsafe { libc::connect(fd, address.as_ptr().cast(), address.len() as u32) };
    checked(r as isize).map(drop)
}

/// Whose name is asked for.
#[derive(Clone, Copy)]
pub enum End {
    Own,
    Peer,
}

/// The address of a socket or of its peer.
pub fn name(fd: impl AsFd, end: End) -> Result<Address, Errno> {
    let fd = fd.as_fd().as_raw_fd();
    let mut address = Address::empty();
    let mut length = Address::SIZE as libc::socklen_t;
    let at = address.bytes.as_mut_ptr().cast();
    // SAFETY: BUFFER: `address` has room for `length` bytes.
    let r = unsafe {
        match end {
            End::Own => libc::getsockname(fd, at, &mut length),
            End::Peer => libc::getpeername(fd, at, &mut length),
        }
    };
    checked(r as isize)?;
    address.length = length as usize;
    Ok(address)
}

/// Sends data, to an address if one is given; how many bytes went out.
pub fn send(fd: impl AsFd, data: &[u8], flags: i32, to: Option<&Address>) -> Result<usize, Errno> {
    let (fd, flags) = (fd.as_fd().as_raw_fd(), flags | libc::MSG_NOSIGNAL);
    let (at, length) = to.map_or((std::ptr::null(), 0), |a| (a.as_ptr(), a.len()));
    // SAFETY: BUFFER: slices both, or no address at all.
    checked(unsafe { libc::sendto(fd, data.as_ptr().cast(), data.len(), flags, at.cast(), length as u32) })
}

/// Receives into `room`; the part of it that was filled, and whom the data are from.
pub fn receive(fd: impl AsFd, room: &mut [MaybeUninit<u8>], flags: i32) -> Result<(&mut [u8], Address), Errno> {
    let fd = fd.as_fd().as_raw_fd();
    let mut from = Address::empty();
    let mut length = Address::SIZE as libc::socklen_t;
    let (at, size) = (room.as_mut_ptr().cast(), room.len());
    // SAFETY: BUFFER: `room` is a slice, and `from` has room for `length` bytes.
    let n = checked(unsafe { libc::recvfrom(fd, at, size, flags, from.bytes.as_mut_ptr().cast(), &mut length) })?;
    from.length = length as usize;
    // SAFETY: BUFFER: the system filled so many bytes; with MSG_TRUNC it tells of more than there is room for.
    Ok((unsafe { room[..n.min(size)].assume_init_mut() }, from))
}

/// Sends pieces with control data; how many bytes went out.
pub fn send_message(
    fd: impl AsFd,
    pieces: &[IoSlice<'_>],
    control: &[u8],
    flags: i32,
    to: Option<&Address>,
) -> Result<usize, Errno> {
    // SAFETY: a message header of zeros is valid.
    let mut header: libc::msghdr = unsafe { zeroed() };
    if let Some(to) = to {
        header.msg_name = to.as_ptr().cast_mut().cast();
        header.msg_namelen = to.len() as u32;
    }
    header.msg_iov = pieces.as_ptr().cast_mut().cast();
    header.msg_iovlen = pieces.len();
    if !control.is_empty() {
        header.msg_control = control.as_ptr().cast_mut().cast();
        header.msg_controllen = control.len();
    }
    // SAFETY: BUFFER: all parts are slices; `IoSlice` has the layout of the system's `iovec`.
    checked(unsafe { libc::sendmsg(fd.as_fd().as_raw_fd(), &header, flags | libc::MSG_NOSIGNAL) })
}

/// What came with a message besides its data.
pub struct Received<'a> {
    pub data: &'a mut [u8],
    /// How many bytes of control data there are.
    pub control: usize,
    pub flags: i32,
    pub from: Address,
}

/// Receives a message into `room`, its control data into `control`.
pub fn receive_message<'a>(
    fd: impl AsFd,
    room: &'a mut [MaybeUninit<u8>],
    control: &mut [u8],
    flags: i32,
) -> Result<Received<'a>, Errno> {
    let mut from = Address::empty();
    let mut part = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
    // SAFETY: a message header of zeros is valid.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_name = from.bytes.as_mut_ptr().cast();
    header.msg_namelen = Address::SIZE as u32;
    header.msg_iov = &mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = control.len();
    // SAFETY: BUFFER: all parts are slices, or live in this function.
    let n = checked(unsafe { libc::recvmsg(fd.as_fd().as_raw_fd(), &mut header, flags) })?;
    from.length = header.msg_namelen as usize;
    let size = room.len();
    // SAFETY: BUFFER: the system filled so many bytes; with MSG_TRUNC it tells of more than there is room for.
    let data = unsafe { room[..n.min(size)].assume_init_mut() };
    Ok(Received { data, control: header.msg_controllen.min(control.len()), flags: header.msg_flags, from })
}

/// A request about an interface, whose record is filled and read by the system.
pub fn interface_request(fd: impl AsFd, request: u64, record: &mut [u8; IFREQ]) -> Result<(), Errno> {
    // SAFETY: BUFFER: such a record has this size.
    let r = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), request, record.as_mut_ptr()) };
    checked(r as isize).map(drop)
}

/// The size of an interface's record.
pub const IFREQ: usize = size_of::<libc::ifreq>();

/// The records of all interfaces that have an address.
pub fn interface_list(fd: impl AsFd) -> Result<Vec<u8>, Errno> {
    let mut records = vec![0u8; 100 * IFREQ];
    loop {
        let mut list = libc::ifconf {
            ifc_len: records.len() as i32,
            ifc_ifcu: libc::__c_anonymous_ifc_ifcu { ifcu_buf: records.as_mut_ptr().cast() },
        };
        // SAFETY: BUFFER: `records` has as many bytes as the list says.
        let r = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), libc::SIOCGIFCONF, &mut list) };
        checked(r as isize)?;
        let filled = list.ifc_len as usize;
        if filled < records.len() {
            records.truncate(filled);
            return Ok(records);
        }
        records.resize(records.len() * 2, 0);
    }
}
