//! What perturbations do to the dynamics, with every name resolved.

use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};

use crate::{Activation, PerPopulation};

/// Everything that is different in a network on one occasion. Values are kept on the host, so that
/// a network can go to any device.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Effects {
    pub(super) populations: PerPopulation<CellEffect>,
    pub(super) projections: Vec<SynapseEffect>,
    /// How many earlier activities are to be kept.
    pub(super) depth: usize,
}

/// What is different in the cells of a population.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CellEffect {
    /// Factor on each activity.
    pub(super) gain: Option<Vec<f32>>,
    /// Standard deviation of the noise of each soma.
    pub(super) noise: Option<Vec<f32>>,
}

/// What is different in the synapses of a projection.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SynapseEffect {
    /// Factor on the input of each postsynaptic cell.
    pub(super) gain: Option<Vec<f32>>,
    /// Standard deviation of the noise of each of these inputs.
    pub(super) noise: Option<Vec<f32>>,
    /// Steps by which activity arrives later.
    pub(super) delay: usize,
    /// The presynaptic cell that is heard in the place of each.
    pub(super) order: Option<Vec<i64>>,
}

impl Effects {
    pub(super) fn is_nothing(&self) -> bool {
        let cells = self
            .populations
            .iter()
            .all(|(_, it)| *it == CellEffect::default());
        cells && (self.projections.iter()).all(|it| *it == SynapseEffect::default())
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    pub(crate) fn cells(&self, id: crate::PopulationId) -> &CellEffect {
        &self.populations[id]
    }

    pub(crate) fn synapses(&self, id: crate::ProjectionId) -> &SynapseEffect {
        &self.projections[id.0]
    }
}

impl CellEffect {
    /// The effect as tensors on a device; none where nothing is different.
    pub(crate) fn on(&self, device: &Device) -> Option<CellTensors> {
        (*self != Self::default()).then(|| CellTensors {
            gain: self.gain.as_deref().map(|it| row(it, device)),
            noise: self.noise.as_deref().map(|it| row(it, device)),
        })
    }
}

/// A [`CellEffect`] where it is applied; rows `[1, size]`.
#[derive(Clone, Debug)]
pub(crate) struct CellTensors {
    gain: Option<Tensor<2>>,
    noise: Option<Tensor<2>>,
}

impl CellTensors {
    /// `r = g·f(s + σξ)`.
    pub(crate) fn respond(&self, activation: Activation, soma: Tensor<2>) -> Tensor<2> {
        let soma = noisy(soma, self.noise.as_ref());
        scaled(activation.forward(soma), self.gain.as_ref())
    }

    /// The activity of the input, `r = g·(x + σξ)`, where the noise is asked not to make it
    /// negative.
    pub(crate) fn input(&self, input: Tensor<2>, nonnegative: bool) -> Tensor<2> {
        let mut activity = input;
        if self.noise.is_some() {
            activity = noisy(activity, self.noise.as_ref());
            if nonnegative {
                activity = activity.clamp_min(0.0);
            }
        }
        scaled(activity, self.gain.as_ref())
    }
}

impl SynapseEffect {
    /// The effect as tensors on a device; none where nothing is different.
    pub(crate) fn on(&self, device: &Device) -> Option<SynapseTensors> {
        (*self != Self::default()).then(|| SynapseTensors {
            gain: self.gain.as_deref().map(|it| row(it, device)),
            noise: self.noise.as_deref().map(|it| row(it, device)),
            delay: self.delay,
            order: self.order.as_ref().map(|order| {
                let data = TensorData::new(order.clone(), [order.len()]);
                Tensor::from_data(data, &device.clone().without_autodiff())
            }),
        })
    }
}

/// A [`SynapseEffect`] where it is applied; rows are `[1, post]`.
#[derive(Clone, Debug)]
pub(crate) struct SynapseTensors {
    gain: Option<Tensor<2>>,
    noise: Option<Tensor<2>>,
    pub(crate) delay: usize,
    order: Option<Tensor<1, Int>>,
}

impl SynapseTensors {
    /// True where the input changes from step to step even if the activity does not.
    pub(crate) fn varies(&self) -> bool {
        self.noise.is_some() || self.delay > 0
    }

    /// The presynaptic activity as it arrives, `[batch, pre]`.
    pub(crate) fn arriving(&self, activity: Tensor<2>) -> Tensor<2> {
        match &self.order {
            Some(order) => activity.select(1, order.clone()),
            None => activity,
        }
    }

    /// The input that becomes of `drive`, `[batch, post]`.
    pub(crate) fn input(&self, drive: Tensor<2>) -> Tensor<2> {
        noisy(scaled(drive, self.gain.as_ref()), self.noise.as_ref())
    }
}

fn row(values: &[f32], device: &Device) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [1, values.len()]);
    Tensor::from_data(data, &device.clone().without_autodiff())
}

/// A constant in the autodiff context of what it meets.
fn beside(constant: &Tensor<2>, other: &Tensor<2>) -> Tensor<2> {
    match other.is_autodiff() {
        true => Tensor::from_inner(constant.clone()),
        false => constant.clone(),
    }
}

fn scaled(values: Tensor<2>, gain: Option<&Tensor<2>>) -> Tensor<2> {
    match gain {
        Some(gain) => {
            let gain = beside(gain, &values);
            values * gain
        }
        None => values,
    }
}

fn noisy(values: Tensor<2>, deviation: Option<&Tensor<2>>) -> Tensor<2> {
    match deviation {
        Some(deviation) => {
            let standard = Distribution::Normal(0.0, 1.0);
            let noise = Tensor::<2>::random(values.dims(), standard, &deviation.device());
            let noise = noise * deviation.clone();
            let noise = beside(&noise, &values);
            values + noise
        }
        None => values,
    }
}
