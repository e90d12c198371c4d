//! The look-ups of the C library: hosts, services, names of network interfaces.
//!
//! The invariant, **BUFFER**: each pointer that is handed over comes from a live value of the length that goes with
//! it, or is null; lists that the library makes are read before they are given back, which happens once.

#![expect(unsafe_code, reason = "it calls the C library")]

use rustix::io::Errno;
use std::ffi::{CStr, CString};

/// A refusal of the resolver: its code, and the system's error that goes with `EAI_SYSTEM`.
pub type Refused = (i32, i32);

fn last_number() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// The error of a call that has failed.
fn last() -> Errno {
    Errno::from_raw_os_error(last_number().max(1))
}

fn resolved(code: i32) -> Result<(), Refused> {
    if code == 0 { Ok(()) } else { Err((code, last_number())) }
}

/// The names of the host and of the service at an address.
pub fn names(address: &[u8], flags: i32) -> Result<(Vec<u8>, Vec<u8>), Refused> {
    let (mut host, mut service) = ([0u8; 256], [0u8; 256]);
    // SAFETY: BUFFER.
    let code = unsafe {
        libc::getnameinfo(
            address.as_ptr().cast(),
            address.len() as u32,
            host.as_mut_ptr().cast(),
            host.len() as u32,
            service.as_mut_ptr().cast(),
            service.len() as u32,
            flags,
        )
    };
    resolved(code)?;
    let text = |bytes: &[u8]| bytes.iter().copied().take_while(|&b| b != 0).collect();
    Ok((text(&host), text(&service)))
}

/// One way to reach a host.
pub struct Way {
    pub family: i32,
    pub kind: i32,
    pub protocol: i32,
    pub address: Vec<u8>,
}

/// All ways to reach a host or a service.
pub fn ways(host: Option<&CString>, service: Option<&CString>) -> Result<Vec<Way>, Refused> {
    let text = |t: Option<&CString>| t.map_or(std::ptr::null(), |t| t.as_ptr());
    let mut first = std::ptr::null_mut();
    // SAFETY: BUFFER: the texts end with a zero.
    resolved(unsafe { libc::getaddrinfo(text(host), text(service), std::ptr::null(), &mut first) })?;
    let mut all = Vec::new();
    let mut next: *const libc::addrinfo = first;
    // SAFETY: BUFFER: the list ends with a null pointer, and each address has the length that stands beside it.
    unsafe {
        while let Some(a) = next.as_ref() {
            let address = std::slice::from_raw_parts(a.ai_addr.cast::<u8>(), a.ai_addrlen as usize).to_vec();
            all.push(Way { family: a.ai_family, kind: a.ai_socktype, protocol: a.ai_protocol, address });
            next = a.ai_next;
        }
        libc::freeaddrinfo(first);
    }
    Ok(all)
}

/// The number of an interface.
pub fn index(name: &CStr) -> Result<u32, Errno> {
    // SAFETY: BUFFER: the name ends with a zero.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(last()),
        n => Ok(n),
    }
}

/// The name of the interface with a number.
pub fn name(index: u32) -> Option<Vec<u8>> {
    let mut name = [0u8; libc::IF_NAMESIZE];
    // SAFETY: BUFFER: the library writes so many bytes at most.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    (!found.is_null()).then(|| name.iter().copied().take_while(|&b| b != 0).collect())
}

/// Numbers and names of all interfaces.
pub fn all_names() -> Result<Vec<(u32, Vec<u8>)>, Errno> {
    // SAFETY: the call has no arguments.
    let first = unsafe { libc::if_nameindex() };
    if first.is_null() {
        return Err(last());
    }
    let mut all = Vec::new();
    let mut next = first.cast_const();
    // SAFETY: BUFFER: the list ends with an entry without a name.
    unsafe {
        while !(*next).if_name.is_null() {
            all.push(((*next).if_index, CStr::from_ptr((*next).if_name).to_bytes().to_vec()));
            next = next.add(1);
        }
        libc::if_freenameindex(first);
    }
    Ok(all)
}
