//! The list of metrics, and everything that follows from it.

/// Declares the metrics: their modules, the enum that names them, the struct of their results, and
/// how each is measured.
///
/// Adding a metric is one file (a module named as the metric, holding a result that implements
/// [`Measured`](super::Measured)) and one line in the list.
macro_rules! metrics {
    ($($(#[$meta:meta])* $module:ident::$result:ident as $metric:ident = $name:literal,)+) => {
        $(
            pub mod $module;
            pub use $module::$result;
        )+

        /// The name of a metric: the single place that lists them all.
        ///
        /// In text, as on the command line, the name is in kebab case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Metric {
            $($(#[$meta])* $metric,)+
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &[Self] = &[$(Self::$metric),+];

            /// The name in text.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$metric => $name,)+
                }
            }

            /// How long the metric takes beside the others; a metric that takes next to nothing
            /// has 1.
            pub fn cost(self) -> u64 {
                match self {
                    $(Self::$metric => <$result as Measured>::COST,)+
                }
            }
        }

        /// What [`analyze`] finds about a network: one field for each metric.
        ///
        /// A field is `None` where the metric was not asked for, or where the network or the data
        /// have nothing that it could be measured on.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Analysis {
            /// Number of samples that the network was shown.
            pub samples: usize,
            /// Number of classes of the data.
            pub classes: usize,
            $(
                $(#[$meta])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $module: Option<$result>,
            )+
        }

        impl Analysis {
            /// Measures one metric into its field.
            fn measure(&mut self, metric: Metric, context: &Context<'_>) {
                match metric {
                    $(Metric::$metric => self.$module = $result::measure(context),)+
                }
            }

            /// Every result that is there, in the order of [`Metric::ALL`].
            pub fn results(&self) -> Vec<(Metric, &dyn Report)> {
                let mut results: Vec<(Metric, &dyn Report)> = Vec::new();
                $(
                    if let Some(result) = &self.$module {
                        results.push((Metric::$metric, result));
                    }
                )+
                results
            }
        }
    };
}

pub(crate) use metrics;
