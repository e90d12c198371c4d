//! A program of its own for each order: this one, forked.
//!
//! The fork has one thread, the one that forks: the engine's only scheduler. No other thread of the engine is needed by
//! it, and none holds a lock when the scheduler is here: they wait for work, or for the engine's end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsRawFd, FromRawFd};
use std::time::{Duration, Instant};

/// The two sides of a fork.
pub enum Side {
    /// The program that is tried, and what it reports to.
    Program(File),
    Watcher(Child),
}

/// A program that was forked.
pub struct Child {
    pid: libc::pid_t,
    report: File,
}

/// How a program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Died {
    Exited(i32),
    Signal(i32),
    /// It took too long, and was killed.
    Late,
}

/// A file without a name, for what a program prints.
pub fn nameless_file() -> io::Result<File> {
    // SAFETY: the name is a C string.
    let fd = unsafe { libc::memfd_create(c"output".as_ptr(), libc::MFD_CLOEXEC) };
    // SAFETY: the descriptor is new, and nobody else's.
    if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(unsafe { File::from_raw_fd(fd) }) }
}

/// Forks. What the program prints goes to `output`.
pub fn fork(output: &File) -> io::Result<Side> {
    let null = File::open("/dev/null")?;
    let mut ends = [0; 2];
    // SAFETY: there is room for two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both descriptors are new, and nobody else's.
    let [report, write] = ends.map(|fd| unsafe { File::from_raw_fd(fd) });
    // SAFETY: the fork has this thread alone, which holds no lock, and uses nothing that another thread would have to answer for.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            for (from, to) in [(&null, 0), (output, 1), (output, 2)] {
                // SAFETY: both descriptors are open, or get so.
                unsafe { libc::dup2(from.as_raw_fd(), to) };
            }
            // SAFETY: it takes numbers alone.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            Ok(Side::Program(write))
        }
        pid => Ok(Side::Watcher(Child { pid, report })),
    }
}

/// Ends a program that was forked, without anything that the first program would do at its end.
pub fn exit(status: i32) -> ! {
    // SAFETY: it takes a number alone.
    unsafe { libc::_exit(status) }
}

impl Child {
    /// Waits for the end of the program: how it ended, and what it reported.
    pub fn wait(mut self, at_most: Duration) -> io::Result<(Died, Vec<u8>)> {
        let end = Instant::now() + at_most;
        let mut report = Vec::new();
        let mut late = false;
        loop {
            let left = end.saturating_duration_since(Instant::now()).as_millis() as i32;
            let mut poll = libc::pollfd { fd: self.report.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: there is one structure.
            let ready = unsafe { libc::poll(&mut poll, 1, left) };
            if ready == 0 {
                // SAFETY: the number is that of a child that nobody has waited for.
                unsafe { libc::kill(self.pid, libc::SIGKILL) };
                late = true;
                break;
            }
            let mut buffer = [0; 1 << 16];
            match self.report.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => report.extend_from_slice(&buffer[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        let mut status = 0;
        // SAFETY: there is room for a status.
        while unsafe { libc::waitpid(self.pid, &mut status, 0) } < 0 {
            let e = io::Error::last_os_error();
            if e.kind() != io::ErrorKind::Interrupted {
                return Err(e);
            }
        }
        let died = match (late, libc::WIFSIGNALED(status)) {
            (true, _) => Died::Late,
            (_, true) => Died::Signal(libc::WTERMSIG(status)),
            _ => Died::Exited(libc::WEXITSTATUS(status)),
        };
        Ok((died, report))
    }
}

/// What a program has printed.
pub fn printed(mut output: &File) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    output.seek(SeekFrom::Start(0))?;
    output.read_to_end(&mut all)?;
    Ok(all)
}
