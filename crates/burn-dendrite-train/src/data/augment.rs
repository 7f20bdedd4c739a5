//! Changing training images at random, in ways that leave their class alone.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What happens to an image, at random, each time it is seen in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Augmentation {
    /// Pixels of black that surround the image before it is cut to its size again, at a place of
    /// equal chances.
    pub crop_padding: usize,
    /// Whether it may be flipped.
    pub flip: Flip,
}

/// Whether training images are flipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flip {
    /// As they are.
    #[default]
    Never,
    /// Left becomes right in one of two.
    Horizontal,
}

/// How an image is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    /// Rows and columns by which its content moves down and to the right.
    pub(super) shift: [isize; 2],
    /// Whether left and right change places, after that.
    pub(super) is_flipped: bool,
}

/// The views of one pass: a pure function of the seed, the pass and the place of a sample in it, so
/// that neither threads nor an interruption change what is seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct RandomViews {
    pub(super) augmentation: Augmentation,
    pub(super) seed: u64,
    pub(super) pass: usize,
    /// The place of the first sample.
    pub(super) start: usize,
}

/// Words of the generator that each sample has for itself: one block of ChaCha.
const WORDS: u128 = 16;

impl RandomViews {
    /// The view of the sample so many places after the first.
    pub(super) fn view(&self, sample: usize) -> View {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(self.pass as u64);
        random.set_word_pos((self.start as u128 + sample as u128) * WORDS);
        let padding = self.augmentation.crop_padding;
        // Written out, so that no update of a library changes what a saved run goes on to see.
        let mut below = |bound: usize| {
            let scaled = u64::from(random.next_u32()) * bound as u64;
            (scaled >> 32) as usize
        };
        let mut shift = || below(2 * padding + 1) as isize - padding as isize;
        let shift = [shift(), shift()];
        View {
            shift,
            is_flipped: self.augmentation.flip == Flip::Horizontal && below(2) == 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEWS: RandomViews = RandomViews {
        augmentation: Augmentation {
            crop_padding: 2,
            flip: Flip::Horizontal,
        },
        seed: 257,
        pass: 0,
        start: 0,
    };

    #[test]
    fn every_shift_and_both_sides_are_equally_likely() {
        let count = 10_000;
        let views: Vec<View> = (0..count).map(|sample| VIEWS.view(sample)).collect();
        // Five standard deviations.
        let near = |found: usize, share: f64| {
            let expected = count as f64 * share;
            let deviation = (expected * (1.0 - share)).sqrt();
            assert!((found as f64 - expected).abs() < 5.0 * deviation, "{found}");
        };
        for shift in -2..=2 {
            for axis in 0..2 {
                near(
                    views.iter().filter(|it| it.shift[axis] == shift).count(),
                    0.2,
                );
            }
        }
        near(views.iter().filter(|it| it.is_flipped).count(), 0.5);
    }

    #[test]
    fn a_view_depends_on_seed_pass_and_place_alone() {
        let views =
            |views: RandomViews| -> Vec<View> { (0..20).map(|it| views.view(it)).collect() };
        let all = views(VIEWS);
        let later = RandomViews { start: 5, ..VIEWS };
        assert_eq!(views(later)[..15], all[5..]);
        assert_ne!(views(RandomViews { pass: 1, ..VIEWS }), all);
        assert_ne!(views(RandomViews { seed: 258, ..VIEWS }), all);
    }

    #[test]
    fn without_anything_to_do_the_view_is_the_image() {
        let augmentation = Augmentation {
            crop_padding: 0,
            flip: Flip::Never,
        };
        let views = RandomViews {
            augmentation,
            ..VIEWS
        };
        assert!((0..20).all(|sample| views.view(sample) == View::default()));
    }
}
