//! Reading that another thread can end: the port's closing must not leave a reader behind that takes input away.
//!
//! Standard input has several readers (ports, the menu of Ctrl-C): who reads it holds [`STANDARD_INPUT`].

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{PipeReader, PipeWriter, Read};
use std::os::fd::AsFd;

/// Held by the one who takes what comes on standard input.
pub static STANDARD_INPUT: Mutex<()> = Mutex::new(());

/// Reads from a descriptor until the other half is dropped; that looks like the end of the input.
pub struct Until<F> {
    from: F,
    stopped: PipeReader,
    standard: bool,
}

impl Until<std::io::Stdin> {
    /// A reader of standard input, and what keeps it going.
    pub fn standard_input() -> std::io::Result<(Until<std::io::Stdin>, PipeWriter)> {
        let (mut reader, stop) = Until::new(std::io::stdin())?;
        reader.standard = true;
        Ok((reader, stop))
    }
}

impl<F: AsFd> Until<F> {
    /// A reader, and what keeps it going.
    pub fn new(from: F) -> std::io::Result<(Until<F>, PipeWriter)> {
        let (stopped, stop) = std::io::pipe()?;
        Ok((Until { from, stopped, standard: false }, stop))
    }
}

impl<F: AsFd> Until<F> {
    /// Waits until there is something to read; false: the other half was dropped.
    pub fn wait(&self) -> std::io::Result<bool> {
        let mut fds = [PollFd::new(&self.from, PollFlags::IN), PollFd::new(&self.stopped, PollFlags::IN)];
        while let Err(e) = poll(&mut fds, None) {
            if e != rustix::io::Errno::INTR {
                return Err(e.into());
            }
        }
        Ok(fds[1].revents().is_empty())
    }
}

impl<F: AsFd> Read for Until<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if !self.wait()? {
                return Ok(0);
            }
            let _turn = self.standard.then(|| STANDARD_INPUT.lock());
            // Another reader may have taken it meanwhile.
            let mut from = [PollFd::new(&self.from, PollFlags::IN)];
            if !self.standard || poll(&mut from, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0 {
                return Ok(rustix::io::read(&self.from, buffer)?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn input_comes_through_until_reading_is_ended() {
        let (from, mut to) = std::io::pipe().unwrap();
        let (mut reader, stop) = Until::new(from).unwrap();
        to.write_all(b"ab").unwrap();
        let mut buffer = [0; 8];
        assert_eq!(reader.read(&mut buffer).unwrap(), 2);
        let blocked = std::thread::spawn(move || reader.read(&mut [0; 8]).unwrap());
        drop(stop);
        assert_eq!(blocked.join().unwrap(), 0);
    }
}
