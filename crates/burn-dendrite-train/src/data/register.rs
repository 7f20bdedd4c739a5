//! The macro behind the list of data sets.

/// Declares data sets: their modules, the enum of their names, and how each is loaded.
///
/// Adding a data set is one file (a module with a function `load` that takes
/// [`DataOptions`](crate::data::DataOptions) and returns [`Splits`](crate::data::Splits)) and one line
/// in the list: the module, the variant, the name in text, and whether it is read from [`Files`] or
/// [`Built`] by the program itself.
///
/// ```ignore
/// data_sets! {
///     /// The data sets of this program.
///     pub enum DatasetName {
///         /// Points inside and outside a ring.
///         ring::Ring = "ring", Built;
///     }
/// }
/// ```
///
/// In text, as in a configuration file or on the command line, the name is what the list says; an
/// unknown one is a [`DataError`](crate::data::DataError) with the accepted ones.
///
/// [`Files`]: crate::data::Source::Files
/// [`Built`]: crate::data::Source::Built
#[macro_export]
macro_rules! data_sets {
    (
        $(#[$meta:meta])*
        pub enum $list:ident {
            $($(#[$documentation:meta])* $module:ident::$variant:ident = $name:literal, $source:ident;)+
        }
    ) => {
        $(pub mod $module;)+

        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $list {
            $($(#[$documentation])* $variant,)+
        }

        impl $list {
            /// Every data set.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in text.
            pub fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Where its samples are.
            pub fn source(&self) -> $crate::data::Source {
                match self {
                    $(Self::$variant => $crate::data::Source::$source,)+
                }
            }

            /// Loads the data set into memory.
            ///
            /// # Errors
            ///
            /// If its files are missing and cannot be downloaded, or are not what they should be.
            pub fn load(
                &self,
                options: &$crate::data::DataOptions,
            ) -> Result<$crate::data::Splits, $crate::data::DataError> {
                match self {
                    $(Self::$variant => $module::load(options),)+
                }
            }
        }

        impl std::fmt::Display for $list {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $list {
            type Err = $crate::data::DataError;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().find(|accepted| accepted.as_str() == name);
                found
                    .copied()
                    .ok_or_else(|| $crate::data::DataError::unknown_dataset(name, &[$($name),+]))
            }
        }

        impl TryFrom<String> for $list {
            type Error = $crate::data::DataError;

            fn try_from(name: String) -> Result<Self, Self::Error> {
                name.parse()
            }
        }

        impl From<$list> for String {
            fn from(name: $list) -> Self {
                name.as_str().to_owned()
            }
        }
    };
}
