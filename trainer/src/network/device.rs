//! Where a network runs.

use std::fmt;
use std::str::FromStr;

use tch::Device;

/// `auto`, `cpu` or `cuda:N`, as given on the command line or in a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first CUDA device if there is one, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A CUDA device by number.
    Cuda(usize),
}

/// Why there is no such device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The text names none.
    #[error("`{given}` is no device, expected `auto`, `cpu` or `cuda:N`")]
    Unknown {
        /// What was given.
        given: String,
    },
    /// This machine has fewer.
    #[error("device `cuda:{number}` is not there: libtorch sees {available} CUDA devices")]
    Missing {
        /// The number asked for.
        number: usize,
        /// How many there are.
        available: usize,
    },
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| DeviceError::Unknown { given: text.to_owned() }),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl DeviceChoice {
    /// The device, if this machine has it.
    ///
    /// # Errors
    /// [`DeviceError::Missing`]: a device that was asked for by name is never replaced by another.
    pub fn resolve(self) -> Result<Device, DeviceError> {
        let available = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
        match self {
            Self::Auto if available > 0 => Ok(Device::Cuda(0)),
            Self::Auto | Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(number) if number < available => Ok(Device::Cuda(number)),
            Self::Cuda(number) => Err(DeviceError::Missing { number, available }),
        }
    }
}

/// A device as people write it.
#[must_use]
pub fn name(device: Device) -> String {
    match device {
        Device::Cpu => "cpu".to_owned(),
        Device::Cuda(number) => format!("cuda:{number}"),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{DeviceChoice, DeviceError};

    #[test]
    fn names_are_read_as_they_are_written() {
        for choice in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(3)] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        for text in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU"] {
            assert_eq!(text.parse::<DeviceChoice>(), Err(DeviceError::Unknown { given: text.to_owned() }));
        }
    }
}
