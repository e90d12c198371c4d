//! A map that most often has few entries: those stand in the order of their keys in one small block, which stays when
//! they go; many are a tree.

use std::collections::BTreeMap;

/// How many entries are few.
const FEW: usize = 12;

/// A map from `K` to `V`, in the order of the keys.
pub struct Keyed<K, V> {
    few: Vec<(K, V)>,
    /// All entries, while they are many.
    many: Option<Box<BTreeMap<K, V>>>,
}

impl<K, V> Default for Keyed<K, V> {
    fn default() -> Keyed<K, V> {
        Keyed { few: Vec::new(), many: None }
    }
}

impl<K: Ord + Copy, V> Keyed<K, V> {
    // Among few, latest first: what is looked for was most often added last.

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        match &self.many {
            None => self.few.iter().rfind(|e| e.0 == *key).map(|e| &e.1),
            Some(tree) => tree.get(key),
        }
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match &mut self.many {
            None => self.few.iter_mut().rfind(|e| e.0 == *key).map(|e| &mut e.1),
            Some(tree) => tree.get_mut(key),
        }
    }

    /// Gives a key a value; its former one.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(former) = self.get_mut(&key) {
            return Some(std::mem::replace(former, value));
        }
        if self.many.is_none() && self.few.len() == FEW {
            self.many = Some(Box::new(std::mem::take(&mut self.few).into_iter().collect()));
        }
        match &mut self.many {
            None => {
                // Most have one entry at a time.
                if self.few.capacity() == 0 {
                    self.few.reserve_exact(1);
                }
                let at = self.few.iter().rposition(|e| e.0 < key).map_or(0, |i| i + 1);
                self.few.insert(at, (key, value));
            }
            Some(tree) => {
                tree.insert(key, value);
            }
        }
        None
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        match &mut self.many {
            None => self.few.iter().rposition(|e| e.0 == *key).map(|i| self.few.remove(i).1),
            Some(tree) => {
                let value = tree.remove(key);
                if tree.is_empty() {
                    self.many = None;
                }
                value
            }
        }
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> + '_ {
        let few = self.few.iter().map(|e| (e.0, &e.1));
        few.chain(self.many.iter().flat_map(|tree| tree.iter().map(|(k, v)| (*k, v))))
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &V> + '_ {
        self.iter().map(|e| e.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_and_stand_in_order_whether_few_or_many() {
        for count in [1, FEW, FEW + 1, 100] {
            let (mut map, mut model) = (Keyed::default(), BTreeMap::new());
            for i in 0..count {
                let key = (i * 7) % count;
                assert_eq!(map.insert(key, i), model.insert(key, i));
                assert_eq!(map.insert(key, i + 1), model.insert(key, i + 1), "a second value");
            }
            *map.get_mut(&0).unwrap() += 10;
            *model.get_mut(&0).unwrap() += 10;
            for key in 0..=count {
                assert_eq!(map.get(&key), model.get(&key));
                assert!(map.iter().map(|(k, v)| (k, *v)).eq(model.iter().map(|(k, v)| (*k, *v))));
                assert!(map.values().eq(model.values()));
                let gone = (key * 3) % (count + 1);
                assert_eq!(map.remove(&gone), model.remove(&gone));
            }
            assert_eq!(map.iter().count(), model.len());
        }
    }
}
