//! Reading, writing and positioning.

use super::open::{SHORT, charge_for, may_wait, open_to_read, with_data, with_file};
use super::{Failure, OK, Outcome, int32, int64, natural, reply, with_path};
use purlin_term::{Buffer, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native};
use rustix::fd::AsFd;
use rustix::fs::{Advice, FallocateFlags, SeekFrom, Stat};
use rustix::io::Errno;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::num::NonZeroU64;

pub const NATIVES: &[Native] = &[
    Native::plain("prim_file", "read_file_nif", 1, |ctx, args| reply(ctx, args, read_file)),
    Native::plain("prim_file", "read_nif", 2, |ctx, args| reply(ctx, args, read)),
    Native::plain("prim_file", "pread_nif", 3, |ctx, args| reply(ctx, args, pread)),
    Native::plain("prim_file", "write_nif", 2, |ctx, args| reply(ctx, args, write)),
    Native::plain("prim_file", "pwrite_nif", 3, |ctx, args| reply(ctx, args, pwrite)),
    Native::plain("prim_file", "seek_nif", 3, |ctx, args| reply(ctx, args, seek)),
    Native::blocking("prim_file", "sync_nif", 2, |ctx, args| reply(ctx, args, sync)),
    Native::blocking("prim_file", "truncate_nif", 1, |ctx, args| reply(ctx, args, truncate)),
    Native::blocking("prim_file", "allocate_nif", 3, |ctx, args| reply(ctx, args, allocate)),
    Native::blocking("prim_file", "advise_nif", 4, |ctx, args| reply(ctx, args, advise)),
    Native::plain("prim_file", "ipread_s32bu_p32bu_nif", 3, |ctx, args| reply(ctx, args, ipread)),
];

/// What is reserved at most for a read before its data have arrived; the system gives pages as they are written.
const FIRST_BLOCK: usize = 64 << 20;
/// What is reserved for a file that tells no size.
const UNKNOWN_BLOCK: usize = 64 << 10;
/// Pieces handed to the operating system in one call, which takes no more.
const PIECES: usize = 1024;
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

/// Reads until `size` bytes are there or the file ends, `first` bytes at first. `step` reads into the room it is handed, from so many bytes
/// behind the first. What was read before an error is lost, as in OTP.
fn fill(
    size: usize,
    first: usize,
    mut step: impl for<'a> FnMut(&'a mut [MaybeUninit<u8>], u64) -> rustix::io::Result<&'a mut [u8]>,
) -> Result<Buffer, Failure> {
    let mut data = Buffer::default();
    while data.len() < size {
        let want = (size - data.len()).min(data.len().max(first));
        if !data.reserve(want) {
            return Err(Errno::NOMEM.into());
        }
        let at = data.len() as u64;
        if again(|| data.fill(|room| step(room, at)))? == 0 {
            break;
        }
    }
    data.truncate(size);
    Ok(data)
}

/// `{ok, Data}`, or `eof` when there were none.
fn data_or_eof(ctx: &mut Ctx<'_>, data: Buffer) -> Outcome {
    if data.is_empty() {
        return Ok(am!("eof"));
    }
    let t = data.into_binary(ctx.heap());
    Ok(ctx.ok(t)?)
}

fn size_of(t: Term) -> Result<usize, Failure> {
    Ok(natural(t)? as usize)
}

fn read(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let data = with_data(ctx, args[0], args[1].as_usize().unwrap_or(0), |fd| {
        let size = size_of(args[1])?;
        fill(size, FIRST_BLOCK, |room, _| Ok(rustix::io::read(fd, room)?.0))
    })?;
    data_or_eof(ctx, data)
}

fn pread(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let data = with_data(ctx, args[0], args[2].as_usize().unwrap_or(0), |fd| {
        if !args[2].is_number() {
            return Err(Escape::BADARG.into());
        }
        let (offset, size) = (natural(args[1])?, size_of(args[2])?);
        read_at(fd, offset, size)
    })?;
    data_or_eof(ctx, data)
}

fn read_at(fd: impl AsFd, offset: u64, size: usize) -> Result<Buffer, Failure> {
    let fd = fd.as_fd();
    fill(size, FIRST_BLOCK, |room, at| Ok(rustix::io::pread(fd, room, offset.saturating_add(at))?.0))
}

/// Reads a whole file; files that tell no size are read to their end.
fn read_file(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let blocks = ctx.may_block();
    let (fd, stat) = with_path(args[0], |path| {
        if !blocks && rustix::fs::stat(path).is_ok_and(|s| may_wait(&s) || length(&s) > SHORT) {
            return Err(Escape::Block.into());
        }
        Ok(open_to_read(path)?)
    })?;
    let size = stat.map_or(0, |s| length(&s));
    let mut data = Buffer::default();
    if size == 0 {
        data = fill(usize::MAX, UNKNOWN_BLOCK, |room, _| Ok(rustix::io::read(&fd, room)?.0))?;
    } else {
        if !data.reserve(size) {
            return Err(Errno::NOMEM.into());
        }
        while data.len() < size && again(|| data.fill(|room| Ok(rustix::io::read(&fd, room)?.0)))? > 0 {}
        data.truncate(size);
    }
    ctx.charge(charge_for(data.len()));
    let t = data.into_binary(ctx.heap());
    Ok(ctx.ok(t)?)
}

/// How long a file says it is.
fn length(stat: &Stat) -> usize {
    usize::try_from(stat.st_size).unwrap_or(0)
}

/// Bytes of the binaries at the beginning of a list.
fn bytes_in(list: Term) -> usize {
    list.iter().map(|t| t.bit_size() / 8).sum()
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

fn write(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    with_data(ctx, args[0], bytes_in(args[1]), |fd| write_all(args[1], |slices| rustix::io::writev(fd, slices)))?;
    Ok(OK)
}

fn pwrite(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    with_data(ctx, args[0], bytes_in(args[2]), |fd| {
        let mut offset = natural(args[1])?;
        write_all(args[2], |slices| {
            let n = rustix::io::pwritev(fd, slices, offset)?;
            offset = offset.saturating_add(n as u64);
            Ok(n)
        })
    })?;
    Ok(OK)
}

fn seek(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let position = with_file(ctx, args[0], |fd| {
        let offset = args[2].as_i64().or_badarg()?;
        let to = match args[1].as_atom().or_badarg()?.name() {
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

fn sync(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    with_file(ctx, args[0], |fd| {
        let data_only = int32(args[1])? != 0;
        let _: () = if data_only { rustix::fs::fdatasync(fd)? } else { rustix::fs::fsync(fd)? };
        Ok(())
    })?;
    Ok(OK)
}

/// Cuts the file off at its position.
fn truncate(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    with_file(ctx, args[0], |fd| Ok(rustix::fs::ftruncate(fd, rustix::fs::tell(fd)?)?))?;
    Ok(OK)
}

fn allocate(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    with_file(ctx, args[0], |fd| {
        int64(args[2])?;
        let (offset, length) = (natural(args[1])?, natural(args[2])?);
        Ok(again(|| rustix::fs::fallocate(fd, FallocateFlags::empty(), offset, length))?)
    })?;
    Ok(OK)
}

fn advise(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    with_file(ctx, args[0], |fd| {
        int64(args[2])?;
        let (offset, length) = (natural(args[1])?, natural(args[2])?);
        let advice = match args[3].as_atom().ok_or(Errno::INVAL)?.name() {
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
fn ipread(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let blocks = ctx.may_block();
    let found = with_data(ctx, args[0], 0, |fd| {
        let most = int64(args[2])?;
        let offset = natural(args[1])?;
        if most > MAX_INDIRECT {
            return Err(Errno::INVAL.into());
        }
        let pointer = read_at(fd, offset, 8)?;
        let Ok([args, b, c, d, e, f, g, h]) = <[u8; 8]>::try_from(pointer.bytes()) else { return Ok(None) };
        let (size, at) = (u32::from_be_bytes([args, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        if i64::from(size) > most {
            return Ok(None);
        }
        if !blocks && size as usize > SHORT {
            return Err(Escape::Block.into());
        }
        Ok(Some((size, at, read_at(fd, at.into(), size as usize)?)))
    })?;
    let Some((size, at, data)) = found else { return Ok(am!("eof")) };
    let h = ctx.heap();
    let data = if data.is_empty() { am!("eof") } else { data.into_binary(h) };
    let t = h.tuple(&[Term::small(size.into()), Term::small(at.into()), data]);
    Ok(ctx.ok(t)?)
}
