//! One compressing or decompressing stream of the zlib library.
//!
//! Its unsafe code has one invariant, **STREAM**: the library's record stays at one address from its
//! initialisation to its end, is used through `&mut Stream` alone, and keeps no pointer to input or output between
//! calls.

#![expect(unsafe_code, reason = "it calls the C library")]

use libz_sys::{self as z, z_stream};
use std::ffi::{c_int, c_uint};
use std::mem::{MaybeUninit, size_of};
use std::ptr::{addr_of, addr_of_mut, null_mut};

/// The window is the largest dictionary.
const WINDOW: usize = 1 << 15;

unsafe extern "C" {
    fn inflateGetDictionary(stream: *mut z_stream, dictionary: *mut u8, size: *mut c_uint) -> c_int;
}

/// What a stream does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Deflate,
    Inflate,
}

/// A stream that was initialised and not ended.
pub struct Stream {
    pub direction: Direction,
    record: Box<MaybeUninit<z_stream>>,
}

// SAFETY: STREAM: the record belongs to this value alone; the library keeps no state per thread.
unsafe impl Send for Stream {}

/// What a call of the library did.
pub struct Step {
    pub code: c_int,
    pub consumed: usize,
}

impl Stream {
    /// A stream that compresses, or the library's error code.
    pub fn deflate(
        level: c_int,
        method: c_int,
        window: c_int,
        memory: c_int,
        strategy: c_int,
    ) -> Result<Stream, c_int> {
        Stream::initialised(Direction::Deflate, |p| {
            // SAFETY: `p` is a zeroed record, which asks for the library's own allocator.
            unsafe { z::deflateInit2_(p, level, method, window, memory, strategy, z::zlibVersion(), RECORD) }
        })
    }

    /// A stream that decompresses, or the library's error code.
    pub fn inflate(window: c_int) -> Result<Stream, c_int> {
        Stream::initialised(Direction::Inflate, |p| {
            // SAFETY: `p` is a zeroed record, which asks for the library's own allocator.
            unsafe { z::inflateInit2_(p, window, z::zlibVersion(), RECORD) }
        })
    }

    fn initialised(direction: Direction, init: impl FnOnce(*mut z_stream) -> c_int) -> Result<Stream, c_int> {
        let mut record = Box::new(MaybeUninit::<z_stream>::zeroed());
        match init(record.as_mut_ptr()) {
            z::Z_OK => Ok(Stream { direction, record }),
            code => Err(code),
        }
    }

    fn pointer(&mut self) -> *mut z_stream {
        self.record.as_mut_ptr()
    }

    /// Processes some of `input` into free room of `output`, without growing it.
    pub fn step(&mut self, input: &[u8], output: &mut Vec<u8>, flush: c_int) -> Step {
        let room = output.spare_capacity_mut();
        let (given, free) = (clamp(input.len()), clamp(room.len()));
        let (direction, p) = (self.direction, self.record.as_mut_ptr());
        // SAFETY: STREAM; the pointers and lengths are of live slices, and are taken back after the call. The library
        // has written the bytes by which `avail_out` shrank.
        unsafe {
            addr_of_mut!((*p).next_in).write(input.as_ptr().cast_mut());
            addr_of_mut!((*p).avail_in).write(given);
            addr_of_mut!((*p).next_out).write(room.as_mut_ptr().cast());
            addr_of_mut!((*p).avail_out).write(free);
            let code = match direction {
                Direction::Deflate => z::deflate(p, flush),
                Direction::Inflate => z::inflate(p, flush),
            };
            let consumed = (given - addr_of!((*p).avail_in).read()) as usize;
            let produced = (free - addr_of!((*p).avail_out).read()) as usize;
            addr_of_mut!((*p).next_in).write(null_mut());
            addr_of_mut!((*p).avail_in).write(0);
            addr_of_mut!((*p).next_out).write(null_mut());
            addr_of_mut!((*p).avail_out).write(0);
            output.set_len(output.len() + produced);
            Step { code, consumed }
        }
    }

    /// The checksum so far, or that of the dictionary asked for.
    pub fn adler(&mut self) -> u32 {
        // SAFETY: STREAM: an initialised record has this number.
        unsafe { addr_of!((*self.pointer()).adler).read() as u32 }
    }

    pub fn set_dictionary(&mut self, dictionary: &[u8]) -> c_int {
        let n = clamp(dictionary.len());
        // SAFETY: STREAM; the library copies at most `n` bytes of the slice.
        unsafe {
            match self.direction {
                Direction::Deflate => z::deflateSetDictionary(self.pointer(), dictionary.as_ptr(), n),
                Direction::Inflate => z::inflateSetDictionary(self.pointer(), dictionary.as_ptr(), n),
            }
        }
    }

    /// The last decompressed bytes, which are the dictionary for what follows.
    pub fn dictionary(&mut self) -> Result<Vec<u8>, c_int> {
        let mut bytes = vec![0; WINDOW];
        let mut n = 0;
        // SAFETY: STREAM; the library writes at most a window's size.
        match unsafe { inflateGetDictionary(self.pointer(), bytes.as_mut_ptr(), &mut n) } {
            code if code < 0 => Err(code),
            _ => {
                bytes.truncate(n as usize);
                Ok(bytes)
            }
        }
    }

    pub fn reset(&mut self) -> c_int {
        // SAFETY: STREAM.
        unsafe {
            match self.direction {
                Direction::Deflate => z::deflateReset(self.pointer()),
                Direction::Inflate => z::inflateReset(self.pointer()),
            }
        }
    }

    /// Changes how the rest is compressed; everything before must have been flushed.
    pub fn set_parameters(&mut self, level: c_int, strategy: c_int) -> c_int {
        let mut room = [0u8; 1];
        let p = self.pointer();
        // SAFETY: STREAM; the one byte of room outlives the call. It tells whether something was left to flush.
        unsafe {
            addr_of_mut!((*p).next_out).write(room.as_mut_ptr());
            addr_of_mut!((*p).avail_out).write(1);
            let code = z::deflateParams(p, level, strategy);
            let left = addr_of!((*p).avail_out).read();
            addr_of_mut!((*p).next_out).write(null_mut());
            addr_of_mut!((*p).avail_out).write(0);
            if left == 0 { z::Z_STREAM_ERROR } else { code }
        }
    }

    /// Ends the stream; an error when it had not come to its end.
    pub fn end(mut self) -> c_int {
        self.release()
    }

    fn release(&mut self) -> c_int {
        // SAFETY: STREAM; a second call finds no state and does nothing.
        unsafe {
            match self.direction {
                Direction::Deflate => z::deflateEnd(self.pointer()),
                Direction::Inflate => z::inflateEnd(self.pointer()),
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.release();
    }
}

const RECORD: c_int = size_of::<z_stream>() as c_int;

fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deflated_inflates_again() {
        let text = b"purlin ".repeat(1000);
        let mut packed = Vec::with_capacity(1000);
        let mut s = Stream::deflate(6, z::Z_DEFLATED, 15, 8, z::Z_DEFAULT_STRATEGY).ok().unwrap();
        let step = s.step(&text, &mut packed, z::Z_FINISH);
        assert_eq!((step.code, step.consumed), (z::Z_STREAM_END, text.len()));
        assert_eq!(s.end(), z::Z_OK);
        let mut out = Vec::with_capacity(text.len());
        let mut s = Stream::inflate(15).ok().unwrap();
        assert_eq!(s.step(&packed, &mut out, z::Z_NO_FLUSH).code, z::Z_STREAM_END);
        assert_eq!(out, text);
    }

    #[test]
    fn output_stops_where_room_ends() {
        let mut s = Stream::deflate(0, z::Z_DEFLATED, -15, 8, z::Z_DEFAULT_STRATEGY).ok().unwrap();
        let mut out = Vec::with_capacity(10);
        s.step(&[7; 100], &mut out, z::Z_FINISH);
        assert_eq!(out.len(), 10);
        assert_eq!(Stream::deflate(99, z::Z_DEFLATED, 15, 8, 0).err(), Some(z::Z_STREAM_ERROR));
    }
}
