//! The random events of a network: noise, and plateaus that happen with a probability.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::{PopulationId, ProjectionId, numbers::Rows};

/// Random numbers that belong to the samples which a network is shown.
///
/// A number follows from the seed, the sample's number in the run, the place in the network and how
/// often something happened there before, and from nothing else. So runs are the same on every device,
/// on several devices, and in whatever batches the samples come.
#[derive(Clone, Debug)]
pub struct SampleStream {
    generator: ChaCha8Rng,
    first: u64,
    part: u64,
}

/// Where something random happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RandomSite {
    /// At the somata of a population.
    Soma(PopulationId),
    /// In the input that a projection gives.
    Input(ProjectionId),
    /// At the dendrites of a population.
    Dendrite(PopulationId),
}

impl RandomSite {
    fn number(self) -> u128 {
        let (kind, place) = match self {
            Self::Soma(PopulationId(place)) => (0, place),
            Self::Input(ProjectionId(place)) => (1, place),
            Self::Dendrite(PopulationId(place)) => (2, place),
        };
        kind << 14 | place as u128
    }
}

/// Words of the generator for the numbers of one sample at one place and time, as a power of two.
const WORDS: u32 = 28;
/// Times that something can happen at one place, as a power of two.
const TURNS: u32 = 24;
/// Times within one part of a step.
const PARTS: u32 = 16;

impl SampleStream {
    /// The numbers of a batch whose first sample is number `first` of the run.
    pub fn new(seed: u64, first: u64) -> Self {
        Self {
            generator: ChaCha8Rng::seed_from_u64(seed),
            first,
            part: 0,
        }
    }

    /// Other numbers of the same samples, for a part of a training step that runs by itself.
    pub fn part(mut self, part: u8) -> Self {
        self.part = u64::from(part);
        self
    }

    /// Numbers uniform in [0, 1), `[batch, size]`, where `like` is.
    pub fn uniform<R: Rows>(&self, site: RandomSite, turn: u64, like: &R) -> R {
        self.draw(site, turn, like, |random| random.random::<f32>())
    }

    /// Standard normal numbers, `[batch, size]`, where `like` is.
    pub fn normal<R: Rows>(&self, site: RandomSite, turn: u64, like: &R) -> R {
        self.draw(site, turn, like, |random| StandardNormal.sample(random))
    }

    fn draw<R: Rows>(
        &self,
        site: RandomSite,
        turn: u64,
        like: &R,
        value: impl Fn(&mut ChaCha8Rng) -> f32,
    ) -> R {
        let [rows, size] = like.dims();
        let turn = u128::from(self.part) << PARTS | u128::from(turn);
        let start = (site.number() << TURNS | turn) << WORDS;
        let mut values = Vec::with_capacity(rows * size);
        for row in 0..rows as u64 {
            let mut random = self.generator.clone();
            random.set_stream(self.first.wrapping_add(row));
            random.set_word_pos(start);
            values.extend((0..size).map(|_| value(&mut random)));
        }
        like.with_values(values, [rows, size])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::HostRows;

    const SITE: RandomSite = RandomSite::Soma(PopulationId(3));

    fn like(rows: usize) -> HostRows {
        HostRows::full([rows, 500], 0.0)
    }

    #[test]
    fn a_number_belongs_to_its_sample_and_not_to_the_batch() {
        let together = SampleStream::new(1, 10).uniform(SITE, 2, &like(4));
        let alone = SampleStream::new(1, 12).uniform(SITE, 2, &like(1));
        assert_eq!(together.row(2), alone.row(0));
        assert_ne!(together.row(1), alone.row(0));
    }

    #[test]
    fn places_times_and_seeds_have_numbers_of_their_own() {
        let numbers = |seed, site, turn| {
            let rows = SampleStream::new(seed, 0).normal(site, turn, &like(1));
            rows.row(0).to_vec()
        };
        let all = [
            numbers(1, SITE, 0),
            numbers(2, SITE, 0),
            numbers(1, SITE, 1),
            numbers(1, RandomSite::Dendrite(PopulationId(3)), 0),
            numbers(1, RandomSite::Input(ProjectionId(3)), 0),
            numbers(1, RandomSite::Soma(PopulationId(4)), 0),
        ];
        for (index, one) in all.iter().enumerate() {
            for other in &all[index + 1..] {
                let product: f32 = one.iter().zip(other).map(|(one, other)| one * other).sum();
                // The correlation of 500 independent pairs has a standard deviation of 0.045.
                assert!((product / 500.0).abs() < 0.25);
            }
        }
    }

    #[test]
    fn numbers_have_the_moments_of_their_distribution() {
        let stream = SampleStream::new(7, 0);
        let mean = |values: &HostRows| values.clone().mean().row(0)[0];
        let uniform = stream.uniform(SITE, 0, &like(80));
        assert!((mean(&uniform) - 0.5).abs() < 0.01);
        let normal = stream.normal(SITE, 0, &like(80));
        assert!(mean(&normal).abs() < 0.02);
        assert!((mean(&normal.squared()) - 1.0).abs() < 0.03);
    }
}
