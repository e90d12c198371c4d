use super::*;

fn add(queue: &mut Queue, at_end: bool, texts: &[&[u8]], skip: usize) {
    let mut pieces: Vec<iovec> =
        texts.iter().map(|t| iovec { iov_base: t.as_ptr().cast_mut().cast(), iov_len: t.len() }).collect();
    let mut binaries = vec![null_mut(); texts.len()];
    let size = texts.iter().map(|t| t.len()).sum();
    let vec = IoVec { count: texts.len() as c_int, size, pieces: pieces.as_mut_ptr(), binaries: binaries.as_mut_ptr() };
    let at = if at_end { queue.pieces.len() } else { 0 };
    // SAFETY: the pieces are there.
    unsafe { queue.insert(at, &vec, skip) };
}

fn bytes(queue: &Queue) -> Vec<u8> {
    // SAFETY: the pieces are in binaries of the queue.
    let of = |p: &iovec| unsafe { std::slice::from_raw_parts(p.iov_base.cast::<u8>(), p.iov_len) }.to_vec();
    queue.pieces.iter().flat_map(of).collect()
}

#[test]
fn pieces_keep_their_order_at_both_ends() {
    let mut queue = Queue::default();
    add(&mut queue, true, &[b"abc", b"", b"def"], 4);
    add(&mut queue, false, &[b"12", b"3"], 0);
    add(&mut queue, true, &[b"g"], 0);
    assert_eq!((bytes(&queue), queue.len()), (b"123efg".to_vec(), 6));
    assert!(queue.take(4));
    assert_eq!(bytes(&queue), b"fg");
    assert!(!queue.take(3));
    assert!(queue.take(2));
    assert_eq!((queue.len(), queue.pieces.len(), queue.binaries.len()), (0, 0, 0));
}

#[test]
fn a_queue_gives_back_its_references() {
    let mut binary = Binary::of(b"some bytes");
    // SAFETY: the binary is there until its last reference is given back.
    unsafe {
        let mut piece = iovec { iov_base: Binary::bytes(binary).add(5).cast(), iov_len: 5 };
        let vec = IoVec { count: 1, size: 5, pieces: &mut piece, binaries: &mut binary };
        let mut queue = Queue::default();
        queue.insert(0, &vec, 0);
        assert_eq!(retain(binary), 3);
        release(binary);
        assert_eq!(bytes(&queue), b"bytes");
        drop(queue);
        assert_eq!(retain(binary), 2);
        release(binary);
        release(binary);
    }
}
