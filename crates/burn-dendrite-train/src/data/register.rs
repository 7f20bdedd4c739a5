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
            /// A data set that the program has [registered](Self::register).
            Registered($crate::data::OwnDataset),
        }

        impl $list {
            /// Every standard data set.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Every data set that this program knows.
            pub fn known() -> Vec<Self> {
                let own = Self::own().all().into_iter().map(Self::Registered);
                Self::ALL.iter().copied().chain(own).collect()
            }

            /// Adds a data set of the program's own by its name, for the whole process.
            ///
            /// # Errors
            ///
            /// If another data set has this name.
            pub fn register(
                name: &'static str,
                load: $crate::data::Load,
            ) -> Result<(), $crate::RegistryError> {
                Self::own().add(name, load, &[$($name),+])
            }

            fn own() -> &'static $crate::data::OwnDatasets {
                static OWN: $crate::data::OwnDatasets = $crate::data::OwnDatasets::new();
                &OWN
            }

            /// The name in text.
            pub fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Registered(own) => own.name(),
                }
            }

            /// Where its samples are.
            pub fn source(&self) -> $crate::data::Source {
                match self {
                    $(Self::$variant => $crate::data::Source::$source,)+
                    Self::Registered(_) => $crate::data::Source::Own,
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
                    Self::Registered(own) => own.load(options),
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
                let known = Self::known();
                let found = known.iter().find(|accepted| accepted.as_str() == name);
                found.copied().ok_or_else(|| {
                    let names: Vec<&str> = known.iter().map(Self::as_str).collect();
                    $crate::data::DataError::unknown_dataset(name, &names)
                })
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
