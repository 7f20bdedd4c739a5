//! How a law reaches the mapper that walks through a model.
//!
//! burn's mappers and visitors meet parameters one by one and cannot ask the module that they are
//! in. A [`Lawful`](super::Lawful) therefore says, while it hands its module to a walk, which of the
//! parameters inside are under which law; who walks through may ask. Nothing else can say so: a
//! parameter is never taken for one under law by the name of a struct or for a mapper that it has.

use std::{any::Any, cell::RefCell};

use burn::{
    module::{Param, ParamId},
    tensor::Tensor,
};

use super::Law;

/// A parameter under law, as it is said to walks.
pub(super) struct Governed<const D: usize> {
    /// Which [`Lawful`](super::Lawful) says so.
    pub(super) owner: ParamId,
    pub(super) law: Law<D>,
    /// The parameter itself, with its reparameterisation; not said to walks that change it, which
    /// could then not change it in place.
    pub(super) parameter: Option<Param<Tensor<D>>>,
    /// Whether it holds by construction.
    pub(super) by_construction: bool,
}

struct Entry {
    id: ParamId,
    governed: Box<dyn Any>,
}

thread_local! {
    static ENTRIES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// Takes back what was said within it, also when a walk panics.
struct Scope {
    depth: usize,
}

impl Drop for Scope {
    fn drop(&mut self) {
        ENTRIES.with_borrow_mut(|entries| entries.truncate(self.depth));
    }
}

/// Walks through a module while the parameters `said` are known to be under law.
pub(super) fn within<const D: usize, T>(
    said: Vec<(ParamId, Governed<D>)>,
    walk: impl FnOnce() -> T,
) -> T {
    let _scope = ENTRIES.with_borrow_mut(|entries| {
        let scope = Scope {
            depth: entries.len(),
        };
        entries.extend(said.into_iter().map(|(id, governed)| Entry {
            id,
            governed: Box::new(governed),
        }));
        scope
    });
    walk()
}

/// What `ask` answers about a parameter under each of its laws, the innermost first; nothing where
/// it is under none.
pub(super) fn laws_of<const D: usize, T>(
    id: ParamId,
    mut ask: impl FnMut(&Governed<D>) -> T,
) -> Vec<T> {
    ENTRIES.with_borrow(|entries| {
        (entries.iter().rev())
            .filter(|entry| entry.id == id)
            .filter_map(|entry| entry.governed.downcast_ref())
            .map(&mut ask)
            .collect()
    })
}
