//! Kinds that a program adds to a list.

use std::{
    any::TypeId,
    fmt,
    ops::Deref,
    sync::{Arc, PoisonError, RwLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, de::Error};
use serde_json::{Map, Value};

use crate::parse::unknown_kind;

/// A kind of a program's own, as a specification holds it: its name, its parameters, and what it does.
pub struct Registered<T: ?Sized> {
    name: &'static str,
    parameters: Map<String, Value>,
    behaviour: Arc<T>,
}

impl<T: ?Sized> Registered<T> {
    /// The name that a file gives as `kind`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does.
    pub fn shared(&self) -> Arc<T> {
        Arc::clone(&self.behaviour)
    }
}

impl<T: ?Sized> Deref for Registered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.behaviour
    }
}

impl<T: ?Sized> Clone for Registered<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            parameters: self.parameters.clone(),
            behaviour: self.shared(),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Registered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.name)
            .field("parameters", &self.parameters)
            .finish()
    }
}

impl<T: ?Sized> PartialEq for Registered<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.name, &self.parameters) == (other.name, &other.parameters)
    }
}

impl<T: ?Sized> Serialize for Registered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = ("kind".to_owned(), Value::from(self.name));
        let parameters = self.parameters.clone();
        let table: Map<String, Value> = std::iter::once(kind).chain(parameters).collect();
        table.serialize(serializer)
    }
}

/// The name of a kind is taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is the name of another kind; accepted: a name that is not taken")]
pub struct RegistryError(pub String);

/// Reads one kind: what it does, and its keys as they are written.
type Read<T> = Box<dyn Fn(Value) -> serde_json::Result<(Arc<T>, Value)> + Send + Sync>;

struct OwnKind<T: ?Sized> {
    name: &'static str,
    type_id: TypeId,
    read: Read<T>,
}

/// The kinds that a program has added to one list.
pub struct OwnKinds<T: ?Sized + 'static>(RwLock<Vec<OwnKind<T>>>);

impl<T: ?Sized> Default for OwnKinds<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: ?Sized> OwnKinds<T> {
    /// None.
    pub const fn new() -> Self {
        Self(RwLock::new(Vec::new()))
    }

    /// Their names, in the order in which they were added.
    pub fn names(&self) -> Vec<&'static str> {
        let kinds = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kinds.iter().map(|kind| kind.name).collect()
    }

    /// Adds `K` under a name that is none of those `taken`. The same kind may be added again.
    ///
    /// # Errors
    ///
    /// If another kind has this name.
    pub fn add<K: Serialize + DeserializeOwned + 'static>(
        &self,
        name: &'static str,
        taken: &[&str],
        share: fn(K) -> Arc<T>,
    ) -> Result<(), RegistryError> {
        let mut kinds = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let type_id = TypeId::of::<K>();
        match kinds.iter().find(|kind| kind.name == name) {
            Some(kind) if kind.type_id == type_id => return Ok(()),
            Some(_) => return Err(RegistryError(name.to_owned())),
            None if taken.contains(&name) => return Err(RegistryError(name.to_owned())),
            None => {}
        }
        kinds.push(OwnKind {
            name,
            type_id,
            read: Box::new(move |value| {
                let kind: K = serde_json::from_value(value)?;
                // What was left out stands in it from now on.
                let parameters = serde_json::to_value(&kind)?;
                Ok((share(kind), parameters))
            }),
        });
        Ok(())
    }

    /// Reads a table whose `kind` is one of these, or of the standard ones.
    ///
    /// # Errors
    ///
    /// If it is neither, with the accepted kinds, or if the other keys are not those of the kind.
    pub fn read<'de, D: Deserializer<'de>>(
        &self,
        deserializer: D,
        standard: &[&str],
    ) -> Result<Found<T>, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let kinds = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let names = kinds.iter().map(|kind| kind.name);
        let accepted: Vec<&str> = standard.iter().copied().chain(names).collect();
        if let Some(error) = unknown_kind(&value, &accepted) {
            return Err(D::Error::custom(error));
        }
        let Some(kind) = kinds.iter().find(|kind| value["kind"] == kind.name) else {
            return Ok(Found::Standard(value));
        };
        if let Some(table) = value.as_object_mut() {
            table.shift_remove("kind");
        }
        let (behaviour, parameters) = (kind.read)(value).map_err(D::Error::custom)?;
        let Value::Object(parameters) = parameters else {
            let message = format!("`{}` is no struct with braces", kind.name);
            return Err(D::Error::custom(message));
        };
        Ok(Found::Own(Registered {
            name: kind.name,
            parameters,
            behaviour,
        }))
    }
}

/// A table that names a kind.
pub enum Found<T: ?Sized> {
    /// One of a program's own, read.
    Own(Registered<T>),
    /// A standard one, still to be read.
    Standard(Value),
}

impl<T: ?Sized> Found<T> {
    /// What a list makes of it.
    ///
    /// # Errors
    ///
    /// If the keys of a standard kind are not what they should be.
    pub fn or_else<S, E: Error>(
        self,
        own: fn(Registered<T>) -> S,
        standard: fn(Value) -> serde_json::Result<S>,
    ) -> Result<S, E> {
        match self {
            Self::Own(kind) => Ok(own(kind)),
            Self::Standard(value) => standard(value).map_err(E::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Gain: Send + Sync {
        fn gain(&self) -> f64;
    }

    #[derive(Serialize, Deserialize)]
    struct Own {
        #[serde(default)]
        gain: f64,
    }

    impl Gain for Own {
        fn gain(&self) -> f64 {
            self.gain
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Unit {}

    impl Gain for Unit {
        fn gain(&self) -> f64 {
            1.0
        }
    }

    fn read(kinds: &OwnKinds<dyn Gain>, text: &str) -> Registered<dyn Gain> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        match kinds.read(&mut deserializer, &["standard"]).unwrap() {
            Found::Own(kind) => kind,
            Found::Standard(value) => panic!("{value} is a standard kind"),
        }
    }

    #[test]
    fn kinds_are_equal_by_name_and_parameters() {
        let kinds = OwnKinds::<dyn Gain>::new();
        kinds.add::<Own>("own", &[], |own| Arc::new(own)).unwrap();
        kinds.add::<Own>("alias", &[], |own| Arc::new(own)).unwrap();
        let one = read(&kinds, r#"{"kind":"own","gain":2.0}"#);
        assert_eq!((one.name(), one.gain()), ("own", 2.0));
        assert!(one == read(&kinds, r#"{"gain":2.0,"kind":"own"}"#));
        assert!(one == one.clone());
        assert!(one != read(&kinds, r#"{"kind":"own","gain":3.0}"#));
        assert!(one != read(&kinds, r#"{"kind":"alias","gain":2.0}"#));
        let silent = read(&kinds, r#"{"kind":"own"}"#);
        let text = serde_json::to_string(&silent).unwrap();
        assert_eq!(text, r#"{"kind":"own","gain":0.0}"#);
    }

    #[test]
    fn a_name_belongs_to_one_kind() {
        let kinds = OwnKinds::<dyn Gain>::new();
        let own = || kinds.add::<Own>("own", &["standard"], |own| Arc::new(own));
        let unit = |name| kinds.add::<Unit>(name, &["standard"], |unit| Arc::new(unit));
        assert_eq!((own(), own()), (Ok(()), Ok(())));
        assert_eq!(unit("own"), Err(RegistryError("own".into())));
        assert_eq!(unit("standard"), Err(RegistryError("standard".into())));
        assert_eq!(unit("unit"), Ok(()));
        assert_eq!(kinds.names(), ["own", "unit"]);
        assert_eq!(read(&kinds, r#"{"kind":"unit"}"#).gain(), 1.0);
    }
}
