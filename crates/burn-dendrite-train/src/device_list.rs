//! Several devices, by name and number.

use std::{fmt, str::FromStr};

use burn::tensor::Device;

use crate::{DeviceName, device::DeviceError, words::counted};

/// A device among those of its backend, written `cuda:1`; `cuda` alone is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceAddress {
    /// The backend.
    pub name: DeviceName,
    /// The number of the device, from 0.
    pub number: usize,
}

/// Why devices cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum DeviceListError {
    /// One of them cannot be used at all.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// There are fewer than asked for.
    #[error("this machine has {} for `{name}`, so there is no `{name}:{number}`", counted(*found, "device"))]
    Fewer {
        /// The backend.
        name: DeviceName,
        /// The number asked for.
        number: usize,
        /// How many there are.
        found: usize,
    },
    /// One GPU is named twice.
    #[error(
        "`{0}` is named twice; accepted: each GPU once (`flex` may be repeated: each is a thread of \
         this processor)"
    )]
    Repeated(DeviceAddress),
    /// They are of different backends.
    #[error("`{0}` and `{1}` are different backends; accepted: devices of one backend")]
    Mixed(DeviceName, DeviceName),
}

impl DeviceAddress {
    /// Opens all of them.
    ///
    /// # Errors
    ///
    /// If one does not exist or is not compiled in, if a GPU is named twice, or if they are not of
    /// one backend.
    pub fn open_all(addresses: &[Self]) -> Result<Vec<Device>, DeviceListError> {
        for (index, address) in addresses.iter().enumerate() {
            if address.name != addresses[0].name {
                return Err(DeviceListError::Mixed(addresses[0].name, address.name));
            }
            if !address.is_processor() && addresses[..index].contains(address) {
                return Err(DeviceListError::Repeated(*address));
            }
        }
        addresses.iter().map(|address| address.open()).collect()
    }

    fn is_processor(self) -> bool {
        matches!(self.name, DeviceName::Flex | DeviceName::Ndarray)
    }

    fn open(self) -> Result<Device, DeviceListError> {
        let first = self.name.open()?;
        if self.number == 0 {
            return Ok(first);
        }
        let devices = self.all();
        let found = devices.len().max(1);
        devices
            .into_iter()
            .nth(self.number)
            .ok_or(DeviceListError::Fewer {
                name: self.name,
                number: self.number,
                found,
            })
    }

    /// All devices of the backend; a processor is one.
    fn all(self) -> Vec<Device> {
        match self.name {
            #[cfg(feature = "cuda")]
            DeviceName::Cuda => Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec(),
            #[cfg(feature = "rocm")]
            DeviceName::Rocm => Device::enumerate(burn::tensor::DeviceType::Rocm).into_vec(),
            #[cfg(feature = "metal")]
            DeviceName::Metal => Device::enumerate(burn::tensor::DeviceType::Metal).into_vec(),
            #[cfg(feature = "vulkan")]
            DeviceName::Vulkan => Device::enumerate(burn::tensor::DeviceType::Vulkan).into_vec(),
            #[cfg(feature = "wgpu")]
            DeviceName::Wgpu => Device::enumerate(burn::tensor::DeviceType::Wgpu).into_vec(),
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for DeviceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => write!(f, "{}", self.name),
            number => write!(f, "{}:{number}", self.name),
        }
    }
}

impl FromStr for DeviceAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = text.split_once(':').unwrap_or((text, "0"));
        Ok(Self {
            name: name.trim().parse()?,
            number: number.trim().parse().map_err(|_| {
                format!("`{text}` is no device; accepted: a backend and a number, e.g. `cuda:1`")
            })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Result<usize, String> {
        let addresses: Result<Vec<DeviceAddress>, String> =
            text.split(',').map(str::parse).collect();
        let devices = DeviceAddress::open_all(&addresses?);
        devices
            .map(|devices| devices.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_are_read_and_written() {
        let address: DeviceAddress = "cuda:1".parse().unwrap();
        assert_eq!((address.name, address.number), (DeviceName::Cuda, 1));
        assert_eq!(address.to_string(), "cuda:1");
        assert_eq!(
            "flex:0".parse::<DeviceAddress>().unwrap().to_string(),
            "flex"
        );
        assert!(open("cuda:x").unwrap_err().contains("cuda:1"));
        assert!(open("wpgu").unwrap_err().contains("did you mean `wgpu`?"));
    }

    #[test]
    fn a_processor_may_be_named_twice_but_has_no_second_device() {
        assert_eq!(open("flex,flex"), Ok(2));
        let message = open("flex,flex:1").unwrap_err();
        assert!(
            message.contains("1 device for") && message.contains("`flex:1`"),
            "{message}"
        );
    }

    #[test]
    fn gpus_named_twice_and_mixed_backends_are_refused() {
        assert!(open("cuda,cuda").unwrap_err().contains("named twice"));
        assert!(
            open("flex,cuda")
                .unwrap_err()
                .contains("different backends")
        );
    }
}
