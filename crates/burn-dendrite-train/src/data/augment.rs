//! Changing training images at random, in ways that leave their class alone.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What happens to an image, at random, each time it is seen in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Augmentation {
    /// Pixels by which the image is enlarged on each side, as its border goes on, before it is cut to its size
    /// again, at a place of equal chances.
    pub crop_padding: usize,
    /// Whether it may be flipped.
    pub flip: Flip,
    /// How it may be turned, zoomed and sheared.
    pub affine: Affine,
}

/// How far training images are turned, zoomed and sheared about their centre, each by an amount of
/// equal chances within its bounds. What comes into view beside an image is its border; values between
/// pixels are interpolated from the four around them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Affine {
    /// At most so many degrees to either side.
    pub rotation: u32,
    /// Larger or smaller by at most so many percent.
    pub zoom: u32,
    /// Columns lean by at most so many degrees to either side.
    pub shear: u32,
}

impl Affine {
    /// The most that can be asked for: an image is turned once, and neither vanishes nor falls flat.
    const MOST: Self = Self {
        rotation: 180,
        zoom: 90,
        shear: 60,
    };

    /// # Errors
    ///
    /// One sentence for an amount beyond what leaves something of an image.
    pub(super) fn check(&self) -> Result<(), String> {
        let most = Self::MOST;
        for (name, amount, most, unit) in [
            ("rotation", self.rotation, most.rotation, "degrees"),
            ("zoom", self.zoom, most.zoom, "percent"),
            ("shear", self.shear, most.shear, "degrees"),
        ] {
            if amount > most {
                return Err(format!(
                    "`{name}` is {amount}; accepted: 0 to {most} {unit}"
                ));
            }
        }
        Ok(())
    }

    /// The place in the image, from its centre, of a place in the view: `[row, column] = M [row, column]`.
    ///
    /// ```text
    /// M = 1/z · ( cos φ  −sin φ ) · (   1    0 )
    ///           ( sin φ   cos φ )   ( tan ψ  1 )
    /// ```
    ///
    /// `share` gives a random number from −1 to 1.
    fn draw(&self, mut share: impl FnMut() -> f64) -> [[f32; 2]; 2] {
        let rotation = share() * f64::from(self.rotation).to_radians();
        let zoom = 1.0 + share() * f64::from(self.zoom) / 100.0;
        let lean = (share() * f64::from(self.shear).to_radians()).tan();
        let (sine, cosine) = rotation.sin_cos();
        [
            [cosine - sine * lean, -sine],
            [sine + cosine * lean, cosine],
        ]
        .map(|row| row.map(|it| (it / zoom) as f32))
    }
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct View {
    /// Rows and columns by which its content moves down and to the right.
    pub(super) shift: [isize; 2],
    /// Whether left and right change places, after that.
    pub(super) is_flipped: bool,
    /// Where in the image a place of the view is, both from the centre, before all that.
    pub(super) affine: Option<[[f32; 2]; 2]>,
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
        let is_flipped = self.augmentation.flip == Flip::Horizontal && below(2) == 1;
        let affine = self.augmentation.affine;
        let mut share = || f64::from(random.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0;
        View {
            shift,
            is_flipped,
            affine: (affine != Affine::default()).then(|| affine.draw(&mut share)),
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
            affine: Affine {
                rotation: 0,
                zoom: 0,
                shear: 0,
            },
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
    fn turning_zooming_and_shearing_are_the_matrix_of_the_equation() {
        let affine = |rotation, zoom, shear, draws: [f64; 3]| {
            let mut draws = draws.into_iter();
            let affine = Affine {
                rotation,
                zoom,
                shear,
            };
            affine.draw(|| draws.next().unwrap())
        };
        let near = |found: [[f32; 2]; 2], expected: [[f32; 2]; 2]| {
            let pairs = found.iter().flatten().zip(expected.iter().flatten());
            let mut pairs = pairs;
            assert!(pairs.all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        };
        near(affine(90, 0, 0, [1.0; 3]), [[0.0, -1.0], [1.0, 0.0]]);
        near(affine(0, 25, 0, [1.0; 3]), [[0.8, 0.0], [0.0, 0.8]]);
        near(affine(0, 50, 0, [-1.0; 3]), [[2.0, 0.0], [0.0, 2.0]]);
        near(affine(0, 0, 45, [1.0; 3]), [[1.0, 0.0], [1.0, 1.0]]);
        // cos 60° = 1/2, sin 60° = √3/2, tan 45° = 1, all over 2.
        let root = 3f32.sqrt();
        near(
            affine(60, 100, 45, [1.0; 3]),
            [
                [(1.0 - root) / 4.0, -root / 4.0],
                [(root + 1.0) / 4.0, 0.25],
            ],
        );
        let all = RandomViews {
            augmentation: Augmentation {
                affine: Affine {
                    rotation: 10,
                    ..Affine::default()
                },
                ..VIEWS.augmentation
            },
            ..VIEWS
        };
        let sines: Vec<f32> = (0..1000)
            .map(|sample| all.view(sample).affine.unwrap()[1][0])
            .collect();
        let most = 10f32.to_radians().sin();
        assert!(sines.iter().all(|it| it.abs() <= most + 1e-6));
        assert!(
            sines.iter().any(|it| *it > 0.9 * most) && sines.iter().any(|it| *it < -0.9 * most)
        );
        // The other draws are what they are without.
        assert_eq!(all.view(3).shift, VIEWS.view(3).shift);
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
            affine: Affine::default(),
        };
        let views = RandomViews {
            augmentation,
            ..VIEWS
        };
        assert!((0..20).all(|sample| views.view(sample) == View::default()));
    }
}
