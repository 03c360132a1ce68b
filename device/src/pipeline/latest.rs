//! The newest-wins slot between two stages.
//!
//! Three values go round: one with the producer, one in the slot, one with the consumer. Putting and taking exchange
//! them, so nothing is copied or allocated, the consumer always gets the newest value, and a slow consumer never makes a
//! queue: a value that nobody took is dropped where the next one comes, and counted.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A place for one value, the newest.
#[derive(Debug)]
pub struct Latest<T> {
    inside: Mutex<Inside<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inside<T> {
    value: T,
    is_fresh: bool,
    is_closed: bool,
    dropped: u64,
}

/// What waiting for a value ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The newest value was exchanged for the one given.
    Fresh,
    /// None came in time.
    TimedOut,
    /// The slot is closed and empty: none will come.
    Closed,
}

impl<T> Latest<T> {
    /// An empty slot; `spare` is the third value that goes round.
    #[must_use]
    pub fn new(spare: T) -> Self {
        let inside = Inside { value: spare, is_fresh: false, is_closed: false, dropped: 0 };
        Self { inside: Mutex::new(inside), changed: Condvar::new() }
    }

    /// Puts `value` into the slot and gives back one to fill next. Returns whether a value was dropped that nobody took.
    pub fn put(&self, value: &mut T) -> bool {
        let mut inside = self.lock();
        mem::swap(&mut inside.value, value);
        let was_dropped = mem::replace(&mut inside.is_fresh, true);
        inside.dropped += u64::from(was_dropped);
        drop(inside);
        self.changed.notify_one();
        was_dropped
    }

    /// Waits until a value that was not taken yet is there and exchanges it for `value`.
    pub fn take(&self, value: &mut T, patience: Duration) -> Taken {
        let deadline = Instant::now() + patience;
        let mut inside = self.lock();
        loop {
            if inside.is_fresh {
                inside.is_fresh = false;
                mem::swap(&mut inside.value, value);
                return Taken::Fresh;
            }
            if inside.is_closed {
                return Taken::Closed;
            }
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Taken::TimedOut;
            }
            inside = self.changed.wait_timeout(inside, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Says that no further value will come, and wakes the consumer.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// How many values were dropped because a newer one came.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// A stage that panicked leaves a whole value behind (only exchanges happen under the lock), so go on.
    fn lock(&self) -> MutexGuard<'_, Inside<T>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn empty_then_closed() {
        let slot = Latest::new(0);
        assert_eq!(slot.take(&mut 0, NOW), Taken::TimedOut);
        slot.put(&mut 1);
        slot.close();
        let mut got = 0;
        assert_eq!((slot.take(&mut got, NOW), got), (Taken::Fresh, 1));
        assert_eq!(slot.take(&mut got, NOW), Taken::Closed);
    }

    proptest! {
        /// Against the plain model: an optional value and a count of the overwritten.
        #[test]
        fn the_newest_wins_and_each_drop_is_counted(steps in proptest::collection::vec(any::<Option<u32>>(), 0..64)) {
            let slot = Latest::new(0_u32);
            let (mut model, mut dropped) = (None, 0);
            for step in steps {
                if let Some(value) = step {
                    let was_dropped = slot.put(&mut value.clone());
                    prop_assert_eq!(was_dropped, model.is_some());
                    dropped += u64::from(was_dropped);
                    model = Some(value);
                } else {
                    let mut got = 0;
                    match model.take() {
                        Some(value) => prop_assert_eq!((slot.take(&mut got, NOW), got), (Taken::Fresh, value)),
                        None => prop_assert_eq!(slot.take(&mut got, NOW), Taken::TimedOut),
                    }
                }
            }
            prop_assert_eq!(slot.dropped(), dropped);
        }
    }

    #[test]
    fn a_slow_consumer_sees_rising_numbers_and_the_last() {
        let slot = Arc::new(Latest::new(Vec::new()));
        let producer = Arc::clone(&slot);
        let thread = std::thread::spawn(move || {
            let mut value = Vec::new();
            for number in 1..=1000_u32 {
                value.clear();
                value.push(number);
                producer.put(&mut value);
            }
            producer.close();
        });
        let (mut value, mut last, mut taken) = (Vec::new(), 0, 0_u64);
        while slot.take(&mut value, Duration::from_secs(10)) == Taken::Fresh {
            assert!(value[0] > last);
            last = value[0];
            taken += 1;
        }
        thread.join().unwrap();
        assert_eq!((last, taken + slot.dropped()), (1000, 1000));
    }
}
