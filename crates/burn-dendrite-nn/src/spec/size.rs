//! The number of neurons of a population.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The number of neurons of a population: a number, maps, or `"data"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many.
    Neurons(usize),
    /// Maps of neurons, `[maps, height, width]`, in row-major order.
    Maps([usize; 3]),
    /// As many as the data have values (for the first population) or classes (for the output). A
    /// network can be checked and made only when these are known.
    Data,
}

const DATA: &str = "data";

impl Size {
    /// `[maps, height, width]`; neurons that are no maps are maps of one place each.
    pub fn shape(self) -> [usize; 3] {
        match self {
            Self::Maps(shape) => shape,
            Self::Neurons(_) | Self::Data => [self.neurons(), 1, 1],
        }
    }

    /// The number of neurons; one where it is left to the data.
    pub fn neurons(self) -> usize {
        match self {
            Self::Neurons(neurons) => neurons,
            Self::Maps(shape) => shape.into_iter().fold(1, usize::saturating_mul),
            Self::Data => 1,
        }
    }
}

impl From<[usize; 3]> for Size {
    fn from(shape: [usize; 3]) -> Self {
        Self::Maps(shape)
    }
}

impl From<usize> for Size {
    fn from(neurons: usize) -> Self {
        Self::Neurons(neurons)
    }
}

impl PartialEq<usize> for Size {
    fn eq(&self, neurons: &usize) -> bool {
        *self != Self::Data && self.neurons() == *neurons
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Neurons(neurons) => neurons.fmt(formatter),
            Self::Maps([maps, height, width]) => write!(formatter, "{maps} x {height} x {width}"),
            Self::Data => formatter.pad(DATA),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Neurons(neurons) => neurons.serialize(serializer),
            Self::Maps(shape) => shape.serialize(serializer),
            Self::Data => serializer.serialize_str(DATA),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'a> de::Visitor<'a> for Visitor {
            type Value = Size;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number of neurons, [maps, height, width], or \"data\"")
            }

            fn visit_u64<E: de::Error>(self, neurons: u64) -> Result<Size, E> {
                let neurons = usize::try_from(neurons);
                neurons
                    .map(Size::Neurons)
                    .map_err(|_| E::custom("more neurons than a machine can count"))
            }

            fn visit_i64<E: de::Error>(self, neurons: i64) -> Result<Size, E> {
                let positive = u64::try_from(neurons);
                positive
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(neurons), &self))
                    .and_then(|neurons| self.visit_u64(neurons))
            }

            fn visit_seq<A: de::SeqAccess<'a>>(self, list: A) -> Result<Size, A::Error> {
                let list = de::value::SeqAccessDeserializer::new(list);
                Deserialize::deserialize(list).map(Size::Maps)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                match text {
                    DATA => Ok(Size::Data),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_or_the_data_s() {
        let read = |text: &str| serde_json::from_str::<Size>(text).map_err(|it| it.to_string());
        assert_eq!(read("500"), Ok(Size::Neurons(500)));
        assert_eq!(read("\"data\""), Ok(Size::Data));
        assert_eq!(read("[2, 4, 4]"), Ok(Size::Maps([2, 4, 4])));
        for size in [Size::Neurons(3), Size::Maps([2, 4, 4]), Size::Data] {
            assert_eq!(read(&serde_json::to_string(&size).unwrap()), Ok(size));
        }
        for text in ["-1", "\"many\"", "1.5"] {
            let message = read(text).unwrap_err();
            assert!(
                message.contains("a number of neurons, [maps, height, width], or \"data\""),
                "{message}"
            );
        }
    }
}
