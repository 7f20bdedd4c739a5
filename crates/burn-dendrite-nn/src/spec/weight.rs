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

impl WeightSpec {
    /// The names that a file may give as `kind`.
    pub fn kinds() -> Vec<&'static str> {
        InitializerSpec::KINDS
            .iter()
            .copied()
            .chain([TIED])
            .collect()
    }
}

impl Serialize for WeightSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Tagged<'a> {
            kind: &'a str,
            #[serde(flatten)]
            tied: &'a Tied,
        }
        match self {
            Self::Own(init) => init.serialize(serializer),
            Self::Tied(tied) => Tagged { kind: TIED, tied }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WeightSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = serde_json::Value::deserialize(deserializer)?;
        if let Some(error) = unknown_kind(&value, &Self::kinds()) {
            return Err(D::Error::custom(error));
        }
        match value.as_object_mut() {
            Some(table) if table.get("kind").is_some_and(|kind| kind == TIED) => {
                table.remove("kind");
                serde_json::from_value(value).map(Self::Tied)
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
