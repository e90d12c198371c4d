//! Descriptors other than the standard ones, and the programs that are started.
//!
//! The invariant, **CHILD**: what runs between fork and exec calls nothing but functions that are safe there.

#![expect(unsafe_code, reason = "it calls the C library")]

use rustix::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Where a program that does not use its standard descriptors reads and writes.
const INPUT: i32 = 3;
const OUTPUT: i32 = 4;

/// Has a program read from one descriptor as its number 3, and write to the other as its number 4.
pub fn pass(command: &mut Command, input: Option<OwnedFd>, output: Option<OwnedFd>) -> std::io::Result<()> {
    // Numbers out of the way of those that they become.
    let away = |fd: OwnedFd| rustix::io::fcntl_dupfd_cloexec(fd, 10);
    let input = input.map(away).transpose()?;
    let output = output.map(away).transpose()?;
    let become_number = |fd: &Option<OwnedFd>, number| match fd {
        // SAFETY: `dup2` takes any numbers; the child's descriptors are nobody else's.
        Some(fd) if unsafe { libc::dup2(fd.as_raw_fd(), number) } < 0 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    };
    // SAFETY: CHILD: `dup2` and reading the error number are all there is.
    unsafe {
        command.pre_exec(move || {
            become_number(&input, INPUT)?;
            become_number(&output, OUTPUT)
        });
    }
    Ok(())
}

/// Has started programs not inherit the descriptors that this one inherited itself, but for the standard ones.
pub fn keep_inherited() {
    let names = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten().map(|e| e.file_name());
    for fd in names.filter_map(|n| n.to_str()?.parse::<i32>().ok()).filter(|&fd| fd > 2) {
        // SAFETY: the call takes any number, and changes nothing but what a started program gets.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
