//! Counters and timings, and their Prometheus text.
//!
//! **Source** the text exposition format of Prometheus, version 0.0.4: counters end in `_total`, a histogram has
//! cumulative `_bucket{le=…}`, `_sum` and `_count`.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A stage of the pipeline, or a timed part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Frames from the camera.
    Capture,
    /// The network thread as a whole: decode, picture, network, reading, search.
    Inference,
    /// Results to those who watch.
    Output,
    /// Pictures for the screen.
    Screen,
    /// Photographs sent to the API.
    Upload,
    /// Following changes of the catalogue.
    Catalogue,
    /// Embedding the catalogue after a change of network.
    Reembedding,
    /// Frame to RGB (a part of inference).
    Decode,
    /// RGB to the network's input (a part of inference).
    Picture,
    /// The network (a part of inference).
    Network,
    /// The catalogue (a part of inference).
    Search,
    /// From the capture of a frame to its result.
    Whole,
}

impl Stage {
    /// All stages in their order.
    pub const ALL: [Self; 12] = [
        Self::Capture,
        Self::Inference,
        Self::Output,
        Self::Screen,
        Self::Upload,
        Self::Catalogue,
        Self::Reembedding,
        Self::Decode,
        Self::Picture,
        Self::Network,
        Self::Search,
        Self::Whole,
    ];

    /// Its name in metrics, events and thread lists.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Inference => "inference",
            Self::Output => "output",
            Self::Screen => "screen",
            Self::Upload => "upload",
            Self::Catalogue => "catalogue",
            Self::Reembedding => "reembedding",
            Self::Decode => "decode",
            Self::Picture => "picture",
            Self::Network => "network",
            Self::Search => "search",
            Self::Whole => "whole",
        }
    }
}

/// Upper bounds of the buckets, in milliseconds; the last bucket has none.
pub const BOUNDS_MS: [u64; 12] = [1, 2, 4, 8, 16, 33, 66, 133, 266, 533, 1066, 2133];

/// How often something took how long.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    microseconds: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub fn observe(&self, time: Duration) {
        let bucket = BOUNDS_MS.iter().position(|&bound| time <= Duration::from_millis(bound));
        if let Some(count) = self.buckets.get(bucket.unwrap_or(BOUNDS_MS.len())) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// The mean; nothing where none was counted.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let count = self.count();
        (count > 0).then(|| Duration::from_micros(self.microseconds.load(Ordering::Relaxed) / count))
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn write(&self, text: &mut String, stage: &str) {
        let mut below = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            below += count.load(Ordering::Relaxed);
            let bound = BOUNDS_MS.get(index).map_or_else(|| "+Inf".to_owned(), u64::to_string);
            let _ = writeln!(text, "clothingid_latency_ms_bucket{{stage=\"{stage}\",le=\"{bound}\"}} {below}");
        }
        let microseconds = self.microseconds.load(Ordering::Relaxed);
        let _ = writeln!(
            text,
            "clothingid_latency_ms_sum{{stage=\"{stage}\"}} {}.{:03}\nclothingid_latency_ms_count{{stage=\"{stage}\"}} {below}",
            microseconds / 1000,
            microseconds % 1000
        );
    }
}

/// All counters of the appliance. Each only grows.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Frames that the camera gave.
    pub frames: AtomicU64,
    /// Frames that could not be read.
    pub frames_corrupt: AtomicU64,
    /// Those of them that came whole and that the decoder could not read.
    pub frames_unreadable: AtomicU64,
    /// Times that no frame came in time.
    pub frames_late: AtomicU64,
    /// Frames that were lost before they came here: the driver had no free buffer for them.
    pub frames_lost: AtomicU64,
    /// Frames that a newer one replaced before the network was free.
    pub frames_dropped: AtomicU64,
    /// Frames that showed nothing new, so that the network rested.
    pub frames_rested: AtomicU64,
    /// Frames that were passed over because nothing had happened for a while.
    pub frames_passed_over: AtomicU64,
    /// Results that a newer one replaced before they were shown.
    pub results_dropped: AtomicU64,
    /// Results shown.
    pub results: AtomicU64,
    /// Changes of what the camera sees.
    pub scenes: AtomicU64,
    /// Times that the camera was lost.
    pub camera_losses: AtomicU64,
    /// Photographs answered by the API.
    pub uploads: AtomicU64,
    /// Photographs refused by the API because they could not be read.
    pub uploads_unreadable: AtomicU64,
    /// Photographs turned away by the API because too many came at once.
    pub uploads_turned_away: AtomicU64,
    /// Pictures given to the screen.
    pub screen_pictures: AtomicU64,
    /// Connections that were ended because no request came, or not all of it, in time.
    pub connections_cut: AtomicU64,
    /// Event streams that were refused because there are enough.
    pub streams_refused: AtomicU64,
    /// Requests that could not be fulfilled, by a status of 500 or more that is not 503: a store that cannot be written, a disk without room.
    pub requests_failed: AtomicU64,
    /// Connections over the shop's network that were not taken, because their address has enough.
    pub lan_refused: AtomicU64,
    /// Characters that the screen's font lacks, each once; they are shown as a box.
    pub glyphs_missing: AtomicU64,
    failures: [AtomicU64; Stage::ALL.len()],
    times: [Histogram; Stage::ALL.len()],
}

/// Facts that `/metrics` shows beside the counters.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The engine's name, as in each answer.
    pub engine: &'a str,
    /// The program's version.
    pub version: &'a str,
    /// Products in the catalogue.
    pub catalogue_items: usize,
    /// Whether the appliance is ready.
    pub ready: bool,
    /// Those who watch the event stream.
    pub watchers: usize,
}

impl Metrics {
    /// Adds one to a counter.
    pub fn count(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds a number to a counter.
    pub fn add(&self, counter: &AtomicU64, number: u64) {
        counter.fetch_add(number, Ordering::Relaxed);
    }

    /// Notes that a stage took `time`.
    pub fn took(&self, stage: Stage, time: Duration) {
        if let Some(histogram) = self.times.get(stage as usize) {
            histogram.observe(time);
        }
    }

    /// Notes that a stage had to be started again.
    pub fn stage_failed(&self, stage: Stage) {
        if let Some(count) = self.failures.get(stage as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often a stage had to be started again.
    #[must_use]
    pub fn stage_failures(&self, stage: Stage) -> u64 {
        self.failures.get(stage as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// How long a stage took on average.
    #[must_use]
    pub fn mean(&self, stage: Stage) -> Option<Duration> {
        self.times.get(stage as usize)?.mean()
    }

    /// The whole as Prometheus reads it.
    #[must_use]
    pub fn to_text(&self, facts: Facts<'_>) -> String {
        let mut text = String::with_capacity(8192);
        for (name, help, counter) in [
            ("frames", "Frames that the camera gave", &self.frames),
            ("frames_corrupt", "Frames that could not be read", &self.frames_corrupt),
            (
                "frames_unreadable",
                "Frames that came whole and that the decoder could not read",
                &self.frames_unreadable,
            ),
            ("frames_late", "Times that no frame came in time", &self.frames_late),
            ("frames_lost", "Frames that the driver counted and had no free buffer for", &self.frames_lost),
            ("frames_dropped", "Frames replaced by a newer one before the network was free", &self.frames_dropped),
            ("frames_rested", "Frames that showed nothing new, so that the network rested", &self.frames_rested),
            (
                "frames_passed_over",
                "Frames passed over because nothing had happened for a while",
                &self.frames_passed_over,
            ),
            ("results_dropped", "Results replaced by a newer one before they were shown", &self.results_dropped),
            ("results", "Results shown", &self.results),
            ("scenes", "Changes of what the camera sees", &self.scenes),
            ("camera_losses", "Times that the camera was lost", &self.camera_losses),
            ("uploads", "Photographs answered by the API", &self.uploads),
            ("uploads_unreadable", "Photographs that could not be read", &self.uploads_unreadable),
            ("uploads_turned_away", "Photographs turned away because too many came at once", &self.uploads_turned_away),
            ("screen_pictures", "Pictures given to the screen", &self.screen_pictures),
            (
                "connections_cut",
                "Connections ended because no request came, or not all of it, in time",
                &self.connections_cut,
            ),
            ("streams_refused", "Event streams refused because there are enough", &self.streams_refused),
            (
                "requests_failed",
                "Requests that could not be fulfilled: statuses from 500 but for 503",
                &self.requests_failed,
            ),
            ("lan_refused", "Connections over the shop's network that were not taken", &self.lan_refused),
            ("glyphs_missing", "Characters that the font of the screen lacks", &self.glyphs_missing),
        ] {
            let value = counter.load(Ordering::Relaxed);
            let _ = writeln!(
                text,
                "# HELP clothingid_{name}_total {help}\n# TYPE clothingid_{name}_total counter\nclothingid_{name}_total {value}"
            );
        }
        text.push_str("# HELP clothingid_stage_restarts_total Times that a stage failed and was started again\n");
        text.push_str("# TYPE clothingid_stage_restarts_total counter\n");
        let stages = [
            Stage::Capture,
            Stage::Inference,
            Stage::Output,
            Stage::Screen,
            Stage::Upload,
            Stage::Catalogue,
            Stage::Reembedding,
        ];
        for stage in stages {
            let value = self.stage_failures(stage);
            let _ = writeln!(text, "clothingid_stage_restarts_total{{stage=\"{}\"}} {value}", stage.key());
        }
        text.push_str("# HELP clothingid_latency_ms Time that a stage took, in milliseconds\n");
        text.push_str("# TYPE clothingid_latency_ms histogram\n");
        for stage in Stage::ALL {
            if let Some(histogram) = self.times.get(stage as usize).filter(|histogram| histogram.count() > 0) {
                histogram.write(&mut text, stage.key());
            }
        }
        for (name, help, value) in [
            ("catalogue_items", "Products in the catalogue", facts.catalogue_items),
            ("ready", "1 when the golden photographs were answered and the network runs", usize::from(facts.ready)),
            ("watchers", "Open event streams", facts.watchers),
        ] {
            let _ = writeln!(
                text,
                "# HELP clothingid_{name} {help}\n# TYPE clothingid_{name} gauge\nclothingid_{name} {value}"
            );
        }
        let _ = writeln!(
            text,
            "# HELP clothingid_info The program and its engine\n# TYPE clothingid_info gauge\n\
             clothingid_info{{version=\"{}\",engine=\"{}\"}} 1",
            escape(facts.version),
            escape(facts.engine)
        );
        text
    }
}

/// A label's value, as the format wants it.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_stand_at_their_own_index() {
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, index);
        }
    }

    #[test]
    fn buckets_are_cumulative_and_edges_belong_below() {
        let histogram = Histogram::default();
        for time in [0, 1000, 1001, 9_000_000] {
            histogram.observe(Duration::from_micros(time));
        }
        let mut text = String::new();
        histogram.write(&mut text, "network");
        assert!(text.contains("le=\"1\"} 2\n") && text.contains("le=\"2\"} 3\n"), "{text}");
        assert!(text.contains("le=\"2133\"} 3\n") && text.contains("le=\"+Inf\"} 4\n"), "{text}");
        assert!(text.contains("_sum{stage=\"network\"} 9002.001\n") && text.ends_with("} 4\n"), "{text}");
    }

    #[test]
    fn each_line_is_a_comment_or_a_name_and_a_number() {
        let metrics = Metrics::default();
        metrics.count(&metrics.frames);
        metrics.took(Stage::Network, Duration::from_millis(7));
        let facts = Facts { engine: "cpu: \"x\"", version: "1", catalogue_items: 40, ready: true, watchers: 0 };
        let text = metrics.to_text(facts);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("clothingid_") && value.parse::<f64>().is_ok(), "{line}");
        }
        assert!(text.contains("clothingid_frames_total 1\n") && text.contains("clothingid_catalogue_items 40\n"));
        assert!(text.contains("engine=\"cpu: \\\"x\\\"\""));
    }
}
