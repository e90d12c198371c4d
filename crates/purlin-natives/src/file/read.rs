//! Reading, writing and positioning.

use super::open::{open_to_read, with_file};
use super::{Failure, OK, Outcome, int32, int64, natural, reply, with_path};
use purlin_term::{Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native};
use rustix::buffer::spare_capacity;
use rustix::fd::AsFd;
use rustix::fs::{Advice, FallocateFlags, SeekFrom};
use rustix::io::Errno;
use std::io::IoSlice;
use std::num::NonZeroU64;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_file", "read_file_nif", 1, |c, a| reply(c, a, read_file)),
    Native::blocking("prim_file", "read_nif", 2, |c, a| reply(c, a, read)),
    Native::blocking("prim_file", "pread_nif", 3, |c, a| reply(c, a, pread)),
    Native::blocking("prim_file", "write_nif", 2, |c, a| reply(c, a, write)),
    Native::blocking("prim_file", "pwrite_nif", 3, |c, a| reply(c, a, pwrite)),
    Native::plain("prim_file", "seek_nif", 3, |c, a| reply(c, a, seek)),
    Native::blocking("prim_file", "sync_nif", 2, |c, a| reply(c, a, sync)),
    Native::blocking("prim_file", "truncate_nif", 1, |c, a| reply(c, a, truncate)),
    Native::blocking("prim_file", "allocate_nif", 3, |c, a| reply(c, a, allocate)),
    Native::blocking("prim_file", "advise_nif", 4, |c, a| reply(c, a, advise)),
    Native::blocking("prim_file", "ipread_s32bu_p32bu_nif", 3, |c, a| reply(c, a, ipread)),
];

/// What is reserved for a read before its data have arrived.
const FIRST_BLOCK: usize = 1 << 16;
/// Pieces handed to the operating system in one call.
const PIECES: usize = 64;
/// The largest block that an indirect read may name.
const MAX_INDIRECT: i64 = (1 << 31) - 1;

/// Calls again what a signal has interrupted.
fn again<T>(mut f: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match f() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

/// Reads until `size` bytes are there or the file ends. What was read before an error is lost, as in OTP.
fn fill(size: usize, mut step: impl FnMut(&mut Vec<u8>, u64) -> rustix::io::Result<usize>) -> Result<Vec<u8>, Failure> {
    let mut data = Vec::new();
    while data.len() < size {
        let want = (size - data.len()).min(data.len().max(FIRST_BLOCK));
        data.try_reserve_exact(want).map_err(|_| Errno::NOMEM)?;
        let at = data.len() as u64;
        if again(|| step(&mut data, at))? == 0 {
            break;
        }
    }
    data.truncate(size);
    Ok(data)
}

/// `{ok, Data}`, or `eof` when there were none.
fn data_or_eof(ctx: &mut Ctx<'_>, data: &[u8]) -> Outcome {
    if data.is_empty() {
        return Ok(am!("eof"));
    }
    let t = ctx.heap().binary(data);
    Ok(ctx.ok(t)?)
}

fn size_of(t: Term) -> Result<usize, Failure> {
    Ok(natural(t)? as usize)
}

fn read(ctx: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    let data = with_file(a[0], |fd| {
        let size = size_of(a[1])?;
        fill(size, |data, _| rustix::io::read(fd, spare_capacity(data)))
    })?;
    data_or_eof(ctx, &data)
}

fn pread(ctx: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    let data = with_file(a[0], |fd| {
        if !a[2].is_number() {
            return Err(Escape::BADARG.into());
        }
        let (offset, size) = (natural(a[1])?, size_of(a[2])?);
        read_at(fd, offset, size)
    })?;
    data_or_eof(ctx, &data)
}

fn read_at(fd: impl AsFd, offset: u64, size: usize) -> Result<Vec<u8>, Failure> {
    let fd = fd.as_fd();
    fill(size, |data, at| rustix::io::pread(fd, spare_capacity(data), offset.saturating_add(at)))
}

/// Reads a whole file; files that tell no size are read to their end.
fn read_file(ctx: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    let fd = with_path(a[0], |path| Ok(open_to_read(path)?))?;
    let size = rustix::fs::fstat(&fd).map_or(0, |s| usize::try_from(s.st_size).unwrap_or(0));
    let data = if size == 0 {
        fill(usize::MAX, |data, _| rustix::io::read(&fd, spare_capacity(data)))?
    } else {
        let mut data = Vec::new();
        data.try_reserve_exact(size).map_err(|_| Errno::NOMEM)?;
        while data.len() < size && again(|| rustix::io::read(&fd, spare_capacity(&mut data)))? > 0 {}
        data.truncate(size);
        data
    };
    let t = ctx.heap().binary(&data);
    Ok(ctx.ok(t)?)
}

/// Writes all binaries of a list, a few at a time.
fn write_all(list: Term, mut step: impl FnMut(&[IoSlice<'_>]) -> rustix::io::Result<usize>) -> Result<(), Failure> {
    let binaries = list.as_list().or_badarg()?;
    let bytes = binaries.iter().map(|b| b.as_bytes()).collect::<Option<Vec<_>>>().or_badarg()?;
    for group in bytes.chunks(PIECES) {
        let mut slices: Vec<IoSlice<'_>> = group.iter().filter(|b| !b.is_empty()).map(|b| IoSlice::new(b)).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            match again(|| step(rest))? {
                0 => return Err(Errno::IO.into()),
                n => IoSlice::advance_slices(&mut rest, n),
            }
        }
    }
    Ok(())
}

fn write(_: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    with_file(a[0], |fd| write_all(a[1], |slices| rustix::io::writev(fd, slices)))?;
    Ok(OK)
}

fn pwrite(_: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    with_file(a[0], |fd| {
        let mut offset = natural(a[1])?;
        write_all(a[2], |slices| {
            let n = rustix::io::pwritev(fd, slices, offset)?;
            offset = offset.saturating_add(n as u64);
            Ok(n)
        })
    })?;
    Ok(OK)
}

fn seek(ctx: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    let position = with_file(a[0], |fd| {
        let offset = a[2].as_i64().or_badarg()?;
        let to = match a[1].as_atom().or_badarg()?.name() {
            // The system itself refuses a negative position with the same error.
            "bof" => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::INVAL)?),
            "cur" => SeekFrom::Current(offset),
            "eof" => SeekFrom::End(offset),
            _ => return Err(Escape::BADARG.into()),
        };
        Ok(rustix::fs::seek(fd, to)?)
    })?;
    let t = ctx.heap().unsigned(position);
    Ok(ctx.ok(t)?)
}

fn sync(_: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    with_file(a[0], |fd| {
        let data_only = int32(a[1])? != 0;
        let _: () = if data_only { rustix::fs::fdatasync(fd)? } else { rustix::fs::fsync(fd)? };
        Ok(())
    })?;
    Ok(OK)
}

/// Cuts the file off at its position.
fn truncate(_: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    with_file(a[0], |fd| Ok(rustix::fs::ftruncate(fd, rustix::fs::tell(fd)?)?))?;
    Ok(OK)
}

fn allocate(_: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    with_file(a[0], |fd| {
        int64(a[2])?;
        let (offset, length) = (natural(a[1])?, natural(a[2])?);
        Ok(again(|| rustix::fs::fallocate(fd, FallocateFlags::empty(), offset, length))?)
    })?;
    Ok(OK)
}

fn advise(_: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    with_file(a[0], |fd| {
        int64(a[2])?;
        let (offset, length) = (natural(a[1])?, natural(a[2])?);
        let advice = match a[3].as_atom().ok_or(Errno::INVAL)?.name() {
            "normal" => Advice::Normal,
            "random" => Advice::Random,
            "sequential" => Advice::Sequential,
            "will_need" => Advice::WillNeed,
            "dont_need" => Advice::DontNeed,
            "no_reuse" => Advice::NoReuse,
            _ => return Err(Errno::INVAL.into()),
        };
        // Whether the advice was of use is nobody's concern, as in OTP.
        let _ = rustix::fs::fadvise(fd, offset, NonZeroU64::new(length), advice);
        Ok(())
    })?;
    Ok(OK)
}

/// Reads a size and an address of 32 bits each, and the block that they name.
fn ipread(ctx: &mut Ctx<'_>, a: &[Term]) -> Outcome {
    let found = with_file(a[0], |fd| {
        let most = int64(a[2])?;
        let offset = natural(a[1])?;
        if most > MAX_INDIRECT {
            return Err(Errno::INVAL.into());
        }
        let pointer = read_at(fd, offset, 8)?;
        let Ok([a, b, c, d, e, f, g, h]) = <[u8; 8]>::try_from(pointer) else { return Ok(None) };
        let (size, at) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        if i64::from(size) > most {
            return Ok(None);
        }
        Ok(Some((size, at, read_at(fd, at.into(), size as usize)?)))
    })?;
    let Some((size, at, data)) = found else { return Ok(am!("eof")) };
    let h = ctx.heap();
    let data = if data.is_empty() { am!("eof") } else { h.binary(&data) };
    let t = h.tuple(&[Term::small(size.into()), Term::small(at.into()), data]);
    Ok(ctx.ok(t)?)
}
