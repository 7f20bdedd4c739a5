//! Backends by name.

use std::{fmt, str::FromStr};

use burn::tensor::Device;
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
        "the device `{name}` is compiled in, but this machine has no adapter for it; accepted here: `flex`"
    )]
    NoAdapter {
        /// The device asked for.
        name: DeviceName,
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

    /// The device that is used unless one is named: the first that is compiled in and has
    /// hardware.
    pub fn preferred() -> Self {
        let usable = |name: &Self| name.open().is_ok();
        Self::compiled()
            .into_iter()
            .find(usable)
            .unwrap_or(Self::Flex)
    }

    /// The device.
    ///
    /// # Errors
    ///
    /// If the backend is not compiled in, or finds no hardware.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            Self::Flex => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)] // Kept for those who use it.
            Self::Ndarray => Ok(Device::ndarray()),
            #[cfg(feature = "cuda")]
            Self::Cuda => self.found(burn::tensor::DeviceType::Cuda, || Device::cuda(0)),
            #[cfg(feature = "rocm")]
            Self::Rocm => self.found(burn::tensor::DeviceType::Rocm, || Device::rocm(0)),
            #[cfg(feature = "metal")]
            Self::Metal => self.found(burn::tensor::DeviceType::Wgpu, || {
                Device::metal(burn::tensor::DeviceKind::DefaultDevice)
            }),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => self.found(burn::tensor::DeviceType::Wgpu, || {
                Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)
            }),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => self.found(burn::tensor::DeviceType::Wgpu, || {
                Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)
            }),
            #[allow(unreachable_patterns)]
            name => Err(DeviceError::NotCompiled {
                name,
                compiled: Self::compiled(),
            }),
        }
    }

    /// burn panics at the first operation where there is no adapter, so look first.
    #[cfg(any(
        feature = "cuda",
        feature = "rocm",
        feature = "metal",
        feature = "vulkan",
        feature = "wgpu"
    ))]
    fn found(
        self,
        kind: burn::tensor::DeviceType,
        open: impl FnOnce() -> Device,
    ) -> Result<Device, DeviceError> {
        if Device::enumerate(kind).into_vec().is_empty() {
            return Err(DeviceError::NoAdapter { name: self });
        }
        Ok(open())
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
        assert!(DeviceName::compiled().contains(&DeviceName::Flex));
    }
}
