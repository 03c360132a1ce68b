//! How well it went: one metric a file, plain functions over slices, and the interval that every figure is quoted with.

mod auroc;
mod average_precision;
mod calibration;
mod interval;
mod recall;
mod top_k;

pub use auroc::auroc;
pub use average_precision::mean_average_precision;
pub use calibration::{CalibrationBin, calibration_bins, expected_calibration_error};
pub use interval::{Interval, bootstrap_by_group, wilson};
pub use recall::recall_at_k;
pub use top_k::{balanced_accuracy, top_1};
