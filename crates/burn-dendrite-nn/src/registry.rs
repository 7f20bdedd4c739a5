//! The macro behind every list of kinds that a specification can name.

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
/// The file form is a table with the key `kind`: `{ kind = "half_kaiming", scale = 2.0 }`.
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
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum $name {
            $(
                #[doc = concat!("See [`", stringify!($variant), "`].")]
                $variant($variant),
            )*
        }

        impl $name {
            /// The names that a file may give as `kind`.
            pub const KINDS: &'static [&'static str] = &[$(stringify!($module)),*];

            /// The name that a file gives as `kind`.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($module),)*
                }
            }
        }

        impl $name {
            /// The kind as a value of its own that can be shared.
            pub fn shared(&self) -> std::sync::Arc<dyn $behaviour> {
                match self {
                    $(Self::$variant(kind) => std::sync::Arc::new(kind.clone()),)*
                }
            }
        }

        impl std::ops::Deref for $name {
            type Target = dyn $behaviour;

            fn deref(&self) -> &(dyn $behaviour + 'static) {
                match self {
                    $(Self::$variant(kind) => kind,)*
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
