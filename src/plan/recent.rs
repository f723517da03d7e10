//! What was made last, by key: made anew when it is asked for again long after.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

type Slot<T> = Arc<OnceLock<Arc<T>>>;

/// Holds a few values; threads that ask for the same one at once wait for the one that makes it.
pub struct Recent<K, T> {
    most: usize,
    /// The one that was asked for last stands last.
    slots: Mutex<Vec<(K, Slot<T>)>>,
}

impl<K: PartialEq + Copy, T> Recent<K, T> {
    /// Of so many values at most.
    pub fn of(most: usize) -> Recent<K, T> {
        Recent { most, slots: Mutex::default() }
    }

    pub fn get(&self, key: K, make: impl FnOnce() -> T) -> Arc<T> {
        let slot = {
            // A slot is whole whenever the lock is let go of.
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            let known = slots.iter().rposition(|(other, _)| *other == key);
            let slot = known.map_or_else(|| (key, Slot::default()), |place| slots.remove(place));
            if slots.len() >= self.most {
                slots.remove(0);
            }
            slots.push(slot.clone());
            slot.1
        };
        Arc::clone(slot.get_or_init(|| Arc::new(make())))
    }
}

impl<K, T> fmt::Debug for Recent<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the last {}", self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn the_last_ones_are_there_and_others_are_made_again() {
        let (recent, made) = (Recent::of(2), Cell::new(0));
        let get = |key: usize| {
            *recent.get(key, || {
                made.set(made.get() + 1);
                10 * key
            })
        };
        let asked = [1, 2, 1, 3, 1, 2].map(|key| (get(key), made.get()));
        assert_eq!(asked, [(10, 1), (20, 2), (10, 2), (30, 3), (10, 3), (20, 4)]);
    }
}
