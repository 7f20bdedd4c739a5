//! Backends by name.

#[cfg(any(feature = "gpu", test))]
mod adapter;

use std::{fmt, str::FromStr};

use burn::tensor::{Device, DeviceType};
use burn_dendrite_nn::error::unknown_name;

/// A backend that burn can be compiled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceName {
    /// NVIDIA GPU.
    Cuda,
    /// Apple GPU.
    Metal,
    /// AMD GPU.
    Rocm,
    /// GPU through Vulkan.
    Vulkan,
    /// GPU through WebGPU.
    Wgpu,
    /// CPU in pure Rust.
    Flex,
    /// CPU through ndarray, deprecated by burn.
    Ndarray,
}

/// Why a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The backend is not compiled in.
    #[error(
        "the device `{name}` was not compiled in (`--features {name}` adds it); accepted: {}",
        list(compiled)
    )]
    NotCompiled {
        /// The device asked for.
        name: DeviceName,
        /// The devices that are compiled in.
        compiled: Vec<DeviceName>,
    },
    /// The backend finds no hardware.
    #[error(
        "the device `{name}` is compiled in, but this machine has no adapter for it; accepted here: {}",
        list(usable)
    )]
    NoAdapter {
        /// The device asked for.
        name: DeviceName,
        /// The devices that are compiled in and have hardware.
        usable: Vec<DeviceName>,
    },
}

fn list(names: &[DeviceName]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

impl DeviceName {
    /// All backends, fastest hardware first.
    pub const ALL: [Self; 7] = [
        Self::Cuda,
        Self::Metal,
        Self::Rocm,
        Self::Vulkan,
        Self::Wgpu,
        Self::Flex,
        Self::Ndarray,
    ];

    /// The name as it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Metal => "metal",
            Self::Rocm => "rocm",
            Self::Vulkan => "vulkan",
            Self::Wgpu => "wgpu",
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
        }
    }

    /// The backends that are compiled in, fastest hardware first; `flex` always is.
    pub fn compiled() -> Vec<Self> {
        let compiled = |name: &Self| match name {
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Rocm => cfg!(feature = "rocm"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Flex => true,
            Self::Ndarray => cfg!(feature = "ndarray"),
        };
        Self::ALL.into_iter().filter(compiled).collect()
    }

    /// The backends that are compiled in and have hardware, fastest hardware first; `flex` always
    /// is one.
    pub fn usable() -> Vec<Self> {
        let mut names = Self::compiled();
        names.retain(|name| name.has_hardware());
        names
    }

    /// The device that is used unless one is named: the first of the usable ones.
    pub fn preferred() -> Self {
        let mut names = Self::compiled().into_iter();
        names.find(|name| name.has_hardware()).unwrap_or(Self::Flex)
    }

    /// The device.
    ///
    /// # Errors
    ///
    /// If the backend is not compiled in, or finds no hardware.
    pub fn open(self) -> Result<Device, DeviceError> {
        let compiled = Self::compiled();
        if !compiled.contains(&self) {
            return Err(DeviceError::NotCompiled {
                name: self,
                compiled,
            });
        }
        // burn panics at the first operation where there is no adapter, so look first.
        if !self.has_hardware() {
            return Err(DeviceError::NoAdapter {
                name: self,
                usable: Self::usable(),
            });
        }
        Ok(self.device())
    }

    /// The device of a backend that is compiled in; burn opens it at the first operation.
    fn device(self) -> Device {
        match self {
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)] // Kept for those who use it.
            Self::Ndarray => Device::ndarray(),
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::cuda(0),
            #[cfg(feature = "rocm")]
            Self::Rocm => Device::rocm(0),
            #[cfg(feature = "metal")]
            Self::Metal => Device::metal(burn::tensor::DeviceKind::DefaultDevice),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Device::vulkan(burn::tensor::DeviceKind::DefaultDevice),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
            _ => Device::flex(),
        }
    }

    /// True where burn finds something that the backend, which is compiled in, can run on.
    fn has_hardware(self) -> bool {
        let kind = match self {
            #[cfg(feature = "ndarray")]
            Self::Ndarray => DeviceType::NdArray,
            #[cfg(feature = "cuda")]
            Self::Cuda => DeviceType::Cuda,
            #[cfg(feature = "rocm")]
            Self::Rocm => DeviceType::Rocm,
            #[cfg(feature = "metal")]
            Self::Metal => DeviceType::Metal,
            #[cfg(feature = "vulkan")]
            Self::Vulkan => DeviceType::Vulkan,
            #[cfg(feature = "wgpu")]
            Self::Wgpu => DeviceType::Wgpu,
            _ => DeviceType::Flex,
        };
        !Device::enumerate(kind).into_vec().is_empty()
    }

    /// True where every operation is a kernel that is launched on an adapter, which costs the same
    /// for one sample as for many; false for the backends that compute on the CPU by themselves.
    pub fn launches_kernels(self) -> bool {
        !matches!(self, Self::Flex | Self::Ndarray)
    }

    /// The backend and the adapter that its device runs on, in a few words; opens the device.
    ///
    /// ```text
    /// flex
    /// wgpu (llvmpipe, software)
    /// cuda (NVIDIA GeForce RTX 4090)
    /// ```
    pub fn describe(self, device: &Device) -> String {
        #[cfg(feature = "gpu")]
        if let Some(adapter) = adapter::Adapter::of(device).filter(|_| self.launches_kernels()) {
            return format!("{self} ({adapter})");
        }
        let _ = device;
        self.to_string()
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.to_lowercase();
        Self::ALL
            .into_iter()
            .find(|name| name.as_str() == text)
            .ok_or_else(|| unknown_name("device", &text, Self::ALL.map(Self::as_str)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_unknown_ones_refused() {
        for name in DeviceName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
        }
        assert!(
            "wpgu"
                .parse::<DeviceName>()
                .unwrap_err()
                .contains("did you mean `wgpu`?")
        );
    }

    #[test]
    fn flex_opens_always() {
        assert!(DeviceName::Flex.open().is_ok());
        assert!(DeviceName::usable().contains(&DeviceName::Flex));
        assert_eq!(DeviceName::Flex.describe(&Device::flex()), "flex");
    }

    #[test]
    fn a_device_that_is_not_compiled_in_or_finds_nothing_is_refused_in_one_sentence() {
        for name in DeviceName::ALL {
            let Err(error) = name.open() else { continue };
            let reason = if DeviceName::compiled().contains(&name) {
                "no adapter"
            } else {
                "not compiled in"
            };
            let message = error.to_string();
            for part in [reason, name.as_str(), "accepted", "`flex`"] {
                assert!(message.contains(part), "`{part}` is missing in: {message}");
            }
        }
    }
}
