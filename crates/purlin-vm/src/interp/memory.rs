//! Room on heap and stack.

use super::Run;
#[cfg(debug_assertions)]
use crate::gc;
use crate::gc::Depth;
use crate::heap_limit;
use crate::process::Flags;
use crate::tracing::events;
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

    /// As `settle` where a `receive` begins and no X register lives.
    pub(super) fn settle_received(&mut self) {
        let heap = &self.data.heap;
        if heap.wants_collection_at_receive(heap.free_words()) || self.engine.config.collect_always {
            self.collect(0, 0);
        }
    }

    #[cold]
    pub(super) fn collect(&mut self, words: usize, live: usize) {
        if self.data.delay_collection {
            // Registers hold parts of a message: only make room for the stack, which terms do not point into.
            self.grow_stack(words);
            return;
        }
        if self.data.flags.has(Flags::HOLDS_COLLECTIONS) {
            if self.data.heap.free_words() < words + STACK_RESERVE {
                self.grow_stack(words);
            }
            return;
        }
        self.collect_now(words, live);
    }

    /// Collects as deep as the process's settings say.
    fn collect_now(&mut self, words: usize, live: usize) {
        heap_limit::check(self.engine, self.process, self.data, words);
        let collected = events::collect(self.engine, self.process, self.data, &mut self.m.x[..live], words);
        #[cfg(debug_assertions)]
        gc::verify(&self.data.heap);
        self.data.charge(collected.live / 10);
        self.sync_stack();
    }

    /// Collects in the given depth.
    pub(super) fn collect_to(&mut self, words: usize, live: usize, depth: Depth) {
        self.data.wanted_collection = Some(depth);
        self.collect_now(words, live);
    }

    /// Moves the stack to a larger block and leaves all terms where they are: the former block becomes a fragment.
    fn grow_stack(&mut self, words: usize) {
        self.data.heap.replace_block(words + STACK_RESERVE);
        self.sync_stack();
    }
}
