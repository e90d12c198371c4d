//! Room on heap and stack.

use super::Run;
use crate::gc::{self, Depth};
use crate::process::Rare;
use purlin_term::heap::STACK_RESERVE;

impl Run<'_> {
    /// Makes sure that `words` words are free, beside what calls push unchecked; collects if they are not.
    #[inline(always)]
    pub(super) fn ensure(&mut self, words: usize, live: usize) {
        if self.data.heap.free_words() < words + STACK_RESERVE || self.engine.config.collect_always {
            self.collect(words, live);
        }
    }

    /// After a native or an instruction that may have put terms into fragments: collects when it is time.
    #[inline(always)]
    pub(super) fn settle(&mut self, live: usize) {
        if self.data.heap.wants_collection() || self.engine.config.collect_always {
            self.collect(0, live);
        }
    }

    #[cold]
    pub(super) fn collect(&mut self, words: usize, live: usize) {
        if self.data.delay_collection {
            // Registers hold parts of a message: only make room for the stack, which terms do not point into.
            self.grow_stack(words);
            return;
        }
        let depth = match self.data.rare() {
            Some(Rare { fullsweep_after: 0, .. }) => Depth::Major,
            _ => Depth::Minor,
        };
        self.collect_to(words, live, depth);
    }

    pub(super) fn collect_to(&mut self, words: usize, live: usize, depth: Depth) {
        // The collector takes the heap apart, so the other roots are visited through the rest of the process.
        let mut heap = std::mem::replace(&mut self.data.heap, purlin_term::Heap::new(0));
        let (x, data) = (&mut self.m.x[..live], &mut *self.data);
        let collected = gc::collect(
            &mut heap,
            &mut |visit| {
                x.iter_mut().for_each(&mut *visit);
                data.visit_roots(visit);
            },
            words + STACK_RESERVE,
            depth,
        );
        #[cfg(debug_assertions)]
        gc::verify(&heap);
        self.data.heap = heap;
        self.data.charge(collected.live / 10);
        self.sync_stack();
        if let Some(max) = self.data.rare().map(|r| r.max_heap_size)
            && max.size > 0
            && collected.live > max.size
        {
            self.too_large(max.kill);
        }
    }

    /// The heap outgrew `max_heap_size`: the process ends when it next looks at its signals.
    fn too_large(&mut self, kill: bool) {
        if kill {
            self.data.exit_reason = purlin_term::Term::atom(purlin_term::Atom::KILLED);
            self.data.slice_left = 0;
        }
    }

    /// Moves the stack to a larger block and leaves all terms where they are: the former block becomes a fragment.
    fn grow_stack(&mut self, words: usize) {
        self.data.heap.replace_block(words + STACK_RESERVE);
        self.sync_stack();
    }
}
