//! How the weights of E/I layers start.

use std::f64::consts::PI;

use burn::{
    config::Config,
    tensor::{Device, Distribution, Int, Tensor},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::{CellType, InitializerSpec, Signs, init::InitSite, init::WeightStream};

/// How strong inhibitory weights start beside excitatory ones.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Balance {
    /// Excitation and inhibition of each unit cancel when all its inputs are alike.
    Balanced,
    /// An inhibitory synapse starts like an excitatory one.
    Equal,
}

/// The mean square of a drive over that of the activities: a relu halves it again.
const BALANCED_GAIN: f64 = 2.0;
/// The same where the drive is mostly positive and a relu lets it pass.
const UNBALANCED_GAIN: f64 = 1.0;

/// How many synapses of one sign onto a unit are not silent at the start: one in six, but a dozen
/// where there are as many.
const ACTIVE_FRACTION: f64 = 1.0 / 6.0;
const ACTIVE_SYNAPSES: f64 = 12.0;
/// Of the excitatory ones besides: not more than this for each inhibitory cell that balances them,
/// but half a dozen.
const ACTIVE_PER_INHIBITORY: f64 = 0.5;
const ACTIVE_AT_LEAST: f64 = 6.0;

/// The random numbers that the parts of a layer start from.
///
/// All 64 bits of a seed count, and each part has a stream of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed(u64);

impl Seed {
    /// The given seed, or one from burn's random numbers, so that layers without a seed differ from
    /// each other and follow `device.seed(..)` like burn's own.
    pub(super) fn new(seed: Option<u64>, device: &Device) -> Self {
        Self(seed.unwrap_or_else(|| {
            // Whole numbers up to here are exact where a backend draws them as floats.
            let range = Distribution::Uniform(0.0, f64::from(1 << 24));
            let drawn = Tensor::<1, Int>::random([2], range, &device.clone().without_autodiff());
            drawn
                .into_data()
                .iter::<i64>()
                .fold(0, |seed, part| (seed << 24) | part as u64)
        }))
    }

    #[cfg(test)]
    pub(super) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The stream of one part of the layer.
    pub(super) fn stream(self, part: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.0);
        random.set_stream(part);
        random
    }
}

/// The magnitudes onto one unit that keep the activity of a deep network in size.
///
/// Let the inputs of a unit be rates `x ≥ 0` of mean `m` and mean square `q`; behind a relu whose
/// drive is normal with mean 0, `m² = q/π`. With weights `w` and independent inputs the mean square
/// of the drive is
///
/// ```text
/// ⟨y²⟩ = (Σw)²·m² + Σw²·(q − m²) = q·[(Σw)²/π + Σw²·(1 − 1/π)]
/// ```
///
/// Balanced: inhibition is scaled so that `Σw = 0`, which takes the mean out, and all weights so that
/// the bracket is 2, `Σw² = 2π/(π − 1)`; a relu halves a mean-free drive's square, so that `⟨x²⟩` stays.
/// Where a unit hears one sign only its drive keeps that sign, and the bracket is made 1.
///
/// What is left of Dale's law in the statistics is a drive common to all units of a layer: each input
/// excites all of them or inhibits all. Its part in `Σw²` is the square of the mean magnitude over the
/// units. Let `n` synapses of unit size onto each unit, from `N` excitatory cells, be active and `M`
/// inhibitory cells balance them:
///
/// ```text
/// drive of a unit's own    n
/// common drive             (2/π)·n²/N + (2/π)·n²/M
/// ```
///
/// so that it grows with `n/M`: excitatory synapses start sparse (half-normal, one in six, and not more
/// than one for two inhibitory cells), and the common drive is about two fifths of a unit's own or less. Silent
/// synapses learn like all others. Inhibitory magnitudes are uniform.
pub(super) fn balanced(cells: &[CellType], balance: Balance, random: &mut ChaCha8Rng) -> Vec<f32> {
    let of = |cell| move |&at: &usize| cells[at] == cell;
    let excitatory: Vec<usize> = (0..cells.len()).filter(of(CellType::Excitatory)).collect();
    let inhibitory: Vec<usize> = (0..cells.len()).filter(of(CellType::Inhibitory)).collect();
    let mut weights = vec![0.0; cells.len()];
    let both = !excitatory.is_empty() && !inhibitory.is_empty();
    let cancels = both && balance == Balance::Balanced;
    let mut active = usually_active(excitatory.len());
    if cancels {
        let balanced = ACTIVE_PER_INHIBITORY * inhibitory.len() as f64;
        active = (excitatory.len() as f64 * ACTIVE_FRACTION)
            .min(balanced)
            .max(ACTIVE_AT_LEAST);
    }
    sparse(&excitatory, active, random, &mut weights);
    if cancels || excitatory.is_empty() {
        for &at in &inhibitory {
            weights[at] = random.random::<f64>();
        }
    } else {
        sparse(
            &inhibitory,
            usually_active(inhibitory.len()),
            random,
            &mut weights,
        );
    }
    let sum = |group: &[usize], weights: &[f64]| group.iter().map(|&at| weights[at]).sum::<f64>();
    if cancels {
        let factor = sum(&excitatory, &weights) / sum(&inhibitory, &weights);
        inhibitory.iter().for_each(|&at| weights[at] *= factor);
    }
    let mean = sum(&excitatory, &weights) - sum(&inhibitory, &weights);
    let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
    let gain = if cancels {
        BALANCED_GAIN
    } else {
        UNBALANCED_GAIN
    };
    let bracket = mean * mean / PI + squares * (1.0 - 1.0 / PI);
    let factor = if bracket > 0.0 {
        (gain / bracket).sqrt()
    } else {
        0.0
    };
    weights
        .iter()
        .map(|weight| (weight * factor) as f32)
        .collect()
}

/// How many of `synapses` are active where nothing balances them.
pub(super) fn usually_active(synapses: usize) -> f64 {
    (synapses as f64 * ACTIVE_FRACTION).max(ACTIVE_SYNAPSES)
}

/// Half-normal magnitudes of which about `active` are not silent; never all silent.
fn sparse(group: &[usize], active: f64, random: &mut ChaCha8Rng, weights: &mut [f64]) {
    let active = (active / group.len() as f64).min(1.0);
    let mut any = false;
    for &at in group {
        let magnitude = random.sample::<f64, _>(StandardNormal).abs();
        if random.random::<f64>() < active {
            weights[at] = magnitude;
            any = true;
        }
    }
    if let (false, Some(&first)) = (any, group.first()) {
        weights[first] = 1.0;
    }
}

/// The magnitudes `[unit][input]` of a layer whose units hear inputs of `cells`, where `exists(input,
/// unit)`.
pub(super) struct Magnitudes<'a> {
    pub(super) cells: &'a [CellType],
    pub(super) units: usize,
    pub(super) balance: Balance,
    pub(super) initializer: Option<&'a InitializerSpec>,
}

impl Magnitudes<'_> {
    /// Draws the magnitudes, unit by unit; those of missing synapses are 0.
    ///
    /// # Panics
    ///
    /// If the initialiser's parameters are wrong.
    pub(super) fn draw(
        &self,
        exists: impl Fn(usize, usize) -> bool,
        random: &mut ChaCha8Rng,
    ) -> Vec<Vec<f32>> {
        (0..self.units)
            .map(|unit| {
                let heard: Vec<usize> = (0..self.cells.len())
                    .filter(|&input| exists(input, unit))
                    .collect();
                let cells: Vec<CellType> = heard.iter().map(|&input| self.cells[input]).collect();
                let values = match self.initializer {
                    None => balanced(&cells, self.balance, random),
                    Some(initializer) => self.given(initializer, &cells, random),
                };
                let mut row = vec![0.0; self.cells.len()];
                heard
                    .iter()
                    .zip(values)
                    .for_each(|(&input, value)| row[input] = value);
                row
            })
            .collect()
    }

    /// What an initialiser draws for excitatory cells; where balanced, inhibitory weights are stronger
    /// by the number of excitatory over that of inhibitory inputs.
    fn given(
        &self,
        initializer: &InitializerSpec,
        cells: &[CellType],
        random: &mut ChaCha8Rng,
    ) -> Vec<f32> {
        let cell = CellType::Excitatory;
        initializer
            .check(cell)
            .unwrap_or_else(|message| panic!("initializer: {message}"));
        let fan_in = cells.len();
        let mut stream = WeightStream::new(u64::from(random.random::<u32>()));
        let distribution = initializer.distribution(&InitSite { cell, fan_in });
        let values = distribution.sample(fan_in, &mut stream);
        let inhibitory = cells
            .iter()
            .filter(|&&it| it == CellType::Inhibitory)
            .count();
        let excitatory = fan_in - inhibitory;
        let balances = self.balance == Balance::Balanced && excitatory > 0 && inhibitory > 0;
        let factor = if balances {
            excitatory as f32 / inhibitory as f32
        } else {
            1.0
        };
        (values.iter().zip(cells))
            .map(|(value, cell)| match cell {
                CellType::Inhibitory => value.abs() * factor,
                CellType::Excitatory | CellType::Unconstrained => value.abs(),
            })
            .collect()
    }
}

/// The cells of a layer's input: those given, or excitatory ones followed by inhibitory ones.
///
/// # Panics
///
/// If there are not `size` cells, or some are unconstrained.
pub(super) fn input_cells(signs: Option<&Signs>, size: usize, fraction: f64) -> Signs {
    let signs = match signs {
        None => return Signs::excitatory_first(size, fraction),
        Some(signs) => signs.clone(),
    };
    assert_eq!(
        signs.len(),
        size,
        "`signs` has a cell for each of the inputs"
    );
    assert!(
        signs.iter().all(|cell| cell != CellType::Unconstrained),
        "`signs` has unconstrained cells; accepted: excitatory and inhibitory ones"
    );
    signs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(cells: &Signs, balance: Balance) -> (f64, f64) {
        let cells: Vec<CellType> = cells.iter().collect();
        let weights = balanced(&cells, balance, &mut Seed(7).stream(0));
        assert!(weights.iter().all(|&weight| weight >= 0.0));
        let signed = weights
            .iter()
            .zip(&cells)
            .map(|(&weight, cell)| f64::from(weight) * cell.sign());
        let squares = weights
            .iter()
            .map(|&weight| f64::from(weight).powi(2))
            .sum();
        (signed.sum(), squares)
    }

    #[test]
    fn balanced_weights_cancel_and_have_the_derived_size() {
        // 2π/(π − 1)
        let expected = 2.933_884;
        for fraction in [0.1, 0.2, 0.5] {
            for size in [10, 100, 500] {
                let (sum, squares) =
                    drawn(&Signs::excitatory_first(size, fraction), Balance::Balanced);
                assert!(sum.abs() < 1e-5 * size as f64, "{size}, {fraction}: {sum}");
                assert!(
                    (squares - expected).abs() < 1e-4,
                    "{size}, {fraction}: {squares}"
                );
            }
        }
    }

    /// Within five standard deviations of as many throws as there are cells.
    #[test]
    fn so_many_synapses_are_not_silent() {
        let check = |cells: Signs, balance, expected: f64| {
            let cells: Vec<CellType> = cells.iter().collect();
            let weights = balanced(&cells, balance, &mut Seed(7).stream(0));
            let active = (weights.iter().zip(&cells))
                .filter(|&(&weight, &cell)| weight > 0.0 && cell == CellType::Excitatory)
                .count();
            assert!(
                (active as f64 - expected).abs() < 5.0 * expected.sqrt(),
                "{active} for {expected}"
            );
        };
        let cells = |excitatory, inhibitory| {
            Signs::excitatory(excitatory).then(Signs::inhibitory(inhibitory))
        };
        // One for two inhibitory cells, and one in six where there are many or nothing balances them.
        check(cells(6000, 200), Balance::Balanced, 100.0);
        check(cells(600, 1000), Balance::Balanced, 100.0);
        check(cells(6000, 200), Balance::Equal, 1000.0);
        check(cells(6000, 0), Balance::Balanced, 1000.0);
        assert_eq!(usually_active(6000), 1000.0);
        // A dozen at least, of few cells all.
        assert_eq!(usually_active(60), 12.0);
        check(cells(9, 0), Balance::Balanced, 9.0);
    }

    #[test]
    fn one_sign_alone_keeps_the_mean_square() {
        for signs in [
            Signs::excitatory(50),
            Signs::inhibitory(50),
            Signs::excitatory(1),
        ] {
            let (sum, squares) = drawn(&signs, Balance::Balanced);
            let kept = sum * sum / PI + squares * (1.0 - 1.0 / PI);
            assert!((kept - 1.0).abs() < 1e-5, "{kept}");
        }
    }

    #[test]
    fn seeds_and_parts_that_differ_in_any_bit_start_from_other_numbers() {
        let first = |seed: u64, part: u64| Seed(seed).stream(part).random::<u64>();
        let all = [
            (1, 0),
            (1, 1),
            (1, 2),
            (1 + (1 << 32), 0),
            (1 + (1 << 63), 0),
            (2, 0),
        ];
        let mut values: Vec<u64> = all.iter().map(|&(seed, part)| first(seed, part)).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), all.len());
    }
}
