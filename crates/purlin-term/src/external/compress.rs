//! Compressed terms: a size and zlib data.
//!
//! What is written must be byte for byte what OTP writes, and what is damaged must be refused where OTP refuses it, so
//! zlib itself does both.

use super::DecodeError;
use super::reader::Reader;
use flate2::bufread::ZlibDecoder;
use std::io::Read;

/// The zlib data of a compressed term whose size starts at `from`, and where in `bytes` it ends.
pub(super) fn decompress(bytes: &[u8], from: usize) -> Result<(Vec<u8>, usize), DecodeError> {
    let mut reader = Reader::new(bytes, from);
    let size = reader.u32()? as usize;
    let start = reader.position();
    // A byte of deflated data cannot stand for much more than a thousand bytes.
    let largest = reader.left().saturating_mul(1_040).saturating_add(1_024);
    reader.ensure(size <= largest)?;
    let mut data = Vec::new();
    // Claims of great size have to be earned by data.
    data.reserve_exact(size.min(1 << 20));
    let mut inflate = ZlibDecoder::new(&bytes[start..]);
    let read = inflate.by_ref().take(size as u64 + 1).read_to_end(&mut data);
    reader.ensure(read.is_ok() && data.len() == size)?;
    // Reading on takes in the checksum.
    reader.ensure(matches!(inflate.read(&mut [0]), Ok(0)))?;
    Ok((data, start + inflate.total_in() as usize))
}

/// Deflates `data` at a level of 1 to 9 (-1 for zlib's default) unless the result would be longer than `most`.
pub(super) fn deflate(data: &[u8], level: i32, most: usize) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::with_capacity(most);
    let mut len = most as libz_sys::uLong;
    // SAFETY: FRESH: `out` has room for `len` bytes, of which zlib writes as many as it then puts into `len`.
    unsafe {
        let size = data.len() as libz_sys::uLong;
        if libz_sys::compress2(out.as_mut_ptr(), &mut len, data.as_ptr(), size, level) != libz_sys::Z_OK {
            return None;
        }
        out.set_len(len as usize);
    }
    Some(out)
}
