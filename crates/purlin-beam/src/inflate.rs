//! Decompression that a hostile file cannot turn into a memory bomb.

use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};

use crate::error::BeamErrorKind;

/// Deflate cannot do better than about 1,032 to 1; an announced size beyond
/// this bound is a lie and is refused before anything is allocated.
fn largest_possible(compressed: usize) -> usize {
    compressed.saturating_mul(1_040).saturating_add(1_024)
}

/// Decompresses zlib data that must come to exactly `announced` bytes.
pub(crate) fn zlib(bytes: &[u8], announced: usize) -> Result<Vec<u8>, BeamErrorKind> {
    if announced > largest_possible(bytes.len()) {
        return Err(BeamErrorKind::ImplausibleCount(announced as u64));
    }
    let mut data = Vec::with_capacity(announced);
    let limit = announced as u64 + 1;
    ZlibDecoder::new(bytes).take(limit).read_to_end(&mut data).map_err(|_| BeamErrorKind::BadCompression)?;
    if data.len() != announced {
        let (announced, found) = (announced as u64, data.len() as u64);
        return Err(BeamErrorKind::SizeMismatch { announced, found });
    }
    Ok(data)
}

/// The largest module accepted in compressed form.
const LARGEST_FILE: usize = 1 << 28;

/// Decompresses a whole file.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>, BeamErrorKind> {
    let limit = largest_possible(bytes.len()).min(LARGEST_FILE);
    let mut data = Vec::new();
    GzDecoder::new(bytes).take(limit as u64 + 1).read_to_end(&mut data).map_err(|_| BeamErrorKind::BadCompression)?;
    if data.len() > limit {
        return Err(BeamErrorKind::ImplausibleCount(data.len() as u64));
    }
    Ok(data)
}
