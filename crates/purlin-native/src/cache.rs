//! Machine code that is kept on disk, so that what ran much in one run is machine code from its first call on in the next.
//!
//! A build of the engine on a kind of processor has a directory, a module a file there, named by its checksum. A file is
//! a row of records, each with its own checksum, that are put behind the others as functions are compiled. Whatever is
//! damaged or does not fit is taken for not there.

use crate::object::Object;
use parking_lot::Mutex;
use rustix::process::geteuid;
use std::collections::HashMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Bytes that a build's directory holds at most.
const MOST_BYTES: u64 = 128 << 20;

/// A file with more bytes is not read.
const MOST_OF_FILE: u64 = 16 << 20;

/// Other builds' directories are removed when nothing was added to them for so long.
const STALE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Bytes in front of a record: how many follow, and their checksum.
const HEADER: usize = 8;

static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();

/// Has machine code be kept in this directory, and taken from there.
pub fn keep_in(directory: PathBuf) {
    let _ = DIRECTORY.set(directory);
}

/// Which function, in every run.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The module's name and checksum.
    pub module: &'static str,
    pub checksum: Checksum,
    /// The function's position in it.
    pub function: u32,
    /// What the instructions are.
    pub fingerprint: u32,
}

type Checksum = [u8; 16];

/// A module's records: all bytes, and where each function's lies.
struct Records {
    bytes: Vec<u8>,
    /// No part of a record is behind them.
    whole: bool,
    functions: HashMap<u32, std::ops::Range<usize>>,
}

pub struct Cache {
    directory: PathBuf,
    files: Mutex<HashMap<Checksum, PathBuf>>,
    read: Mutex<HashMap<Checksum, Arc<Records>>>,
    bytes: AtomicU64,
    cleaned: OnceLock<()>,
}

/// The cache of this program, if it has one.
pub fn cache(build: impl FnOnce() -> Option<String>) -> Option<&'static Cache> {
    static CACHE: OnceLock<Option<Cache>> = OnceLock::new();
    CACHE.get_or_init(|| Cache::open(DIRECTORY.get()?.join(build()?))).as_ref()
}

impl Cache {
    /// `None` where others could write to the directory.
    pub fn open(directory: PathBuf) -> Option<Cache> {
        let mut files = HashMap::new();
        let mut bytes = 0;
        if let Ok(about) = fs::symlink_metadata(&directory) {
            if !about.is_dir() || about.uid() != geteuid().as_raw() || about.mode() & 0o022 != 0 {
                return None;
            }
            for file in fs::read_dir(&directory).ok()?.flatten() {
                bytes += file.metadata().map_or(0, |m| m.len());
                let name = file.file_name();
                let checksum = name.to_str().and_then(|n| n.rsplit_once('-')).and_then(|n| checksum_of(n.1));
                files.extend(checksum.map(|c| (c, file.path())));
            }
        }
        let (files, read) = (Mutex::new(files), Mutex::default());
        Some(Cache { directory, files, read, bytes: AtomicU64::new(bytes), cleaned: OnceLock::new() })
    }

    /// Whether anything is kept of the module with this checksum.
    pub fn has_module(&self, checksum: &Checksum) -> bool {
        self.files.lock().contains_key(checksum)
    }

    /// What is kept of a function with so many instructions.
    pub fn find(&self, key: &Key, instructions: usize) -> Option<Object> {
        let records = self.records(&key.checksum)?;
        let record = records.bytes.get(records.functions.get(&key.function)?.clone())?;
        let (sum, record) = record.split_first_chunk::<4>()?;
        if crc32fast::hash(record) != u32::from_le_bytes(*sum) {
            return None;
        }
        let (print, object) = record.get(4..)?.split_first_chunk::<4>()?;
        (u32::from_le_bytes(*print) == key.fingerprint).then(|| Object::decode(object, instructions))?
    }

    fn records(&self, checksum: &Checksum) -> Option<Arc<Records>> {
        if let Some(records) = self.read.lock().get(checksum) {
            return Some(records.clone());
        }
        let path = self.files.lock().get(checksum)?.clone();
        let readable = fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= MOST_OF_FILE);
        let bytes = if readable { fs::read(&path).unwrap_or_default() } else { Vec::new() };
        let records = Arc::new(Records::of(bytes));
        // Nobody would find what is put behind a part of a record.
        if !records.whole {
            let _ = fs::remove_file(&path);
        }
        self.read.lock().insert(*checksum, records.clone());
        Some(records)
    }

    /// Keeps a function's machine code. What cannot be written is made again in the next run.
    pub fn keep(&self, key: &Key, object: &Object) {
        let mut record = vec![0; HEADER];
        record.extend(key.function.to_le_bytes());
        record.extend(key.fingerprint.to_le_bytes());
        object.encode(&mut record);
        let size = (record.len() - HEADER) as u32;
        let sum = crc32fast::hash(&record[HEADER..]);
        record[..4].copy_from_slice(&size.to_le_bytes());
        record[4..HEADER].copy_from_slice(&sum.to_le_bytes());
        let written = self.bytes.fetch_add(record.len() as u64, Ordering::Relaxed);
        if written + record.len() as u64 > MOST_BYTES {
            return;
        }
        self.cleaned.get_or_init(|| self.clean());
        let path = self.directory.join(file_name(key.module, &key.checksum));
        // In one piece, so that other programs' records stand before or behind it.
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        if file.and_then(|mut file| file.write_all(&record)).is_ok() {
            self.files.lock().insert(key.checksum, path);
            self.read.lock().remove(&key.checksum);
        }
    }

    /// Makes the directory, and removes those of builds that are no longer used.
    fn clean(&self) {
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(&self.directory);
        let Some(all) = self.directory.parent().and_then(|all| fs::read_dir(all).ok()) else { return };
        for other in all.flatten().filter(|d| d.path() != self.directory && is_build(&d.path())) {
            let age = other.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
            if age.is_some_and(|age| age > STALE) {
                let _ = fs::remove_dir_all(other.path());
            }
        }
    }
}

impl Records {
    fn of(bytes: Vec<u8>) -> Records {
        let mut functions = HashMap::new();
        let mut at = 0;
        while let Some(header) = bytes.get(at..at + HEADER + 4) {
            let word = |i: usize| u32::from_le_bytes([header[i], header[i + 1], header[i + 2], header[i + 3]]);
            let end = at + HEADER + word(0) as usize;
            if end > bytes.len() {
                break;
            }
            // The last one counts.
            functions.insert(word(HEADER), at + 4..end);
            at = end;
        }
        Records { whole: at == bytes.len(), bytes, functions }
    }
}

/// Whether a directory's name is that of a build.
fn is_build(path: &Path) -> bool {
    path.file_name().and_then(|n| n.to_str()).is_some_and(|n| checksum_of(n).is_some())
}

/// A module's file: its name, as far as a file's may be so, and its checksum.
fn file_name(module: &str, checksum: &Checksum) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
    let name: String = module.chars().take(80).map(plain).collect();
    format!("{name}-{}", hex(checksum))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn checksum_of(text: &str) -> Option<Checksum> {
    let digits = text.as_bytes();
    let mut checksum = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in checksum.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(checksum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::Symbol;
    use crate::object::Link;

    const KEY: Key = Key { module: "Elixir.A/b", checksum: [7; 16], function: 3, fingerprint: 11 };

    fn object(byte: u8) -> Object {
        let links = vec![Link { at: 4, symbol: Symbol::Helper(1, false), addend: 0 }];
        Object { entries: vec![(0, 0)], links, bytes: vec![byte; 32] }
    }

    /// A directory that goes with this.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Directory {
            let path = std::env::temp_dir().join(format!("purlin-cache-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Directory(path)
        }

        fn open(&self) -> Cache {
            Cache::open(self.0.clone()).unwrap()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_is_kept_is_found_in_the_next_run_and_the_last_one_counts() {
        let directory = Directory::new("kept");
        let cache = directory.open();
        assert!(!cache.has_module(&KEY.checksum));
        cache.keep(&KEY, &object(1));
        cache.keep(&Key { function: 4, ..KEY }, &object(2));
        cache.keep(&KEY, &object(3));
        let next = directory.open();
        assert!(next.has_module(&KEY.checksum));
        assert_eq!(next.find(&KEY, 9), Some(object(3)));
        assert_eq!(next.find(&Key { function: 4, ..KEY }, 9), Some(object(2)));
        assert_eq!(next.find(&Key { function: 5, ..KEY }, 9), None);
        assert_eq!(next.find(&Key { fingerprint: 12, ..KEY }, 9), None, "other instructions");
        assert_eq!(cache.find(&KEY, 9), Some(object(3)), "in the same run, too");
    }

    #[test]
    fn damaged_records_are_not_there() {
        let directory = Directory::new("damaged");
        directory.open().keep(&KEY, &object(1));
        let file = fs::read_dir(&directory.0).unwrap().flatten().next().unwrap().path();
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x11;
            fs::write(&file, &bytes).unwrap();
            assert_eq!(directory.open().find(&KEY, 9), None, "byte {at}");
            fs::write(&file, &whole[..at]).unwrap();
            let cache = directory.open();
            assert_eq!(cache.find(&KEY, 9), None, "cut at {at}");
            cache.keep(&KEY, &object(2));
            assert_eq!(directory.open().find(&KEY, 9), Some(object(2)), "behind what is cut at {at}");
        }
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let directory = Directory::new("open");
        directory.open().keep(&KEY, &object(1));
        fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Cache::open(directory.0.clone()).is_none());
    }
}
