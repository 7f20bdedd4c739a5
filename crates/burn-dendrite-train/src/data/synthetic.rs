//! A synthetic set of colour images, for trying things out where CIFAR-10 is not at hand.

use std::{f64::consts::TAU, sync::Arc};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{DataError, DataOptions, ImageShape, SampleSet, Splits};

const CLASSES: usize = 10;

const SHAPE: ImageShape = ImageShape {
    channels: 3,
    height: SIDE,
    width: SIDE,
};

const SIDE: usize = 32;

/// Waves that make up the picture of a class.
const WAVES: usize = 4;

/// Images of each class to train on, to validate on, and to test on.
const IMAGES: [usize; 3] = [400, 100, 100];

/// What everything is drawn from; the pictures and each split have their own stream.
const SEED: u64 = 0;

/// Draws the images: 4,000 to train on, 1,000 to validate on, 1,000 to test on, of ten classes,
/// 32 x 32 pixels in three colours, the same ones every time.
///
/// Each class is a picture of four random waves. An image is its class's picture, moved by up to
/// three pixels, with a contrast of its own and noise on every pixel:
///
/// ```text
/// value = 128 + contrast · Σ_k a_kc · cos(2π (u_k x + v_k y) / 32 + φ_kc) + noise
/// ```
///
/// It stands in for no real data set: accuracies on it say that something learns, and no more.
///
/// # Errors
///
/// None; data sets share this signature.
pub fn load(_options: &DataOptions) -> Result<Splits, DataError> {
    let pictures: Vec<Picture> = {
        let mut random = stream(0);
        (0..CLASSES).map(|_| Picture::draw(&mut random)).collect()
    };
    let split = |index: usize| Ok::<_, DataError>(Arc::new(images(&pictures, index)?));
    Ok(Splits {
        train: split(0)?,
        validation: split(1)?,
        test: split(2)?,
    })
}

fn stream(number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    random.set_stream(number);
    random
}

fn images(pictures: &[Picture], split: usize) -> Result<SampleSet, DataError> {
    let mut random = stream(1 + split as u64);
    let count = IMAGES[split] * CLASSES;
    let mut pixels = Vec::with_capacity(count * 3 * SIDE * SIDE);
    let labels: Vec<u16> = (0..count).map(|index| (index % CLASSES) as u16).collect();
    for label in &labels {
        pictures[usize::from(*label)].image(&mut random, &mut pixels);
    }
    SampleSet::images(pixels, labels, SHAPE, CLASSES)
}

/// What the images of a class have in common.
struct Picture {
    waves: [Wave; WAVES],
}

struct Wave {
    /// Periods along each axis.
    frequency: [f64; 2],
    /// Height and phase in each colour.
    colours: [(f64, f64); 3],
}

impl Picture {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        Self {
            waves: std::array::from_fn(|_| Wave {
                frequency: [0, 1].map(|_| f64::from(random.random_range(-3..=3))),
                colours: [0, 1, 2].map(|_| {
                    let height = random.random_range(-30.0..30.0);
                    (height, random.random_range(0.0..TAU))
                }),
            }),
        }
    }

    /// Appends an image of the class, channel by channel.
    fn image(&self, random: &mut ChaCha8Rng, pixels: &mut Vec<u8>) {
        let shift = [0, 1].map(|_| f64::from(random.random_range(-3..=3)));
        let contrast = random.random_range(0.5..1.5);
        for channel in 0..3 {
            for row in 0..SIDE {
                for column in 0..SIDE {
                    let [x, y] = [column as f64 + shift[0], row as f64 + shift[1]];
                    let waves = self.waves.iter().map(|wave| {
                        let (height, phase) = wave.colours[channel];
                        let [u, v] = wave.frequency;
                        height * (TAU * (u * x + v * y) / SIDE as f64 + phase).cos()
                    });
                    let noise = random.random_range(-60.0..60.0);
                    let value = 128.0 + contrast * waves.sum::<f64>() + noise;
                    pixels.push(value.clamp(0.0, 255.0) as u8);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_balanced_and_always_the_same() {
        let load = || load(&DataOptions::default()).unwrap();
        let splits = load();
        assert_eq!(splits.train.class_counts(), [400; 10]);
        assert_eq!(splits.validation.class_counts(), [100; 10]);
        assert_eq!(splits.test.class_counts(), [100; 10]);
        assert_eq!(splits.train.features(), 3072);
        assert!(splits.train == load().train);
        assert_ne!(splits.train.pixels(0), splits.test.pixels(0));
    }

    /// The nearest mean of a class is a fair guess, and not more.
    #[test]
    fn the_classes_can_be_told_apart_but_not_by_one_glance() {
        let splits = load(&DataOptions::default()).unwrap();
        let mut means = vec![vec![0.0; 3072]; CLASSES];
        for index in 0..splits.train.len() {
            let mean = &mut means[usize::from(splits.train.label(index))];
            for (mean, value) in mean.iter_mut().zip(splits.train.sample(index)) {
                *mean += value / 400.0;
            }
        }
        let nearest = |sample: &[f32]| {
            let distance = |mean: &[f32]| -> f32 {
                let squares = mean.iter().zip(sample).map(|(a, b)| (a - b) * (a - b));
                squares.sum()
            };
            let of = |class: &usize| distance(&means[*class]);
            (0..CLASSES).min_by(|a, b| of(a).total_cmp(&of(b)))
        };
        let test = &splits.test;
        let right = (0..test.len())
            .filter(|&index| nearest(&test.sample(index)) == Some(test.label(index).into()))
            .count();
        assert!((300..1000).contains(&right), "{right} of 1000");
    }
}
