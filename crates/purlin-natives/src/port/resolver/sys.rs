//! The C library's look-ups of hosts, in the functions that `inet_gethost` uses: they differ in which names they tell.
//!
//! The invariant, **BUFFER**: each pointer that is handed over comes from a live value of the length that goes with
//! it; what the library points to is read while the buffer that it filled is there.

#![expect(unsafe_code, reason = "it calls the C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};

/// Why there is no host.
#[derive(Clone, Copy)]
pub enum Refusal {
    NotFound,
    TryAgain,
    NoRecovery,
    NoData,
    Internal,
}

impl Refusal {
    pub fn text(self) -> &'static str {
        match self {
            Refusal::NotFound => "notfound",
            Refusal::TryAgain => "try_again",
            Refusal::NoRecovery => "no_recovery",
            Refusal::NoData => "no_data",
            Refusal::Internal => "netdb_internal",
        }
    }

    /// Of `gethostbyname` and `gethostbyaddr`.
    fn of_host(code: c_int) -> Refusal {
        match code {
            1 => Refusal::NotFound,
            2 => Refusal::TryAgain,
            3 => Refusal::NoRecovery,
            4 => Refusal::NoData,
            _ => Refusal::Internal,
        }
    }

    /// Of `getaddrinfo` and `getnameinfo`.
    fn of_info(code: c_int) -> Refusal {
        match code {
            libc::EAI_AGAIN => Refusal::TryAgain,
            libc::EAI_FAIL | libc::EAI_NODATA | libc::EAI_NONAME => Refusal::NotFound,
            _ => Refusal::Internal,
        }
    }
}

/// Addresses of one length, and the name with the aliases.
pub struct Host {
    pub addresses: Vec<Vec<u8>>,
    pub names: Vec<Vec<u8>>,
}

unsafe extern "C" {
    fn gethostbyname_r(
        name: *const c_char,
        host: *mut libc::hostent,
        buffer: *mut c_char,
        length: usize,
        result: *mut *mut libc::hostent,
        error: *mut c_int,
    ) -> c_int;
    fn gethostbyaddr_r(
        address: *const c_void,
        address_length: libc::socklen_t,
        family: c_int,
        host: *mut libc::hostent,
        buffer: *mut c_char,
        length: usize,
        result: *mut *mut libc::hostent,
        error: *mut c_int,
    ) -> c_int;
}

/// No answer is longer.
const MAX_BUFFER: usize = 1 << 24;

/// A look-up into a buffer, which grows until the answer fits.
fn into_buffer(
    look_up: impl Fn(*mut libc::hostent, *mut c_char, usize, *mut *mut libc::hostent, *mut c_int) -> c_int,
) -> Result<Host, Refusal> {
    let mut buffer = vec![0u8; 4096];
    loop {
        let mut host = std::mem::MaybeUninit::<libc::hostent>::uninit();
        let (mut found, mut error) = (std::ptr::null_mut(), 0);
        let code = look_up(host.as_mut_ptr(), buffer.as_mut_ptr().cast(), buffer.len(), &mut found, &mut error);
        if code == libc::ERANGE && buffer.len() < MAX_BUFFER {
            buffer.resize(buffer.len() * 2, 0);
            continue;
        }
        // SAFETY: BUFFER: what is found is `host`, which points into `buffer`.
        return match unsafe { found.as_ref() } {
            Some(host) if code == 0 => Ok(unsafe { read(host) }),
            _ => Err(Refusal::of_host(error)),
        };
    }
}

/// SAFETY: lists and texts of `host` end with zeros, and its addresses have the length that it says.
unsafe fn read(host: &libc::hostent) -> Host {
    let length = usize::try_from(host.h_length).unwrap_or(0);
    // SAFETY: as the function says.
    unsafe {
        let mut names = vec![CStr::from_ptr(host.h_name).to_bytes().to_vec()];
        names.extend(pointers(host.h_aliases).map(|name| CStr::from_ptr(name).to_bytes().to_vec()));
        let bytes = |address: *mut c_char| std::slice::from_raw_parts(address.cast::<u8>(), length).to_vec();
        Host { addresses: pointers(host.h_addr_list).map(bytes).collect(), names }
    }
}

/// SAFETY: `list` is null, or ends with a null pointer.
unsafe fn pointers(list: *mut *mut c_char) -> impl Iterator<Item = *mut c_char> {
    let mut next = list;
    std::iter::from_fn(move || {
        if next.is_null() {
            return None;
        }
        // SAFETY: as the function says: the end was not passed.
        let pointer = unsafe { *next };
        if pointer.is_null() {
            return None;
        }
        // SAFETY: as above.
        next = unsafe { next.add(1) };
        Some(pointer)
    })
}

/// The host of a name, by IPv4.
pub fn by_name(name: &CString) -> Result<Host, Refusal> {
    // SAFETY: BUFFER: the name ends with a zero.
    into_buffer(|host, buffer, length, found, error| unsafe {
        gethostbyname_r(name.as_ptr(), host, buffer, length, found, error)
    })
}

/// The host of an address of IPv4.
pub fn by_address(address: [u8; 4]) -> Result<Host, Refusal> {
    // SAFETY: BUFFER.
    into_buffer(|host, buffer, length, found, error| unsafe {
        gethostbyaddr_r(address.as_ptr().cast(), 4, libc::AF_INET, host, buffer, length, found, error)
    })
}

/// The host of a name, by IPv6.
pub fn by_name_6(name: &CString) -> Result<Host, Refusal> {
    // SAFETY: zeros are a value of it.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_flags = libc::AI_CANONNAME;
    hints.ai_socktype = libc::SOCK_STREAM;
    hints.ai_family = libc::AF_INET6;
    let mut first = std::ptr::null_mut();
    // SAFETY: BUFFER: the name ends with a zero.
    match unsafe { libc::getaddrinfo(name.as_ptr(), std::ptr::null(), &hints, &mut first) } {
        0 => {}
        code => return Err(Refusal::of_info(code)),
    }
    let mut host = Host { addresses: Vec::new(), names: Vec::new() };
    let mut next: *const libc::addrinfo = first;
    // SAFETY: BUFFER: the list ends with a null pointer, its addresses are of the family that was asked for, names end
    // with a zero; it is given back once, when all is read.
    unsafe {
        while let Some(info) = next.as_ref() {
            if info.ai_family == libc::AF_INET6 && !info.ai_addr.is_null() {
                let address = &*info.ai_addr.cast::<libc::sockaddr_in6>();
                host.addresses.push(address.sin6_addr.s6_addr.to_vec());
            }
            if !info.ai_canonname.is_null() {
                host.names.push(CStr::from_ptr(info.ai_canonname).to_bytes().to_vec());
            }
            next = info.ai_next;
        }
        libc::freeaddrinfo(first);
    }
    Ok(host)
}

/// The host of an address of IPv6.
pub fn by_address_6(address: [u8; 16]) -> Result<Host, Refusal> {
    // SAFETY: zeros are a value of it.
    let mut socket: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    socket.sin6_family = libc::AF_INET6 as libc::sa_family_t;
    socket.sin6_addr.s6_addr = address;
    let mut name = [0u8; 1025];
    // SAFETY: BUFFER.
    let code = unsafe {
        libc::getnameinfo(
            (&raw const socket).cast(),
            size_of::<libc::sockaddr_in6>() as libc::socklen_t,
            name.as_mut_ptr().cast(),
            name.len() as libc::socklen_t,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if code != 0 {
        return Err(Refusal::of_info(code));
    }
    let name = name.iter().copied().take_while(|&b| b != 0).collect();
    Ok(Host { addresses: vec![address.to_vec()], names: vec![name] })
}
