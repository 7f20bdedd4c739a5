//! What a device of a GPU backend runs on.

use std::fmt;

/// The hardware, or the program in its place, that executes kernels.
pub(super) struct Adapter {
    name: String,
    kind: AdapterKind,
}

#[derive(Clone, Copy)]
enum AdapterKind {
    Hardware,
    /// A graphics driver that computes on the CPU.
    Software,
}

impl Adapter {
    /// The adapter that a device is on; opens the device.
    #[cfg(feature = "gpu")]
    pub(super) fn of(device: &burn::tensor::Device) -> Option<Self> {
        let identity = device.identity()?;
        Some(Self {
            // burn reports no card where the adapter is a software rasterizer.
            kind: match identity.physical {
                Some(_) => AdapterKind::Hardware,
                None => AdapterKind::Software,
            },
            name: identity.name,
        })
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Drivers add their compiler in brackets.
        let name = self.name.split(" (").next().unwrap_or(&self.name);
        f.write_str(name)?;
        match self.kind {
            AdapterKind::Hardware => Ok(()),
            AdapterKind::Software => f.write_str(", software"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_are_named_without_their_compiler_and_software_is_called_so() {
        let words = |name: &str, kind| {
            let name = name.to_owned();
            Adapter { name, kind }.to_string()
        };
        assert_eq!(
            words("llvmpipe (LLVM 15.0.6, 256 bits)", AdapterKind::Software),
            "llvmpipe, software"
        );
        assert_eq!(
            words("NVIDIA H100 PCIe", AdapterKind::Hardware),
            "NVIDIA H100 PCIe"
        );
    }
}
