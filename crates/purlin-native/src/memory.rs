//! Memory for machine code: one range of addresses for the whole program, mapped twice, once to be written to and once to
//! be run. What can be run can never be written to there, and the other way around.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Machine code at most.
pub const BYTES: usize = 64 << 20;

/// Places begin at multiples of this.
const UNIT: usize = 32;

pub struct Area {
    /// Where it is run.
    run: usize,
    /// Where it is written.
    write: usize,
    free: Mutex<BTreeMap<usize, usize>>,
}

/// The program's memory for machine code; `None` where the system forbids it.
pub fn area() -> Option<&'static Area> {
    static AREA: OnceLock<Option<Area>> = OnceLock::new();
    AREA.get_or_init(Area::new).as_ref()
}

impl Area {
    fn new() -> Option<Area> {
        use libc::{
            MAP_ANONYMOUS, MAP_FAILED, MAP_NORESERVE, MAP_SHARED, MREMAP_MAYMOVE, PROT_EXEC, PROT_READ, PROT_WRITE,
        };
        // SAFETY: MAPPED: plain calls of the system; what they give is checked.
        unsafe {
            let shared = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
            let write = libc::mmap(std::ptr::null_mut(), BYTES, PROT_READ | PROT_WRITE, shared, -1, 0);
            if write == MAP_FAILED {
                return None;
            }
            // Of shared pages, moving none of them makes a second mapping. Without a file no limit of files counts.
            let run = libc::mremap(write, 0, BYTES, MREMAP_MAYMOVE);
            if run == MAP_FAILED || libc::mprotect(run, BYTES, PROT_READ | PROT_EXEC) != 0 {
                [write, run].into_iter().filter(|&at| at != MAP_FAILED).for_each(|at| _ = libc::munmap(at, BYTES));
                return None;
            }
            Some(Area { run: run as usize, write: write as usize, free: Mutex::new(BTreeMap::from([(0, BYTES)])) })
        }
    }

    /// The addresses where machine code runs: the first, and how many.
    pub fn addresses(&self) -> (usize, usize) {
        (self.run, BYTES)
    }

    /// Puts code into the area; `None` where it is full.
    pub fn put(&'static self, code: &[u8]) -> Option<Code> {
        let bytes = code.len().next_multiple_of(UNIT);
        let mut free = self.free.lock();
        let (&at, &room) = free.iter().find(|f| *f.1 >= bytes)?;
        free.remove(&at);
        if room > bytes {
            free.insert(at + bytes, room - bytes);
        }
        drop(free);
        // SAFETY: MAPPED: the place lies in the area and was free.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), (self.write + at) as *mut u8, code.len()) };
        Some(Code { area: self, at, bytes })
    }
}

/// Machine code in the area, until it is dropped.
pub struct Code {
    area: &'static Area,
    at: usize,
    bytes: usize,
}

impl Code {
    /// Where it runs.
    pub fn address(&self) -> usize {
        self.area.run + self.at
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        let mut free = self.area.free.lock();
        let (mut at, mut bytes) = (self.at, self.bytes);
        if let Some((&before, &room)) = free.range(..at).next_back()
            && before + room == at
        {
            free.remove(&before);
            (at, bytes) = (before, bytes + room);
        }
        if let Some(room) = free.remove(&(at + bytes)) {
            bytes += room;
        }
        free.insert(at, bytes);
    }
}
