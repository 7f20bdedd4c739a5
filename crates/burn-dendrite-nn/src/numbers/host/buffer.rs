//! Memory that is used again.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
    thread::LocalKey,
};

/// A slice of its own length that leaves its memory to the next on the same thread.
///
/// A step of a small network makes hundreds of short-lived values of a few kilobytes: too large for what
/// the system's allocator keeps at hand, and a tenth of an online step if each is asked of it. Long
/// buffers are not kept: there the work on the values is what takes time.
pub(super) struct Buffer<T: Kept>(Vec<T>);

/// Buffers that nobody holds, by the power of two that is their capacity.
pub(super) struct Free<T> {
    buffers: [Vec<Vec<T>>; CLASSES],
    values: usize,
}

/// Values of which the thread keeps buffers.
pub(super) trait Kept: Copy + Default + 'static {
    /// What this thread keeps.
    fn free() -> &'static LocalKey<RefCell<Free<Self>>>;
}

/// Buffers of fewer than two to this power of values are kept.
const CLASSES: usize = 15;

/// So many values are kept by each thread, at most: 4 MiB.
const VALUES_KEPT: usize = 1 << 20;

macro_rules! kept {
    ($($type:ty),*) => {$(
        impl Kept for $type {
            fn free() -> &'static LocalKey<RefCell<Free<Self>>> {
                thread_local! {
                    static FREE: RefCell<Free<$type>> = const { RefCell::new(Free::new()) };
                }
                &FREE
            }
        }
    )*};
}

kept!(f32, u32);

impl<T> Free<T> {
    const fn new() -> Self {
        Self {
            buffers: [const { Vec::new() }; CLASSES],
            values: 0,
        }
    }

    fn take(&mut self, class: usize) -> Option<Vec<T>> {
        let buffer = self.buffers[class].pop()?;
        self.values -= buffer.capacity();
        Some(buffer)
    }

    fn keep(&mut self, buffer: Vec<T>) {
        let capacity = buffer.capacity();
        // Of any other capacity there is none that was made here, and it would serve no length of its own.
        if !capacity.is_power_of_two() {
            return;
        }
        if let Some(buffers) = self.buffers.get_mut(capacity.ilog2() as usize)
            && self.values + capacity <= VALUES_KEPT
        {
            buffers.push(buffer);
            self.values += capacity;
        }
    }
}

impl<T: Kept> Buffer<T> {
    /// Memory with room for so many values, as its last holder left it; `None` where they are too many to keep.
    fn room_for(length: usize) -> Option<Vec<T>> {
        let capacity = length.max(1).next_power_of_two();
        let class = capacity.ilog2() as usize;
        if class >= CLASSES {
            return None;
        }
        // A thread that ends has no list any more.
        let kept = T::free().try_with(|free| free.borrow_mut().take(class));
        let new = || Vec::with_capacity(capacity);
        Some(kept.ok().flatten().unwrap_or_else(new))
    }

    /// So many times the same value.
    pub(super) fn filled(length: usize, value: T) -> Self {
        let Some(mut values) = Self::room_for(length) else {
            return Self(vec![value; length]);
        };
        values.clear();
        values.resize(length, value);
        Self(values)
    }

    /// So many values, whatever they are: for who writes before reading.
    pub(super) fn of_any(length: usize) -> Self {
        let Some(mut values) = Self::room_for(length) else {
            return Self(vec![T::default(); length]);
        };
        values.resize(length, T::default());
        Self(values)
    }
}

impl<T: Kept> From<&[T]> for Buffer<T> {
    fn from(from: &[T]) -> Self {
        let Some(mut values) = Self::room_for(from.len()) else {
            return Self(from.to_vec());
        };
        values.clear();
        values.extend_from_slice(from);
        Self(values)
    }
}

impl<T: Kept> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T: Kept> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Self::from(&self[..])
    }
}

impl<T: Kept> Drop for Buffer<T> {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.0);
        let _ = T::free().try_with(|free| free.borrow_mut().keep(values));
    }
}

impl<T: Kept> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Kept> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffer, Kept, VALUES_KEPT};

    fn kept() -> usize {
        f32::free().with_borrow(|free| free.values)
    }

    /// Each test has a thread, and thereby a list, of its own.
    #[test]
    fn memory_comes_back_without_what_it_held() {
        let buffer = Buffer::filled(300, 7f32);
        let place = buffer.as_ptr();
        drop(buffer);
        assert_eq!(kept(), 512);
        // As long as it was, longer, and shorter, within the same power of two.
        for length in [300, 512, 257] {
            let again = Buffer::filled(length, 0f32);
            assert_eq!(again.as_ptr(), place, "{length}");
            assert_eq!(*again, vec![0.0; length]);
            drop(again);
            let copy = Buffer::from(&vec![3f32; length][..]);
            assert_eq!(copy.as_ptr(), place, "{length}");
            assert_eq!(*copy.clone(), vec![3.0; length]);
        }
        assert_eq!(Buffer::<f32>::of_any(400).len(), 400);
    }

    #[test]
    fn two_that_are_held_at_once_share_nothing() {
        drop(Buffer::filled(40, 1f32));
        let (mut one, other) = (Buffer::filled(40, 1f32), Buffer::filled(40, 2f32));
        one.fill(5.0);
        assert_eq!((one[39], other[39]), (5.0, 2.0));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        // Nobody who asks for 600 could be given these.
        drop(Buffer::from(Vec::<f32>::with_capacity(600)));
        drop(Buffer::from(Vec::<f32>::new()));
        assert_eq!(kept(), 0);
        drop(Buffer::filled(1 << 20, 0f32));
        assert_eq!(kept(), 0, "long buffers go back to the system");
        let many: Vec<_> = (0..100).map(|_| Buffer::filled(1 << 14, 0f32)).collect();
        drop(many);
        assert_eq!(kept(), VALUES_KEPT);
    }
}
