//! Options that every step of a run takes, so that one script can give them to all: `--resume` and `--device`.
//!
//! `pretrain`, `finetune` and `study` have their own, which do more. The other steps run on the processor and take minutes.

use super::Report;
use crate::network::DeviceChoice;

/// The options.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Everywhere {
    /// Go on with an interrupted run; this step writes its output whole or not at all, and simply runs again
    #[arg(long)]
    pub resume: bool,
    /// Where the network runs; this step runs on the processor: `auto` or `cpu`
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
}

/// Seed of a step that draws nothing, or always the same.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Seed {
    /// Seed of random choices; this step makes none, and its intervals always draw alike
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

impl Everywhere {
    /// Refuses a device that this step would not use: nothing runs elsewhere than asked without a word.
    ///
    /// # Errors
    /// A CUDA device was asked for.
    pub fn check(&self, step: &str) -> Result<(), Report> {
        match self.device {
            DeviceChoice::Auto | DeviceChoice::Cpu => Ok(()),
            DeviceChoice::Cuda(_) => Err(Report::usage(format!("`{step}` cannot run on `{}`", self.device))
                .cause("it computes on the processor, so that its integers are the same everywhere")
                .hint("leave `--device` out; `pretrain`, `finetune` and `study` take it")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DeviceChoice, Everywhere};

    #[test]
    fn a_device_that_would_not_be_used_is_refused() {
        assert!(Everywhere::default().check("export").is_ok());
        let report = Everywhere { device: DeviceChoice::Cuda(0), resume: false }.check("export").unwrap_err();
        assert_eq!(report.exit, 2);
        assert!(report.to_string().starts_with("error: `export` cannot run on `cuda:0`"), "{report}");
    }
}
