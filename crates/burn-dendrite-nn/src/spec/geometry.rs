//! How synapses lie between two populations, as data.

use serde::{Deserialize, Serialize};

/// Which units of a population each unit of another one hears, and which synapses share a weight.
///
/// In a file a table with the key `kind`; [`Dense`](Self::Dense) unless given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum GeometrySpec {
    /// Every unit hears every unit. Weights: `[pre, post]`.
    #[default]
    Dense,
    /// Every unit of a map hears the same kernel at its own place, over all maps of the other
    /// population. Both populations have maps.
    ///
    /// ```text
    /// drive[o, y, x] = Σ_i Σ_u Σ_v w[i, u, v; o] · r[i, stride·y + u − padding, stride·x + v − padding]
    /// ```
    ///
    /// Weights: `[maps · kernel · kernel, maps of the postsynaptic population]`; what lies beyond the
    /// border is silent.
    Convolution(Kernel),
    /// Every unit of a map hears a window at its own place by weights of its own: a convolution in which no
    /// two places share a weight. Both populations have maps.
    ///
    /// ```text
    /// drive[o, y, x] = Σ_i Σ_u Σ_v w[i, u, v; o, y, x] · r[i, stride·y + u − padding, stride·x + v − padding]
    /// ```
    ///
    /// Weights: `[maps · kernel · kernel, units of the postsynaptic population]`. Where a window reaches beyond
    /// the border no synapse exists, and its weight is 0.
    Local(Kernel),
    /// Every unit hears one square window at a random place, through all maps of the other population, which has
    /// maps. The places are drawn once from the seed and saved with the weights.
    ///
    /// ```text
    /// drive[j] = Σ_i Σ_u Σ_v w[i, u, v; j] · r[i, top[j] + u, left[j] + v]
    /// ```
    ///
    /// Weights: `[maps · size · size, units of the postsynaptic population]`; what is outside of the windows takes
    /// neither memory nor, in main memory, time. Ports `receptive_field_mask` of EIANN (Galloni et al. 2025).
    ReceptiveFields {
        /// Side of the window, in units.
        size: usize,
    },
}

/// A square window that moves over maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// Side of the window.
    #[serde(rename = "kernel")]
    pub size: usize,
    /// From one window to the next; 1 unless given.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub stride: usize,
    /// Silent units beyond each border; none unless given.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub padding: usize,
}

impl Kernel {
    /// A window of odd `size` that leaves maps as large as they are.
    pub fn same(size: usize) -> Self {
        Self {
            size,
            stride: 1,
            padding: size / 2,
        }
    }
}

fn one() -> usize {
    1
}

fn is_one(value: &usize) -> bool {
    *value == 1
}

fn is_zero(value: &usize) -> bool {
    *value == 0
}

/// How neighbouring units of a map are taken together by those who [hear](Grain::Pools) pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSpec {
    /// What a pool passes on.
    pub kind: PoolKind,
    /// Side of the square.
    pub size: usize,
}

/// What a pool passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// The largest activity. The units of a pool compete: only the one with the largest soma fires, of
    /// equal ones the first, and under a nudge it remains the one that fires.
    Max,
    /// The mean activity.
    Average,
}

/// What a projection tells apart in a population at one of its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// Each unit by itself.
    #[default]
    Units,
    /// Its pools, each as one unit.
    Pools,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_geometry_is_read_and_written_without_what_is_usual() {
        let text = r#"{"kind":"convolution","kernel":5,"padding":2}"#;
        let geometry: GeometrySpec = serde_json::from_str(text).unwrap();
        assert_eq!(geometry, GeometrySpec::Convolution(Kernel::same(5)));
        assert_eq!(serde_json::to_string(&geometry).unwrap(), text);
        let local: GeometrySpec =
            serde_json::from_str(&text.replace("convolution", "local")).unwrap();
        assert_eq!(local, GeometrySpec::Local(Kernel::same(5)));
        let fields: GeometrySpec =
            serde_json::from_str(r#"{"kind":"receptive_fields","size":9}"#).unwrap();
        assert_eq!(fields, GeometrySpec::ReceptiveFields { size: 9 });
        let text = r#"{"kind":"convolution","kernel":5,"stride":2}"#;
        let strided: GeometrySpec = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&strided).unwrap(), text);
        let wrong = r#"{"kind":"convolution","kernel":5,"pading":2}"#;
        assert!(serde_json::from_str::<GeometrySpec>(wrong).is_err());
    }
}
