//! Where the weights of a projection come from.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::unknown_kind;
use crate::{InitializerSpec, ProjectionName};

/// Weights of its own with a start, or a view of another projection's weights.
///
/// In a file a table with the key `kind`: an initialiser's name, or `tied`.
#[derive(Clone, Debug, PartialEq)]
pub enum WeightSpec {
    /// Weights of its own.
    Own(InitializerSpec),
    /// Another projection's weights.
    Tied(Tied),
    /// Weights that follow from those of two others.
    Balance(Balance),
}

/// Inhibition that subtracts the mean of an excitation: weights that follow from those of two other
/// projections, and are computed again whenever one of them has changed.
///
/// ```text
/// M_ko = − mean_j W_jo / Σ_l mean_j X_jl
/// ```
///
/// `W` excites the postsynaptic population directly (`of`) and `X` excites the interneurons
/// (`through`) from the same presynaptic population `j`. Then `Σ_k X_jk M_ko` has the mean of `−W_jo` over
/// `j`: what all presynaptic neurons have in common cancels, and activity neither grows nor dies from layer
/// to layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// The excitation that is balanced, onto the same population.
    pub of: ProjectionName,
    /// The excitation of the interneurons by the same presynaptic population.
    pub through: ProjectionName,
}

/// A view of another projection's weights: always equal to them, never stored or learned.
///
/// ```text
/// W = scale · W_of     or, transposed,     W = scale · W_ofᵀ
/// ```
///
/// This is symmetric feedback. Bounds and constraints are not applied to a view, as in
/// `clone_weight` of EIANN (Galloni et al. 2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tied {
    /// The projection that owns the weights.
    pub of: ProjectionName,
    /// Whether rows and columns change places; they do not unless given.
    #[serde(default)]
    pub transpose: bool,
    /// Factor; 1 unless given.
    #[serde(default = "one")]
    pub scale: f64,
}

fn one() -> f64 {
    1.0
}

const TIED: &str = "tied";
const BALANCE: &str = "balance";

impl WeightSpec {
    /// The names that a file may give as `kind`.
    pub fn kinds() -> Vec<&'static str> {
        let mut kinds = InitializerSpec::kinds();
        kinds.extend([TIED, BALANCE]);
        kinds
    }
}

impl Serialize for WeightSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Tagged<'a, T> {
            kind: &'a str,
            #[serde(flatten)]
            weight: &'a T,
        }
        match self {
            Self::Own(init) => init.serialize(serializer),
            Self::Tied(weight) => Tagged { kind: TIED, weight }.serialize(serializer),
            Self::Balance(weight) => Tagged {
                kind: BALANCE,
                weight,
            }
            .serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WeightSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = serde_json::Value::deserialize(deserializer)?;
        if let Some(error) = unknown_kind(&value, &Self::kinds()) {
            return Err(D::Error::custom(error));
        }
        let kind = value["kind"].as_str().unwrap_or_default().to_owned();
        let table = value.as_object_mut();
        match kind.as_str() {
            TIED | BALANCE => {
                table.map(|table| table.remove("kind"));
                match kind.as_str() {
                    TIED => serde_json::from_value(value).map(Self::Tied),
                    _ => serde_json::from_value(value).map(Self::Balance),
                }
            }
            _ => serde_json::from_value(value).map(Self::Own),
        }
        .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_written_alike() {
        for text in [
            r#"{"kind":"half_kaiming","scale":2.0}"#,
            r#"{"kind":"tied","of":"H2.E<-H1.E","transpose":true,"scale":0.5}"#,
            r#"{"kind":"balance","of":"H1.E<-Input.E","through":"H1.I<-Input.E"}"#,
        ] {
            let weight: WeightSpec = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&weight).unwrap(), text);
        }
    }

    #[test]
    fn unknown_kinds_and_keys_are_refused() {
        let error = |text| {
            serde_json::from_str::<WeightSpec>(text)
                .unwrap_err()
                .to_string()
        };
        assert!(error(r#"{"kind":"half_kaimng"}"#).contains("`tied`"));
        assert!(error(r#"{"kind":"tied","off":"H2.E<-H1.E"}"#).contains("unknown field `off`"));
        assert!(error(r#"{"scale":1}"#).contains("kind"));
    }
}
