//! Which bytes the MD5 of a module covers.

use crate::error::ChunkName;
use crate::file::BeamFile;

/// In the order in which they are hashed. `Atom` only occurs in old files.
const COVERED: [&[u8; 4]; 11] =
    [b"Atom", b"AtU8", b"Code", b"StrT", b"ImpT", b"ExpT", b"FunT", b"LitT", b"Meta", b"Recs", b"DbgB"];

const LAMBDA_SIZE: usize = 24;
const OLD_UNIQ: usize = 20;

impl BeamFile {
    /// The bytes whose MD5 is the module's checksum (`module_info(md5)`, the
    /// default `vsn`), in order. The old uniq of each lambda counts as zero.
    pub fn checksum_parts(&self) -> impl Iterator<Item = &[u8]> {
        COVERED.iter().flat_map(move |name| {
            let data = self.chunk_named(ChunkName(**name)).unwrap_or_default();
            let (whole, lambdas) = match *name {
                b"FunT" => data.split_at_checked(4).unwrap_or((data, &[])),
                _ => (data, &[][..]),
            };
            std::iter::once(whole).chain(lambdas.chunks(LAMBDA_SIZE).flat_map(|lambda| {
                let (fields, uniq) = match lambda.split_at_checked(OLD_UNIQ) {
                    Some((fields, uniq)) if uniq.len() == 4 => (fields, &[0; 4][..]),
                    _ => (lambda, &[][..]),
                };
                [fields, uniq]
            }))
        })
    }
}
