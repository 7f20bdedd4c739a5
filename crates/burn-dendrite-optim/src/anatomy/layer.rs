//! The layers of an anatomy: their sizes, and what leads from one to the next.

use burn_dendrite_nn::spec::{GeometrySpec, Grain, Kernel, PoolKind, PoolSpec, Sharing, Size};

use super::MapWeights;

/// A layer with its excitatory cells.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) size: Size,
    /// What leads to it from the layer before; `None` where each cell hears each.
    pub(super) kernel: Option<Kernel>,
    /// Whether its places share weights, where it has places.
    pub(super) weights: MapWeights,
    /// What the layer after it hears.
    pub(super) pool: Option<PoolSpec>,
    /// Synapses of a cell from the layer before.
    pub(super) fan_in: usize,
    /// Its somatic interneurons.
    pub(super) interneurons: Size,
}

impl Layer {
    pub(super) fn excitatory(&self) -> String {
        format!("{}.E", self.name)
    }

    /// From the layer before.
    pub(super) fn geometry(&self) -> GeometrySpec {
        self.windows(self.kernel)
    }

    /// From its somatic interneurons: those of its own place, where it has places.
    pub(super) fn geometry_of_inhibition(&self) -> GeometrySpec {
        self.windows(self.kernel.map(|_| Kernel::same(1)))
    }

    fn windows(&self, kernel: Option<Kernel>) -> GeometrySpec {
        match (kernel, self.weights) {
            (None, _) => GeometrySpec::Dense,
            (Some(kernel), MapWeights::Shared) => GeometrySpec::Convolution(kernel),
            (Some(kernel), MapWeights::Local) => GeometrySpec::Local(kernel),
        }
    }

    /// How many units share a bias.
    pub(super) fn sharing(&self) -> Sharing {
        match (self.kernel, self.weights) {
            (Some(_), MapWeights::Shared) => Sharing::Map,
            (Some(_), MapWeights::Local) | (None, _) => Sharing::Unit,
        }
    }

    /// What those who listen to it hear, and what those who reach its dendrites reach.
    pub(super) fn grain(&self) -> Grain {
        if self.pool.is_some() {
            Grain::Pools
        } else {
            Grain::Units
        }
    }
}

/// Of several values the one at `index`, of fewer the last; `None` of none.
fn at(values: &[usize], index: usize) -> Option<usize> {
    values.get(index).or(values.last()).copied()
}

/// Sizes from the input to the output.
pub(super) struct Sizes<'a> {
    pub(super) inputs: Size,
    pub(super) maps: &'a [usize],
    pub(super) kernels: &'a [usize],
    pub(super) pools: &'a [usize],
    pub(super) pooling: PoolKind,
    pub(super) weights: MapWeights,
    pub(super) hidden: &'a [usize],
    pub(super) outputs: Size,
    pub(super) interneurons: usize,
}

impl Sizes<'_> {
    /// The layers, the input first.
    pub(super) fn layers(&self) -> Vec<Layer> {
        let mut layers = vec![Layer {
            name: "Input".to_owned(),
            size: self.inputs,
            kernel: None,
            weights: self.weights,
            pool: None,
            fan_in: 0,
            interneurons: 0.into(),
        }];
        let mut heard = self.inputs.shape();
        for (index, maps) in self.maps.iter().enumerate() {
            let kernel = Kernel::same(at(self.kernels, index).unwrap_or(3));
            let [before, height, width] = heard;
            let pool = at(self.pools, index).filter(|size| *size > 1);
            layers.push(Layer {
                name: format!("H{}", index + 1),
                size: [*maps, height, width].into(),
                kernel: Some(kernel),
                weights: self.weights,
                pool: pool.map(|size| PoolSpec {
                    kind: self.pooling,
                    size,
                }),
                fan_in: before.saturating_mul(kernel.size.saturating_pow(2)),
                interneurons: [1, height, width].into(),
            });
            let side = pool.unwrap_or(1);
            heard = [*maps, height / side, width / side];
        }
        let mut units = heard.iter().product();
        let hidden = self.hidden.iter().map(|units| Size::from(*units));
        for (index, size) in hidden.chain([self.outputs]).enumerate() {
            let name = if index < self.hidden.len() {
                format!("H{}", self.maps.len() + index + 1)
            } else {
                "Output".to_owned()
            };
            layers.push(Layer {
                name,
                size,
                kernel: None,
                weights: self.weights,
                pool: None,
                fan_in: units,
                interneurons: self.interneurons.into(),
            });
            units = size.neurons();
        }
        layers
    }
}
