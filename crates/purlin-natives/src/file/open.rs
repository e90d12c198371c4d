//! Opening and closing files, and closing those whose owner has ended.

use super::{Failure, OK, Outcome, reply, with_path};
use hashbrown::HashMap;
use parking_lot::Mutex;
use purlin_term::{Heap, Magic, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::signal::Signal;
use purlin_vm::{Ctx, Engine, Escape, Native, Slot};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

pub const NATIVES: &[Native] = &[
    Native::plain("prim_file", "open_nif", 2, |ctx, args| reply(ctx, args, open)),
    Native::plain("prim_file", "close_nif", 1, |ctx, args| reply(ctx, args, close)),
    Native::blocking("prim_file", "delayed_close_nif", 1, |ctx, args| reply(ctx, args, delayed_close)),
    Native::plain("prim_file", "get_handle_nif", 1, |ctx, args| reply(ctx, args, get_handle)),
];

/// What a file reference keeps alive; empty once closed.
struct OpenFile {
    owner: u64,
    id: [u64; 2],
    fd: Mutex<Option<OwnedFd>>,
    /// Whether reading and writing can wait for somebody.
    waits: bool,
    /// How many of the next operations are left to the pool, because one took long.
    slow: AtomicU32,
    /// Set when it is to be closed while an operation holds `fd`: that closes it then.
    abandoned: AtomicBool,
}

impl OpenFile {
    /// Closes the file now, or lets the operation that is under way do so at its end.
    fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
        self.close_abandoned();
    }

    fn close_abandoned(&self) {
        if self.abandoned.load(Ordering::SeqCst) {
            drop(self.fd.try_lock().and_then(|mut fd| fd.take()));
        }
    }
}

/// The open files of each process, so that nothing but closing or the owner's end can close one.
#[derive(Default)]
struct OpenFiles(Mutex<HashMap<u64, Vec<([u64; 2], Arc<Magic>)>>>);

static OPEN_FILES: Slot<OpenFiles> = Slot::new();

/// Has the files of ended processes closed.
pub fn install(engine: &Arc<Engine>) {
    engine.on_exit_of_involved(|ctx, _| owner_ended(ctx.engine, ctx.process.id()));
}

fn file_of<'a>(t: Term) -> Result<&'a OpenFile, Failure> {
    Ok(t.magic().or_badarg()?)
}

/// Runs an operation on an open file that is over at once; others wait for its end.
pub(super) fn with_file<T>(
    ctx: &mut Ctx<'_>,
    t: Term,
    f: impl FnOnce(BorrowedFd<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let file = file_of(t)?;
    let guard = match file.fd.try_lock() {
        Some(guard) => guard,
        None if ctx.may_block() => file.fd.lock(),
        None => return Err(Escape::Block.into()),
    };
    let result = f(guard.as_ref().ok_or(Errno::INVAL)?.as_fd());
    drop(guard);
    // Looked at without the lock: who abandons it meanwhile finds the lock taken, or this finds the mark.
    file.close_abandoned();
    result
}

/// Runs an operation on an open file that moves so many bytes: here on the scheduler's thread when that is likely to be
/// over sooner than a thread of the pool is woken, else on the pool.
pub(super) fn with_data<T>(
    ctx: &mut Ctx<'_>,
    t: Term,
    bytes: usize,
    f: impl FnOnce(BorrowedFd<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let file = file_of(t)?;
    if ctx.may_block() {
        let _ = file.slow.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        return with_file(ctx, t, f);
    }
    if file.waits || bytes > SHORT || file.slow.load(Ordering::Relaxed) > 0 {
        return Err(Escape::Block.into());
    }
    let since = ctx.engine.clock.now();
    let result = with_file(ctx, t, f);
    if ctx.engine.clock.now() - since > SLOW {
        file.slow.store(LEFT_TO_THE_POOL, Ordering::Relaxed);
    }
    ctx.charge(charge_for(bytes));
    result
}

/// Bytes that an operation moves at most without leaving the scheduler's thread.
pub(super) const SHORT: usize = 128 << 10;
/// Nanoseconds after which an operation was slow, and how many of the next go to the pool then: a disk or a network
/// that takes time once is likely to do so again.
const SLOW: i64 = 500_000;
const LEFT_TO_THE_POOL: u32 = 32;

/// Reductions for an operation that moves so many bytes.
pub(super) fn charge_for(bytes: usize) -> usize {
    10 + bytes / 512
}

/// Whether opening can wait for somebody: the other end of a pipe, the carrier of a line.
pub(super) fn may_wait(stat: &Stat) -> bool {
    matches!(FileType::from_raw_mode(stat.st_mode), FileType::Fifo | FileType::CharacterDevice)
}

/// A descriptor of one's own for an open file; no error: the term is no file.
pub fn duplicate(t: Term) -> Result<OwnedFd, Option<Errno>> {
    let file: &OpenFile = t.magic().ok_or(None)?;
    let guard = file.fd.lock();
    let fd = guard.as_ref().ok_or(Errno::INVAL)?;
    let copy = rustix::io::fcntl_dupfd_cloexec(fd, 3);
    drop(guard);
    file.close_abandoned();
    Ok(copy?)
}

fn open(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    if !args[1].is_list() {
        return Err(Escape::BADARG.into());
    }
    let modes = Modes::of(args[1]);
    let blocks = ctx.may_block();
    let (fd, stat) = with_path(args[0], |path| {
        if !blocks && rustix::fs::stat(path).is_ok_and(|s| may_wait(&s)) {
            return Err(Escape::Block.into());
        }
        Ok(open_path(path, modes)?)
    })?;
    let (owner, id) = (ctx.process.id(), ctx.engine.next_ref());
    let regular = stat.is_some_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::RegularFile);
    let file = OpenFile {
        owner,
        id,
        fd: Mutex::new(Some(fd)),
        waits: modes.sync || !regular,
        slow: AtomicU32::new(0),
        abandoned: AtomicBool::new(false),
    };
    let magic = Arc::new(Magic { value: Box::new(file) });
    ctx.engine.state(&OPEN_FILES).0.lock().entry(owner).or_default().push((id, magic.clone()));
    ctx.process.involve();
    if ctx.process.is_exiting() {
        // It was killed meanwhile and its files may have been closed already.
        owner_ended(ctx.engine, owner);
    }
    let t = ctx.heap().magic_reference(id, magic);
    Ok(ctx.ok(t)?)
}

/// The modes that concern the operating system; the others are the callers' business.
#[derive(Clone, Copy, Default)]
struct Modes {
    read: bool,
    write: bool,
    exclusive: bool,
    append: bool,
    sync: bool,
    skip_type_check: bool,
    directory: bool,
}

impl Modes {
    fn of(list: Term) -> Modes {
        let mut m = Modes::default();
        for mode in list.iter().filter_map(Term::as_atom) {
            match mode.name() {
                "read" => m.read = true,
                "write" => m.write = true,
                "exclusive" => m.exclusive = true,
                "append" => m.append = true,
                "sync" => m.sync = true,
                "skip_type_check" => m.skip_type_check = true,
                "directory" => m.directory = true,
                _ => {}
            }
        }
        m.write |= m.append || m.exclusive;
        m.read |= !m.write;
        m
    }

    fn flags(self) -> OFlags {
        let mut flags = OFlags::CLOEXEC;
        flags |= match (self.read, self.write) {
            (_, false) => OFlags::RDONLY,
            (true, true) => OFlags::RDWR | OFlags::CREATE,
            (false, true) => OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC,
        };
        if self.append {
            flags.remove(OFlags::TRUNC);
            flags |= OFlags::APPEND;
        }
        flags.set(OFlags::EXCL, self.exclusive);
        flags.set(OFlags::DIRECTORY, self.directory);
        if self.sync {
            flags |= OFlags::SYNC;
        }
        flags
    }
}

/// Opens a file, or a directory when that is asked for; what the system says of it, if anything.
fn open_path(path: &CStr, modes: Modes) -> Result<(OwnedFd, Option<Stat>), Errno> {
    let mode = Mode::from_raw_mode(if modes.directory { 0o777 } else { 0o666 });
    let fd = loop {
        match rustix::fs::open(path, modes.flags(), mode) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    let stat = rustix::fs::fstat(&fd).ok();
    let is_directory = stat.is_some_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Directory);
    if is_directory && !modes.skip_type_check && !modes.directory {
        return Err(Errno::ISDIR);
    }
    Ok((fd, stat))
}

/// Opens a file for reading.
pub(super) fn open_to_read(path: &CStr) -> Result<(OwnedFd, Option<Stat>), Errno> {
    open_path(path, Modes { read: true, ..Modes::default() })
}

fn close(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    let file = file_of(args[0])?;
    let mut guard = match file.fd.try_lock() {
        Some(guard) => guard,
        None if ctx.may_block() => file.fd.lock(),
        None => return Err(Escape::Block.into()),
    };
    let fd = guard.take().ok_or(Errno::INVAL)?;
    drop(guard);
    forget(ctx.engine, file);
    drop(fd);
    Ok(OK)
}

fn delayed_close(_: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    file_of(args[0])?.abandon();
    Ok(OK)
}

fn forget(engine: &Engine, file: &OpenFile) {
    let mut all = engine.state(&OPEN_FILES).0.lock();
    if let Some(files) = all.get_mut(&file.owner) {
        files.retain(|(id, _)| *id != file.id);
        if files.is_empty() {
            all.remove(&file.owner);
        }
    }
}

/// Hands the files of an ended process to the janitor, because closing can block.
fn owner_ended(engine: &Arc<Engine>, owner: u64) {
    let Some(files) = engine.state(&OPEN_FILES).0.lock().remove(&owner) else { return };
    let module = purlin_term::Atom::new("prim_file");
    let janitor = engine.nif_info.lock().get(&module).map(|info| info.term()).filter(|t| t.is_pid());
    for (id, magic) in files {
        match janitor {
            Some(janitor) => {
                let mut heap = Heap::new(16);
                let reference = heap.magic_reference(id, magic);
                let message = heap.tuple(&[am!("close"), reference]);
                engine.post(janitor, Signal::message(message));
            }
            None => magic.value.downcast_ref::<OpenFile>().into_iter().for_each(OpenFile::abandon),
        }
    }
}

/// The descriptor's number as bytes, for operations that pass it on.
fn get_handle(ctx: &mut Ctx<'_>, args: &[Term]) -> Outcome {
    use rustix::fd::AsRawFd;
    let number = with_file(ctx, args[0], |fd| Ok(fd.as_raw_fd()))?;
    Ok(ctx.heap().binary(&number.to_ne_bytes()))
}
