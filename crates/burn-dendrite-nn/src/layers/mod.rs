//! Layers of excitatory and inhibitory neurons for ordinary burn models.
//!
//! `Config` + `init` pairs that stand in any burn model beside burn's own layers, trained by autodiff
//! and any burn optimizer:
//!
//! - [`DaleLinear`], [`DaleConv1d`], [`DaleConv2d`]: maps each input of which excites all outputs or
//!   inhibits them all;
//! - [`EiLayer`]: excitatory neurons that settle under the inhibition of interneurons;
//! - [`EiDense`]: excitatory neurons under feed-forward inhibition, subtractive or divisive;
//! - [`EiRnn`]: a recurrent network of excitatory and inhibitory neurons, over sequences;
//! - [`TwoCompartment`]: neurons with a soma and an apical dendrite;
//! - [`DendriticLayer`]: neurons with dendrites that see a part of the input each.
//!
//! A neuron has one sign wherever it projects to: layers say those of their outputs
//! (`output_signs`) and take those of their inputs (`with_signs`).
//!
//! Gradient steps know nothing of Dale's law. After each one, [`obey_laws`] puts the weights of
//! these layers, however deep inside a model, back onto the lawful ones:
//!
//! ```
//! use burn::{module::Module, optim::{GradientsParams, SgdConfig}, tensor::{Device, Tensor}};
//! use burn_dendrite_nn::layers::{DaleLinearConfig, EiLayerConfig, count_violations, obey_laws};
//!
//! let device = Device::flex().autodiff();
//! let hidden = EiLayerConfig::new(8, 16, 4).init(&device);
//! let readout = DaleLinearConfig::reading(hidden.output_signs(), 2).init(&device);
//! let mut model = (hidden, readout);
//! let mut optimizer = SgdConfig::new().init();
//! for _ in 0..3 {
//!     let hidden = model.0.forward(Tensor::<2>::ones([5, 8], &device));
//!     let loss = model.1.forward(hidden).powi_scalar(2).mean();
//!     let gradients = GradientsParams::from_grads(loss.backward(), &model);
//!     model = obey_laws(optimizer.step(0.1, model, gradients));
//! }
//! assert_eq!(count_violations(&model), 0);
//! ```

mod dale_conv;
mod dale_linear;
mod dendritic;
mod ei_dense;
mod ei_layer;
mod ei_rnn;
mod from_weight;
mod mask;
mod matrix;
mod spectral_radius;
mod start;
mod two_compartment;

pub use crate::laws::{ProjectLaws, count_violations, obey_laws};
pub use dale_conv::{DaleConv1d, DaleConv1dConfig, DaleConv2d, DaleConv2dConfig};
pub use dale_linear::{DaleLinear, DaleLinearConfig};
pub use dendritic::{DendriticLayer, DendriticLayerConfig, ReceptiveFields};
pub use ei_dense::{Division, EiDense, EiDenseConfig, GradientCorrection, Inhibition};
pub use ei_layer::{EiLayer, EiLayerConfig};
pub use ei_rnn::{EiRnn, EiRnnConfig, EiRnnState, Outputs, SelfConnections};
pub use from_weight::{MixedSigns, Zeros};
pub use mask::Mask;
pub use start::Balance;
pub use two_compartment::{TwoCompartment, TwoCompartmentConfig, TwoCompartmentOutput};

#[cfg(test)]
mod gradient;
#[cfg(test)]
mod tests;
