//! `dendrite` with a rule, a constraint, an initialiser and a data set of its own, which its files and its
//! command line name like those of the library.
//!
//! ```sh
//! cargo run --example my_dendrite -- train --spec examples/my_dendrite.toml
//! ```

use std::process::ExitCode;

use burn_dendrite::{
    cli,
    nn::init::{Distribution, InitSite},
    nn::{Constraint, Initializer, numbers::Rows},
    optim::{Delta, LearningRule, Synapse, rule::Signal},
    train::Registry,
    train::data::{DataError, DataOptions, SampleSet, Splits},
};
use serde::{Deserialize, Serialize};

/// Plateaus of a calcium spike teach, smaller ones do not: `Δw = p · 1(|p| > threshold) · x`.
#[derive(Debug, Serialize, Deserialize)]
struct CalciumSpike {
    threshold: f64,
}

impl LearningRule for CalciumSpike {
    fn needs(&self) -> &'static [Signal] {
        &[Signal::Plateau]
    }

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let plateau = synapse.post.plateau();
        let spikes = plateau.clone().abs().above(self.threshold);
        synapse.outer(synapse.pre.forward(), plateau * spikes)
    }
}

/// Synapses weaker than `threshold` vanish: `w = 0` where `|w| ≤ threshold`.
#[derive(Debug, Serialize, Deserialize)]
struct Pruning {
    threshold: f64,
}

impl Constraint for Pruning {
    fn project<R: Rows>(&self, weight: R) -> R {
        weight.clone() * weight.abs().above(self.threshold)
    }
}

/// Weights start between 0 and `share / √fan-in`, on the side of zero of their cell.
#[derive(Debug, Serialize, Deserialize)]
struct Faint {
    share: f64,
}

impl Initializer for Faint {
    fn distribution(&self, site: &InitSite) -> Distribution {
        let (low, high) = (0.0, self.share * site.kaiming_bound());
        Distribution::Uniform { low, high }
    }
}

/// Points of a square, each coordinate as two rates: those below the diagonal, and those above it.
fn halves(_options: &DataOptions) -> Result<Splits, DataError> {
    let points = |count: usize| {
        let places = (0..count).map(|at| [0.7549, 0.5698].map(|it| (at as f32 * it).fract()));
        let rates = places.clone().flat_map(|[x, y]| [x, 1.0 - x, y, 1.0 - y]);
        let labels = places.map(|[x, y]| u16::from(y > x));
        SampleSet::vectors(rates.collect(), labels.collect(), 4, 2)
    };
    Ok(Splits::new(points(2000)?, points(300)?, points(500)?))
}

fn main() -> ExitCode {
    let registry = Registry::standard()
        .rule::<CalciumSpike>("calcium_spike")
        .constraint::<Pruning>("pruning")
        .initializer::<Faint>("faint");
    cli::main(registry.dataset("halves", halves))
}
