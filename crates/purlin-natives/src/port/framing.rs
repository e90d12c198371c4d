//! How a port's bytes are cut into messages: as they come, in packets with a length, or in lines.

/// How bytes are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    #[default]
    Stream,
    /// Each packet behind its length in 1, 2 or 4 bytes, big-endian.
    Packet(u8),
    /// Lines of at most so many bytes.
    Line(usize),
}

/// A piece of input.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    Data(Vec<u8>),
    /// A whole line, without its end.
    Eol(Vec<u8>),
    /// A part of a line.
    NoEol(Vec<u8>),
}

impl Piece {
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn len(&self) -> usize {
        let (Piece::Data(bytes) | Piece::Eol(bytes) | Piece::NoEol(bytes)) = self;
        bytes.len()
    }
}

/// Input that has not made up a piece yet.
pub struct Cutter {
    framing: Framing,
    rest: Vec<u8>,
}

impl Cutter {
    pub fn new(framing: Framing) -> Cutter {
        Cutter { framing, rest: Vec::new() }
    }

    /// The pieces that these further bytes complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Piece> {
        if self.framing == Framing::Stream {
            return vec![Piece::Data(bytes.to_vec())];
        }
        self.rest.extend_from_slice(bytes);
        let mut out = Vec::new();
        while let Some((piece, used)) = self.next() {
            out.push(piece);
            self.rest.drain(..used);
        }
        out
    }

    fn next(&self) -> Option<(Piece, usize)> {
        match self.framing {
            Framing::Stream => None,
            Framing::Packet(n) => {
                let n = n as usize;
                let head = self.rest.get(..n)?;
                let len = head.iter().fold(0usize, |l, &b| l << 8 | b as usize);
                let body = self.rest.get(n..n + len)?;
                Some((Piece::Data(body.to_vec()), n + len))
            }
            Framing::Line(max) => {
                // The line end of a full line may come later, and may be two bytes.
                let end = self.rest.iter().take(max + 2).position(|&b| b == b'\n');
                let line = end.map(|i| self.rest[..i].strip_suffix(b"\r").unwrap_or(&self.rest[..i]));
                match (line, self.rest.get(max..)) {
                    (Some(line), _) if line.len() <= max => Some((Piece::Eol(line.to_vec()), end? + 1)),
                    (None, None | Some([] | [b'\r'])) => None,
                    _ if max > 0 => Some((Piece::NoEol(self.rest[..max].to_vec()), max)),
                    _ => None,
                }
            }
        }
    }

    /// What is left at the end of the input.
    pub fn finish(&mut self) -> Vec<Piece> {
        let rest = std::mem::take(&mut self.rest);
        match self.framing {
            Framing::Line(max) => rest.chunks(max.max(1)).map(|part| Piece::NoEol(part.to_vec())).collect(),
            _ => Vec::new(),
        }
    }
}

/// Output as it goes out: with its length in front in packet mode. `None` when it is too long for that.
pub fn frame(framing: Framing, data: Vec<u8>) -> Option<Vec<u8>> {
    let Framing::Packet(n) = framing else { return Some(data) };
    if n < 4 && data.len() >= 1 << (8 * n) || data.len() > u32::MAX as usize {
        return None;
    }
    let mut out = (data.len() as u32).to_be_bytes()[4 - n as usize..].to_vec();
    out.extend_from_slice(&data);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_line_waits_for_its_end() {
        let mut c = Cutter::new(Framing::Line(3));
        assert!(c.feed(b"abc").is_empty());
        assert!(c.feed(b"\r").is_empty());
        assert_eq!(c.feed(b"\nabc"), [Piece::Eol(b"abc".to_vec())]);
        assert_eq!(c.feed(b"\rd"), [Piece::NoEol(b"abc".to_vec())]);
        assert_eq!(c.feed(b"\nabc"), [Piece::Eol(b"\rd".to_vec())]);
        assert_eq!(c.feed(b"d\nabc\r"), [Piece::NoEol(b"abc".to_vec()), Piece::Eol(b"d".to_vec())]);
        assert_eq!(c.finish(), [Piece::NoEol(b"abc".to_vec()), Piece::NoEol(b"\r".to_vec())]);
        assert!(c.finish().is_empty());
    }

    #[test]
    fn packets_and_lines_are_cut_wherever_the_bytes_break() {
        let mut c = Cutter::new(Framing::Packet(2));
        assert!(c.feed(&[0]).is_empty());
        assert_eq!(c.feed(&[2, 7, 8, 0]), [Piece::Data(vec![7, 8])]);
        let mut c = Cutter::new(Framing::Line(3));
        assert_eq!(
            c.feed(b"ab\ncdef\ng"),
            [Piece::Eol(b"ab".to_vec()), Piece::NoEol(b"cde".to_vec()), Piece::Eol(b"f".to_vec())]
        );
        assert_eq!(c.finish(), [Piece::NoEol(b"g".to_vec())]);
        assert_eq!(frame(Framing::Packet(1), vec![9]), Some(vec![1, 9]));
        assert_eq!(frame(Framing::Packet(1), vec![0; 256]), None);
    }
}
