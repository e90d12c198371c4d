//! The file system: information, names, links, directories and the working directory.

use super::open::with_file;
use super::{Failure, OK, Outcome, int32, reply, with_path};
use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Native};
use rustix::fs::{Access, CWD, FileType, Gid, Mode, Stat, Timespec, Timestamps, Uid};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_file", "read_info_nif", 2, |ctx, args| reply(ctx, args, read_info)),
    Native::plain("prim_file", "read_handle_info_nif", 1, |ctx, args| reply(ctx, args, read_handle_info)),
    Native::plain("prim_file", "list_dir_nif", 1, |ctx, args| reply(ctx, args, list_dir)),
    Native::plain("prim_file", "read_link_nif", 1, |ctx, args| reply(ctx, args, read_link)),
    Native::plain("prim_file", "get_cwd_nif", 0, |ctx, args| reply(ctx, args, get_cwd)),
    Native::plain("prim_file", "set_cwd_nif", 1, |ctx, args| {
        reply(ctx, args, |_, args| on_path(args, |p| rustix::process::chdir(p)))
    }),
    Native::plain("prim_file", "get_device_cwd_nif", 1, |ctx, args| reply(ctx, args, get_device_cwd)),
    Native::plain("prim_file", "altname_nif", 1, |ctx, args| {
        reply(ctx, args, |_, args| on_path(args, |_| Err(Errno::NOTSUP)))
    }),
    Native::plain("prim_file", "make_dir_nif", 1, |ctx, args| reply(ctx, args, make_dir)),
    Native::plain("prim_file", "del_file_nif", 1, |ctx, args| reply(ctx, args, del_file)),
    Native::plain("prim_file", "del_dir_nif", 1, |ctx, args| reply(ctx, args, del_dir)),
    Native::plain("prim_file", "rename_nif", 2, |ctx, args| reply(ctx, args, rename)),
    Native::plain("prim_file", "make_hard_link_nif", 2, |ctx, args| {
        reply(ctx, args, |_, a| on_paths(a, |old, new| rustix::fs::link(old, new)))
    }),
    Native::plain("prim_file", "make_soft_link_nif", 2, |ctx, args| {
        reply(ctx, args, |_, a| on_paths(a, |old, new| rustix::fs::symlink(old, new)))
    }),
    Native::plain("prim_file", "set_permissions_nif", 2, |ctx, args| reply(ctx, args, set_permissions)),
    Native::plain("prim_file", "set_owner_nif", 3, |ctx, args| reply(ctx, args, set_owner)),
    Native::plain("prim_file", "set_time_nif", 4, |ctx, args| reply(ctx, args, set_time)),
];

/// The first second of the year 0, the earliest that a calendar date can name.
const EARLIEST: i64 = -62_167_219_200;

fn on_path(a: &[Term], f: impl FnOnce(&CStr) -> rustix::io::Result<()>) -> Outcome {
    with_path(a[0], |path| Ok(f(path)?))?;
    Ok(OK)
}

fn on_paths(a: &[Term], f: impl FnOnce(&CStr, &CStr) -> rustix::io::Result<()>) -> Outcome {
    with_path(a[0], |old| with_path(a[1], |new| Ok(f(old, new)?)))?;
    Ok(OK)
}

fn read_info(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let follow = int32(args[1])? != 0;
    let (stat, readable, writable) = with_path(args[0], |path| {
        let stat = if follow { rustix::fs::stat(path)? } else { rustix::fs::lstat(path)? };
        let may = |access| rustix::fs::access(path, access).is_ok();
        Ok((stat, may(Access::READ_OK), may(Access::WRITE_OK)))
    })?;
    Ok(file_info(ctx.heap(), &stat, readable, writable))
}

fn read_handle_info(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let stat = with_file(ctx, args[0], |fd| Ok(rustix::fs::fstat(fd)?))?;
    let shift = if stat.st_uid == rustix::process::geteuid().as_raw() {
        6
    } else if stat.st_gid == rustix::process::getegid().as_raw() {
        3
    } else {
        0
    };
    let bits = stat.st_mode >> shift;
    Ok(file_info(ctx.heap(), &stat, bits & 4 != 0, bits & 2 != 0))
}

/// The record `file_info` with times in seconds since 1970. Devices and the inode have 32 bits, as in OTP.
fn file_info(h: &mut Heap, s: &Stat, readable: bool, writable: bool) -> Term {
    let kind = match FileType::from_raw_mode(s.st_mode) {
        FileType::CharacterDevice | FileType::BlockDevice => am!("device"),
        FileType::Directory => am!("directory"),
        FileType::RegularFile => am!("regular"),
        FileType::Symlink => am!("symlink"),
        _ => am!("other"),
    };
    let access = match (readable, writable) {
        (true, true) => am!("read_write"),
        (true, false) => am!("read"),
        (false, true) => am!("write"),
        (false, false) => am!("none"),
    };
    let word = |n: u64| Term::small((n as u32).into());
    let size = h.unsigned(s.st_size as u64);
    let [atime, mtime, ctime] = [s.st_atime, s.st_mtime, s.st_ctime].map(|t| h.integer(EARLIEST.max(t)));
    h.tuple(&[
        am!("file_info"),
        size,
        kind,
        access,
        atime,
        mtime,
        ctime,
        word(s.st_mode.into()),
        word(s.st_nlink),
        word(s.st_dev),
        word(s.st_rdev),
        word(s.st_ino),
        word(s.st_uid.into()),
        word(s.st_gid.into()),
    ])
}

/// The names in a directory, last one first: the caller turns the list round.
fn list_dir(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let entries = with_path(args[0], |path| {
        let dir = std::fs::read_dir(OsStr::from_bytes(path.to_bytes())).map_err(posix)?;
        Ok(dir.map_while(Result::ok).map(|e| e.file_name()).collect::<Vec<_>>())
    })?;
    let h = ctx.heap();
    let list = entries.iter().fold(Term::NIL, |list, name| {
        let name = h.binary(name.as_bytes());
        h.cons(name, list)
    });
    Ok(ctx.ok(list)?)
}

fn posix(e: std::io::Error) -> Failure {
    Errno::from_io_error(&e).unwrap_or(Errno::IO).into()
}

fn read_link(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let target = with_path(args[0], |path| Ok(rustix::fs::readlink(path, Vec::new())?))?;
    let t = ctx.heap().binary(target.to_bytes());
    Ok(ctx.ok(t)?)
}

fn get_cwd(ctx: &mut Ctx<'_>, _: &[Term]) -> Outcome {
    let path = rustix::process::getcwd(Vec::new())?;
    let t = ctx.heap().binary(path.to_bytes());
    Ok(ctx.ok(t)?)
}

/// Only systems with drives have a working directory per drive.
fn get_device_cwd(_: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    int32(args[0])?;
    Err(Errno::NOTSUP.into())
}

fn make_dir(_: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    on_path(args, |path| rustix::fs::mkdir(path, Mode::from_raw_mode(0o777)))
}

fn del_file(_: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    on_path(args, |path| rustix::fs::unlink(path).map_err(|e| if e == Errno::ISDIR { Errno::PERM } else { e }))
}

/// A directory that is not empty gives `eexist`, the working directory then `einval`.
fn del_dir(_: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    on_path(args, |path| {
        rustix::fs::rmdir(path).map_err(|e| match e {
            Errno::NOTEMPTY | Errno::EXIST if is_cwd(path) => Errno::INVAL,
            Errno::NOTEMPTY => Errno::EXIST,
            e => e,
        })
    })
}

fn is_cwd(path: &CStr) -> bool {
    match (rustix::fs::stat(path), rustix::fs::stat(c".")) {
        (Ok(a), Ok(b)) => (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino),
        _ => false,
    }
}

fn rename(_: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    on_paths(args, |old, new| {
        rustix::fs::rename(old, new).map_err(|e| match e {
            Errno::NOTEMPTY => Errno::EXIST,
            _ if old == c"/" => Errno::INVAL,
            e => e,
        })
    })
}

/// Where the set-id bits are refused, the other bits are set.
fn set_permissions(_: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let bits = args[1].as_small().and_then(|i| u32::try_from(i).ok()).or_badarg()?;
    on_path(args, |path| {
        rustix::fs::chmod(path, Mode::from_raw_mode(bits & 0o6777))
            .or_else(|_| rustix::fs::chmod(path, Mode::from_raw_mode(bits & 0o777)))
    })
}

/// -1 leaves the user or the group as it is.
fn set_owner(_: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let (user, group) = (int32(args[1])?, int32(args[2])?);
    let user = (user != -1).then(|| Uid::from_raw(user as u32));
    let group = (group != -1).then(|| Gid::from_raw(group as u32));
    on_path(args, |path| rustix::fs::chown(path, user, group))
}

/// Sets the times of access and change; the system has no way to set that of creation.
fn set_time(_: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let (access, change) = (args[1].as_i64().or_badarg()?, args[2].as_i64().or_badarg()?);
    args[3].as_i64().or_badarg()?;
    let seconds = |s: i64| Timespec { tv_sec: s as _, tv_nsec: 0 };
    let times = Timestamps { last_access: seconds(access), last_modification: seconds(change) };
    on_path(args, |path| rustix::fs::utimensat(CWD, path, &times, rustix::fs::AtFlags::empty()))
}
