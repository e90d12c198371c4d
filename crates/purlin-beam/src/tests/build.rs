//! Modules put together by hand, chunk by chunk.

use std::io::Write;

/// The chunks of `m`, a module with one function `f/0` that returns `x0`.
pub(super) struct Module {
    pub chunks: Vec<([u8; 4], Vec<u8>)>,
}

/// Fields of four bytes each, one after the other.
pub(super) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A code chunk around these instructions.
pub(super) fn code(labels: u32, functions: u32, instructions: &[u8]) -> Vec<u8> {
    [words(&[16, 0, 184, labels, functions]), instructions.to_vec()].concat()
}

/// label 1; func_info m f 0; label 2; then `body` and int_code_end.
pub(super) fn function(body: &[u8]) -> Vec<u8> {
    [&[1, 0x10, 2, 0x12, 0x22, 0x00, 1, 0x20], body, &[3]].concat()
}

pub(super) fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

impl Module {
    pub fn new() -> Module {
        Module {
            chunks: vec![
                (*b"AtU8", [words(&[2]), b"\x01m\x01f".to_vec()].concat()),
                (*b"Code", code(3, 1, &function(&[19]))),
                (*b"StrT", Vec::new()),
                (*b"ImpT", words(&[0])),
                (*b"ExpT", words(&[1, 2, 0, 2])),
            ],
        }
    }

    /// With a chunk replaced or added.
    pub fn with(mut self, name: &[u8; 4], data: Vec<u8>) -> Module {
        self.chunks.retain(|(other, _)| other != name);
        self.chunks.push((*name, data));
        self
    }

    /// With this as the body of `f/0`.
    pub fn body(self, body: &[u8]) -> Module {
        self.with(b"Code", code(3, 1, &function(body)))
    }

    pub fn without(mut self, name: &[u8; 4]) -> Module {
        self.chunks.retain(|(other, _)| other != name);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut form = b"BEAM".to_vec();
        for (name, data) in &self.chunks {
            form.extend(name);
            form.extend((data.len() as u32).to_be_bytes());
            form.extend(data);
            form.resize(form.len().next_multiple_of(4), 0);
        }
        [b"FOR1".to_vec(), words(&[form.len() as u32]), form].concat()
    }
}
