//! The learning rate over a run: a linear warm-up, then half a cosine down to nothing.
//!
//! **Source**: Loshchilov and Hutter 2017, "SGDR", equation 5, without restarts.

/// The shape of the learning rate over a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// The highest rate.
    pub peak: f64,
    /// Steps of the run.
    pub steps: u64,
    /// Steps of the rise.
    pub warm_up: u64,
}

impl Schedule {
    /// The rate of step `step`, counted from 0; 0 at and beyond the end.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "steps are far below 2^52")]
    pub fn rate(&self, step: u64) -> f64 {
        if step >= self.steps {
            return 0.0;
        }
        if step < self.warm_up {
            return self.peak * (step + 1) as f64 / (self.warm_up + 1) as f64;
        }
        let progress = (step - self.warm_up) as f64 / (self.steps - self.warm_up) as f64;
        self.peak * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn rises_to_the_peak_and_falls_to_nothing() {
        let schedule = Schedule { peak: 2.0, steps: 10, warm_up: 3 };
        let rates: Vec<f64> = (0..12).map(|step| schedule.rate(step)).collect();
        assert_eq!(&rates[..4], [0.5, 1.0, 1.5, 2.0]);
        assert!(rates.windows(2).skip(3).all(|pair| pair[1] < pair[0] || pair[1] == 0.0), "{rates:?}");
        assert!(rates[9] > 0.0 && rates[10] == 0.0 && rates[11] == 0.0);
    }

    #[test]
    fn a_run_without_steps_or_all_warm_up_has_a_rate() {
        assert_eq!(Schedule { peak: 1.0, steps: 0, warm_up: 0 }.rate(0), 0.0);
        assert!((Schedule { peak: 1.0, steps: 1, warm_up: 5 }.rate(0) - 1.0 / 6.0).abs() < 1e-12);
    }
}
