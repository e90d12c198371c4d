//! Room on heap and stack.

use super::Run;
use crate::engine::context::Ctx;
use crate::lifecycle::heap_limit;
use crate::process::Flags;
use crate::process::gc::Depth;
use crate::tracing::events;
use purlin_term::heap::STACK_RESERVE;

/// Forced collections go through this many words at each point, on the average.
const FORCED_WORDS: usize = 1024;

impl Run<'_> {
    /// Makes sure that `words` words are free, beside what calls push unchecked; collects if they are not.
    #[inline(always)]
    pub(super) fn ensure(&mut self, words: usize, live: usize) {
        if self.data.heap.free_words() < words + STACK_RESERVE || self.is_forced() {
            self.collect(words, live);
        }
    }

    /// After a native or an instruction that may have put terms into fragments: collects when it is time.
    #[inline(always)]
    pub(in crate::tier) fn settle(&mut self, live: usize) {
        if self.data.heap.wants_collection() || self.is_forced() {
            self.collect(0, live);
        }
    }

    /// As `settle` where a `receive` begins and no X register lives.
    pub(super) fn settle_received(&mut self) {
        let heap = &self.data.heap;
        // A process that a mere question woke begins its `receive` again: nothing was allocated.
        let is_new = heap.top != heap.high_water || !heap.fragments.is_empty();
        if heap.wants_collection_at_receive(heap.free_words()) || (is_new && self.is_forced()) {
            self.collect(0, 0);
        }
    }

    /// Whether tests want a collection at this point, though there is room.
    #[inline(always)]
    pub(super) fn is_forced(&mut self) -> bool {
        self.engine.config.collect_always && self.is_turn_forced()
    }

    /// Each point, while collections go through few words. After one that went through a deep stack or much else, so
    /// many points pass that each costs a bounded time on the average.
    #[cold]
    fn is_turn_forced(&mut self) -> bool {
        let due = self.data.unforced == 0;
        self.data.unforced = self.data.unforced.saturating_sub(1);
        due
    }

    #[cold]
    pub(super) fn collect(&mut self, words: usize, live: usize) {
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
        let ctx = &mut Ctx { engine: self.engine, process: self.process, data: self.data };
        heap_limit::check(ctx, words);
        let collected = events::collect(ctx, &mut self.m.x[..live], words);
        self.data.charge(collected.walked / 10);
        // A block costs time as well, even if there is little in it.
        let cost = collected.walked + self.data.heap.block.words() / 8;
        self.data.unforced = (cost / FORCED_WORDS).min(u16::MAX as usize) as u16;
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
