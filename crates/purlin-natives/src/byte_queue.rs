//! A queue of bytes: what files read ahead, and what a stream of `zlib` still has to process.

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
}
