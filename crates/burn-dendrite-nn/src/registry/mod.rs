//! The lists of kinds that a specification can name.

mod kinds;

pub use kinds::{Found, OwnKinds, Registered, RegistryError};

/// Declares the kinds of one concept: their modules, the serde enum that a file names them by, and
/// the view of each as its trait.
///
/// Adding a kind is one file (a module named as the kind, holding a struct that implements the
/// trait) and one line in the list.
///
/// ```ignore
/// registry! {
///     /// How weights start.
///     pub enum InitializerSpec: Initializer {
///         half_kaiming::HalfKaiming,
///         constant::Constant,
///     }
/// }
/// ```
///
/// The file form is a table with the key `kind`: `{ kind = "half_kaiming", scale = 2.0 }`. A program
/// adds kinds of its own by `InitializerSpec::register`, once, before it reads any specification.
#[macro_export]
macro_rules! registry {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $behaviour:ident { $($module:ident::$variant:ident),* $(,)? }
    ) => {
        $(
            mod $module;
            pub use $module::$variant;
        )*

        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case", remote = "Self")]
        pub enum $name {
            $(
                #[doc = concat!("See [`", stringify!($variant), "`].")]
                $variant($variant),
            )*
            /// A kind that the program has [registered](Self::register).
            #[serde(skip)]
            Registered($crate::registry::Registered<dyn $behaviour>),
        }

        impl $name {
            /// The names of the standard kinds, which any program may give as `kind`.
            pub const KINDS: &'static [&'static str] = &[$(stringify!($module)),*];

            /// The names that a file of this program may give as `kind`.
            pub fn kinds() -> Vec<&'static str> {
                Self::KINDS.iter().copied().chain(Self::own().names()).collect()
            }

            /// Adds a kind of the program's own, by the name that a file gives as `kind`, for the whole
            /// process. Its other keys are those of `K`, a struct with braces, be they empty.
            ///
            /// # Errors
            ///
            /// If another kind has this name.
            pub fn register<K>(kind: &'static str) -> Result<(), $crate::registry::RegistryError>
            where
                K: $behaviour + serde::Serialize + serde::de::DeserializeOwned + 'static,
            {
                Self::own().add::<K>(kind, Self::KINDS, |kind| std::sync::Arc::new(kind))
            }

            fn own() -> &'static $crate::registry::OwnKinds<dyn $behaviour> {
                static KINDS: $crate::registry::OwnKinds<dyn $behaviour> =
                    $crate::registry::OwnKinds::new();
                &KINDS
            }

            /// The name that a file gives as `kind`.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($module),)*
                    Self::Registered(kind) => kind.name(),
                }
            }

            /// The kind as a value of its own that can be shared.
            pub fn shared(&self) -> std::sync::Arc<dyn $behaviour> {
                match self {
                    $(Self::$variant(kind) => std::sync::Arc::new(kind.clone()),)*
                    Self::Registered(kind) => kind.shared(),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Registered(kind) => kind.serialize(serializer),
                    // The derived function of the standard kinds.
                    _ => Self::serialize(self, serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let found = Self::own().read(deserializer, Self::KINDS)?;
                found.or_else(Self::Registered, Self::deserialize)
            }
        }

        impl std::ops::Deref for $name {
            type Target = dyn $behaviour;

            fn deref(&self) -> &(dyn $behaviour + 'static) {
                match self {
                    $(Self::$variant(kind) => kind,)*
                    Self::Registered(kind) => std::ops::Deref::deref(kind),
                }
            }
        }

        $(
            impl From<$variant> for $name {
                fn from(kind: $variant) -> Self {
                    Self::$variant(kind)
                }
            }
        )*
    };
}
