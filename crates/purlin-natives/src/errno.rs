//! Names of the operating system's error numbers, as Erlang programs see them (`enoent`, `eacces`, ...).

use purlin_term::{Atom, Term};
use rustix::io::Errno;

/// Each error number of Linux with its name.
const NAMES: &[(i32, &str)] = &[
    (libc::EPERM, "eperm"),
    (libc::ENOENT, "enoent"),
    (libc::ESRCH, "esrch"),
    (libc::EINTR, "eintr"),
    (libc::EIO, "eio"),
    (libc::ENXIO, "enxio"),
    (libc::E2BIG, "e2big"),
    (libc::ENOEXEC, "enoexec"),
    (libc::EBADF, "ebadf"),
    (libc::ECHILD, "echild"),
    (libc::EAGAIN, "eagain"),
    (libc::ENOMEM, "enomem"),
    (libc::EACCES, "eacces"),
    (libc::EFAULT, "efault"),
    (libc::ENOTBLK, "enotblk"),
    (libc::EBUSY, "ebusy"),
    (libc::EEXIST, "eexist"),
    (libc::EXDEV, "exdev"),
    (libc::ENODEV, "enodev"),
    (libc::ENOTDIR, "enotdir"),
    (libc::EISDIR, "eisdir"),
    (libc::EINVAL, "einval"),
    (libc::ENFILE, "enfile"),
    (libc::EMFILE, "emfile"),
    (libc::ENOTTY, "enotty"),
    (libc::ETXTBSY, "etxtbsy"),
    (libc::EFBIG, "efbig"),
    (libc::ENOSPC, "enospc"),
    (libc::ESPIPE, "espipe"),
    (libc::EROFS, "erofs"),
    (libc::EMLINK, "emlink"),
    (libc::EPIPE, "epipe"),
    (libc::EDOM, "edom"),
    (libc::ERANGE, "erange"),
    (libc::EDEADLK, "edeadlk"),
    (libc::ENAMETOOLONG, "enametoolong"),
    (libc::ENOLCK, "enolck"),
    (libc::ENOSYS, "enosys"),
    (libc::ENOTEMPTY, "enotempty"),
    (libc::ELOOP, "eloop"),
    (libc::ENOMSG, "enomsg"),
    (libc::EIDRM, "eidrm"),
    (libc::ENOSTR, "enostr"),
    (libc::ENODATA, "enodata"),
    (libc::ETIME, "etime"),
    (libc::ENOSR, "enosr"),
    (libc::ENONET, "enonet"),
    (libc::EREMOTE, "eremote"),
    (libc::ENOLINK, "enolink"),
    (libc::ECOMM, "ecomm"),
    (libc::EPROTO, "eproto"),
    (libc::EBADMSG, "ebadmsg"),
    (libc::EOVERFLOW, "eoverflow"),
    (libc::EBADFD, "ebadfd"),
    (libc::EREMCHG, "eremchg"),
    (libc::EILSEQ, "eilseq"),
    (libc::EUSERS, "eusers"),
    (libc::ENOTSOCK, "enotsock"),
    (libc::EDESTADDRREQ, "edestaddrreq"),
    (libc::EMSGSIZE, "emsgsize"),
    (libc::EPROTOTYPE, "eprototype"),
    (libc::ENOPROTOOPT, "enoprotoopt"),
    (libc::EPROTONOSUPPORT, "eprotonosupport"),
    (libc::ESOCKTNOSUPPORT, "esocktnosupport"),
    (libc::ENOTSUP, "enotsup"),
    (libc::EPFNOSUPPORT, "epfnosupport"),
    (libc::EAFNOSUPPORT, "eafnosupport"),
    (libc::EADDRINUSE, "eaddrinuse"),
    (libc::EADDRNOTAVAIL, "eaddrnotavail"),
    (libc::ENETDOWN, "enetdown"),
    (libc::ENETUNREACH, "enetunreach"),
    (libc::ENETRESET, "enetreset"),
    (libc::ECONNABORTED, "econnaborted"),
    (libc::ECONNRESET, "econnreset"),
    (libc::ENOBUFS, "enobufs"),
    (libc::EISCONN, "eisconn"),
    (libc::ENOTCONN, "enotconn"),
    (libc::ESHUTDOWN, "eshutdown"),
    (libc::ETOOMANYREFS, "etoomanyrefs"),
    (libc::ETIMEDOUT, "etimedout"),
    (libc::ECONNREFUSED, "econnrefused"),
    (libc::EHOSTDOWN, "ehostdown"),
    (libc::EHOSTUNREACH, "ehostunreach"),
    (libc::EALREADY, "ealready"),
    (libc::EINPROGRESS, "einprogress"),
    (libc::ESTALE, "estale"),
    (libc::EDQUOT, "edquot"),
];

/// The name of an error; `unknown` for numbers without one.
pub(crate) fn name(e: Errno) -> &'static str {
    name_of(e.raw_os_error())
}

/// As [`name`], of a number that may be none of an error.
pub fn name_of(number: i32) -> &'static str {
    NAMES.iter().find(|(n, _)| *n == number).map_or("unknown", |(_, name)| name)
}

/// The name of an error as an atom.
pub(crate) fn atom(e: Errno) -> Term {
    Term::atom(Atom::new(name(e)))
}
