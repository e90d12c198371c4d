//! The atoms that both ends of a connection remember, one direction of it.

use super::SLOTS;
use crate::atom::Atom;

/// Slots of atoms; there is memory for them once one is filled.
#[derive(Default)]
struct Slots(Option<Box<[Option<Atom>; SLOTS]>>);

impl Slots {
    fn get(&self, slot: usize) -> Option<Atom> {
        *self.0.as_ref()?.get(slot)?
    }

    fn set(&mut self, slot: usize, atom: Atom) {
        let slots = self.0.get_or_insert_with(|| Box::new([None; SLOTS]));
        if let Some(place) = slots.get_mut(slot) {
            *place = Some(atom);
        }
    }
}

/// What the peer has been told: one per connection, guarded by whatever keeps its packets in order.
#[derive(Default)]
pub struct OutCache(Slots);

impl OutCache {
    /// The slot that is this atom's.
    pub fn slot(atom: Atom) -> usize {
        atom.index() as usize % SLOTS
    }

    /// Whether the peer knows the atom by its slot.
    pub(super) fn holds(&self, atom: Atom) -> bool {
        self.0.get(OutCache::slot(atom)) == Some(atom)
    }

    /// The peer is told the atom, and forgets what was in its slot.
    pub(super) fn insert(&mut self, atom: Atom) {
        self.0.set(OutCache::slot(atom), atom);
    }
}

/// What the peer has told.
#[derive(Default)]
pub(super) struct InCache(Slots);

impl InCache {
    pub fn get(&self, slot: usize) -> Option<Atom> {
        self.0.get(slot)
    }

    pub fn set(&mut self, slot: usize, atom: Atom) {
        self.0.set(slot, atom);
    }
}
