//! E/I layers for ordinary burn models.
//!
//! Three `Config` + `init` pairs that stand in any burn model beside burn's own layers, trained by
//! autodiff and any burn optimizer:
//!
//! - [`DaleLinear`]: a linear map each input of which excites all outputs or inhibits them all;
//! - [`EiLayer`]: excitatory neurons that settle under the inhibition of interneurons;
//! - [`TwoCompartment`]: neurons with a soma and an apical dendrite.
//!
//! Gradient steps know nothing of Dale's law. After each one, [`obey_laws`] puts the weights of
//! these layers, however deep inside a model, back onto the lawful ones:
//!
//! ```
//! use burn::{module::Module, optim::{GradientsParams, SgdConfig}, tensor::{Device, Tensor}};
//! use burn_dendrite_nn::layers::{DaleLinearConfig, EiLayerConfig, count_violations, obey_laws};
//!
//! let device = Device::flex().autodiff();
//! let mut model = (
//!     EiLayerConfig::new(8, 16, 4).init(&device),
//!     DaleLinearConfig::new(16, 2).init(&device),
//! );
//! let mut optimizer = SgdConfig::new().init();
//! for _ in 0..3 {
//!     let hidden = model.0.forward(Tensor::ones([5, 8], &device));
//!     let loss = model.1.forward(hidden).powi_scalar(2).mean();
//!     let gradients = GradientsParams::from_grads(loss.backward(), &model);
//!     model = obey_laws(optimizer.step(0.1, model, gradients));
//! }
//! assert_eq!(count_violations(&model), 0);
//! ```

use burn::tensor::{Device, Distribution, Int, Tensor};

mod dale_linear;
mod ei_layer;
mod project;
mod two_compartment;

pub use dale_linear::{Balance, DaleLinear, DaleLinearConfig};
pub use ei_layer::{EiLayer, EiLayerConfig};
pub use project::{ProjectLaws, count_violations, obey_laws};
pub use two_compartment::{TwoCompartment, TwoCompartmentConfig, TwoCompartmentOutput};

/// The seed of a layer's start: the given one, or one from burn's random numbers, so that layers
/// without a seed differ from each other and follow `device.seed(..)` like burn's own.
fn seed_or_draw(seed: Option<u64>, device: &Device) -> u64 {
    seed.unwrap_or_else(|| {
        // Whole numbers up to here are exact where a backend draws them as floats.
        let range = Distribution::Uniform(0.0, f64::from(1 << 24));
        let drawn = Tensor::<1, Int>::random([2], range, &device.clone().without_autodiff());
        drawn
            .into_data()
            .iter::<i64>()
            .fold(0, |seed, part| (seed << 24) | part as u64)
    })
}

#[cfg(test)]
mod tests;
