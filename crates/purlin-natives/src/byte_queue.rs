//! A queue of bytes: what files read ahead, and what a stream of `zlib` still has to process.

/// Fewer bytes are copied rather than given away with their buffer.
const COPIED: usize = 4096;
/// Room for so many further bytes at most is kept when a buffer is given away.
const ROOM: usize = 1 << 17;

/// Bytes that are taken at the front and added at the end.
#[derive(Default)]
pub(crate) struct ByteQueue {
    data: Vec<u8>,
    taken: usize,
}

impl ByteQueue {
    /// What has not been taken.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.data[self.taken..]
    }

    /// Drops `n` bytes at the front; false when there are not so many.
    pub(crate) fn skip(&mut self, n: usize) -> bool {
        if n > self.rest().len() {
            return false;
        }
        self.taken += n;
        if self.taken == self.data.len() {
            self.data.clear();
            self.taken = 0;
        } else if self.taken > self.data.len() / 2 {
            self.data.drain(..self.taken);
            self.taken = 0;
        }
        true
    }

    /// Puts bytes in front of the others.
    pub(crate) fn prepend(&mut self, bytes: &[u8]) {
        self.data.splice(..self.taken, bytes.iter().copied());
        self.taken = 0;
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
    }

    /// Where further bytes are to be added, with room for `n`.
    pub(crate) fn end(&mut self, n: usize) -> &mut Vec<u8> {
        self.data.reserve(n);
        &mut self.data
    }

    /// Takes `n` bytes at the front, which are there: a buffer, and where in it they begin. Many are not copied.
    pub(crate) fn take(&mut self, n: usize) -> (Vec<u8>, usize) {
        if n < self.data.len() / 2 || n < COPIED {
            let taken = self.rest()[..n].to_vec();
            self.skip(n);
            return (taken, 0);
        }
        let rest = &self.rest()[n..];
        // What comes next is likely to need as much room.
        let mut left = Vec::with_capacity(self.data.capacity().min(rest.len() + ROOM));
        left.extend_from_slice(rest);
        (std::mem::replace(&mut self.data, left), std::mem::take(&mut self.taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_the_order_they_came() {
        let mut b = ByteQueue { data: b"abcdef".to_vec(), taken: 0 };
        assert!(b.skip(2) && b.rest() == b"cdef");
        assert!(b.skip(3) && b.rest() == b"f");
        b.append(b"gh");
        assert_eq!(b.rest(), b"fgh");
        assert!(!b.skip(4) && b.rest() == b"fgh");
        assert!(b.skip(3) && b.rest().is_empty());
        b.append(b"yz");
        assert!(b.skip(1));
        b.prepend(b"wx");
        assert_eq!(b.rest(), b"wxz");
    }

    #[test]
    fn what_is_taken_is_gone_and_the_rest_is_there() {
        for n in [1, 10, 5000, 9000, 9998] {
            let all: Vec<u8> = (0..10_000).map(|i| i as u8).collect();
            let mut b = ByteQueue::default();
            b.end(1).extend_from_slice(&all);
            assert!(b.skip(2));
            let (taken, start) = b.take(n);
            assert_eq!(taken[start..start + n], all[2..2 + n]);
            assert_eq!(b.rest(), &all[2 + n..]);
        }
    }
}
