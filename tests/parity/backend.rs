//! The backends that the suite visits, and how exactly each of them agrees.

use std::{
    env,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use burn::tensor::Device;
use burn_dendrite::train::DeviceName;

/// What a backend other than flex may miss a recorded array by, in units of its largest absolute
/// value: other kernels sum in another order.
const TOLERANCE: f64 = 1e-4;

/// Names the backends that must run, separated by commas; one that cannot run is then a failure.
const REQUIRED: &str = "DENDRITE_TEST_DEVICES";

/// A backend that is compiled in and has hardware.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    pub(crate) name: DeviceName,
    pub(crate) device: Device,
}

impl Backend {
    /// Those that the environment names, else every one that is compiled in and has hardware; what
    /// is left out is said on stderr.
    pub(crate) fn all() -> Result<Vec<Self>, String> {
        let open = |name: DeviceName| match name.open() {
            Ok(device) => Ok(Self { name, device }),
            Err(error) => Err(error.to_string()),
        };
        if let Ok(names) = env::var(REQUIRED) {
            let names = names.split(',').map(|name| name.trim().parse());
            return names.map(|name| open(name?)).collect();
        }
        let mut found = Vec::new();
        for name in DeviceName::compiled() {
            match open(name) {
                Ok(backend) => found.push(backend),
                Err(reason) => eprintln!("not tested: {reason}"),
            }
        }
        Ok(found)
    }

    /// The tolerance for a fixture recorded with `tolerance`, which flex keeps to: a value `v` of an
    /// array may be missed by this much of `|v| + max |array|`.
    pub(crate) fn tolerance(&self, tolerance: f64) -> f64 {
        // Half of it: |v| is at most the largest value.
        let other_order = TOLERANCE / 2.0;
        match self.name {
            DeviceName::Flex => tolerance,
            // A network that multiplies rounding errors: flex misses the recording, and another
            // backend misses flex.
            _ if tolerance > other_order => tolerance + other_order,
            _ => other_order,
        }
    }
}

/// Held by every trial that may launch kernels, and exclusively by the one that counts them.
static LAUNCHING: RwLock<()> = RwLock::new(());

/// Held while a trial may launch kernels.
pub(crate) fn beside_others() -> RwLockReadGuard<'static, ()> {
    // A trial that failed leaves nothing behind here.
    LAUNCHING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Held while kernels are counted: no other trial launches any.
#[cfg(feature = "gpu")]
pub(crate) fn alone() -> std::sync::RwLockWriteGuard<'static, ()> {
    LAUNCHING.write().unwrap_or_else(PoisonError::into_inner)
}
