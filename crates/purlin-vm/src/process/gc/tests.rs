use super::*;
use purlin_term::Fragment;

fn run(heap: &mut Heap, roots: &mut [Term], need: usize, depth: Depth) -> Collected {
    collect(
        heap,
        &mut |visit| {
            for r in roots.iter_mut() {
                visit(r);
            }
        },
        need,
        0,
        depth,
        &mut Habits { mostly_dies: false, busy: false },
    )
}

fn sample(heap: &mut Heap, seed: i64) -> Term {
    let big = heap.big(false, &[7, seed as u64 | 1]);
    let bin = heap.binary(&[seed as u8; 100]);
    let part = heap.sub_bits(bin, 3, 700);
    let inner = heap.list(&[Term::small(seed), big, part]);
    let f = heap.float(seed as f64);
    heap.tuple(&[inner, f, inner, Term::NIL])
}

fn assert_sample(t: Term, seed: i64) {
    let e = t.as_tuple().unwrap();
    assert_eq!(e[0], e[2], "sharing is kept");
    let l = e[0].as_list().unwrap();
    assert_eq!(l[0], Term::small(seed));
    assert_eq!(l[1].as_big().unwrap(), (false, &[7, seed as u64 | 1][..]));
    let byte = seed as u8;
    assert_eq!(l[2].as_bits().unwrap().byte(5), byte.rotate_left(3));
    assert_eq!(e[1].as_float().unwrap(), seed as f64);
}

#[test]
fn terms_survive_many_collections_of_every_depth() {
    let mut heap = Heap::new(MIN_HEAP);
    let mut roots: Vec<Term> = Vec::new();
    for i in 0..200 {
        let t = sample(&mut heap, i);
        roots.push(t);
        sample(&mut heap, 1000 + i);
        let depth = match i % 7 {
            0 => Depth::Major,
            3 => Depth::Tight,
            _ => Depth::Minor,
        };
        run(&mut heap, &mut roots, i as usize, depth);
        assert!(heap.free_words() >= i as usize);
        assert!(heap.fragments.is_empty());
        if i % 3 == 0 && roots.len() > 10 {
            roots.remove(0);
        }
    }
    let first = 200 - roots.len() as i64;
    let found: Vec<i64> = roots.iter().map(|t| t.as_tuple().unwrap()[0].as_list().unwrap()[0].small_value()).collect();
    for (t, seed) in roots.iter().zip(found) {
        assert!(seed >= first || seed >= 0);
        assert_sample(*t, seed);
    }
}

#[test]
fn the_stack_is_kept_and_its_return_addresses_are_left_alone() {
    let mut heap = Heap::new(MIN_HEAP);
    let t = sample(&mut heap, 5);
    let words = [Term::continuation(0x1000), t, Term::NIL, Term::catch(0x2000)];
    // SAFETY: FRESH: the heap has more words than that, and they are written next.
    unsafe { heap.spaces_mut() }.end = heap.end.wrapping_sub(words.len());
    for (i, w) in words.iter().enumerate() {
        // SAFETY: the stack's words were just set aside.
        unsafe { *heap.end.add(i) = w.raw() };
    }
    for depth in [Depth::Minor, Depth::Minor, Depth::Major, Depth::Tight] {
        run(&mut heap, &mut [], 10, depth);
        // SAFETY: four words stand on the stack.
        let now: Vec<Term> = (0..4).map(|i| unsafe { Term::from_raw(*heap.end.add(i)) }).collect();
        assert_eq!(now[0].as_continuation(), Some(0x1000));
        assert_eq!(now[3].as_catch(), Some(0x2000));
        assert_sample(now[1], 5);
    }
}

#[test]
fn adopted_messages_are_merged() {
    let mut heap = Heap::new(MIN_HEAP);
    let mut other = Heap::new(0);
    let t = other.binary(&[9; 100]);
    let t = other.tuple(&[t, Term::small(1)]);
    let (fragment, copy): (Fragment, Term) = purlin_term::copy::to_fragment(t, Literals::lasting());
    drop(other);
    heap.adopt(fragment);
    let mut roots = [copy];
    run(&mut heap, &mut roots, 0, Depth::Minor);
    assert!(heap.fragments.is_empty());
    assert_eq!(heap.off_heap.len(), 1);
    assert_eq!(roots[0].as_tuple().unwrap()[0].as_bytes().unwrap().as_ref(), &[9; 100]);
}

#[test]
fn dead_binaries_give_up_their_counts() {
    let mut heap = Heap::new(MIN_HEAP);
    let kept = heap.binary(&[1; 1000]);
    heap.binary(&[2; 1000]);
    assert_eq!(heap.off_heap.len(), 2);
    let mut roots = [kept];
    run(&mut heap, &mut roots, 0, Depth::Minor);
    run(&mut heap, &mut roots, 0, Depth::Minor);
    assert_eq!(heap.old_off_heap.as_ref().unwrap().len(), 1);
    run(&mut heap, &mut [], 0, Depth::Major);
    assert!(heap.off_heap.is_empty() && heap.old_off_heap.is_none());
}
