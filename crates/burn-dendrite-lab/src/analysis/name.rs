//! Names of metrics in text.

use std::{fmt, str::FromStr};

use burn_dendrite_nn::error::unknown_name;

use super::Metric;

impl fmt::Display for Metric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Metric {
    type Err = String;

    /// The metric of that name; else one sentence with the nearest one.
    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|metric| metric.as_str() == name);
        found.copied().ok_or_else(|| {
            let names = Self::ALL.iter().map(|metric| metric.as_str());
            unknown_name("metric", name, names)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_survives_text() {
        for metric in Metric::ALL {
            assert_eq!(metric.to_string().parse::<Metric>(), Ok(*metric));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let message = "sparsty".parse::<Metric>().unwrap_err();
        assert!(message.contains("did you mean `sparsity`?"), "{message}");
        assert!(message.contains("`loss-landscape`"), "{message}");
    }
}
