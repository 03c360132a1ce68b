//! The tables and keys of a board's file.

/// A table and its keys.
pub(super) struct Table {
    /// Its place: tables above it and its name with dots, empty for the file itself.
    pub(super) place: &'static str,
    /// Whether a board may be without it.
    pub(super) is_optional: bool,
    /// The keys that each board needs.
    pub(super) needed: &'static [&'static str],
    /// The keys that a board may have.
    pub(super) optional: &'static [&'static str],
}

const fn table(place: &'static str, needed: &'static [&'static str], optional: &'static [&'static str]) -> Table {
    Table { place, is_optional: false, needed, optional }
}

/// All tables, those above others first.
pub(super) const TABLES: [Table; 12] = [
    table("", &["name", "title", "target", "tried", "sources"], &[]),
    table("found_by", &[], &["compatible", "uefi"]),
    table("processor", &["name", "cores", "memory_gib"], &[]),
    table("system", &["name", "glibc", "clock_battery"], &[]),
    table("camera", &["usb"], &[]),
    Table {
        place: "camera.bridge",
        is_optional: true,
        needed: &["node", "module", "plugin", "source", "convert", "width", "height", "frames_per_second"],
        optional: &[],
    },
    table("display", &["owner", "connectors"], &[]),
    table("gpu", &["modules", "driver_files"], &["adapter"]),
    table("power", &["tool"], &["mode"]),
    table("thermal", &["slow_celsius", "off_celsius"], &[]),
    table("devices", &["groups", "allow"], &[]),
    table("update", &["backend", "compatible", "data", "watchdog_seconds", "slots"], &[]),
];

/// The keys of each of `update.slots`.
pub(super) const SLOT: Table = table("update.slots", &["name", "root"], &["boot"]);

/// One board.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// As its file is called.
    pub name: String,
    /// As people call it.
    pub title: String,
    /// What its programs are built for, in Rust's words.
    pub target: String,
    /// Whether the appliance ran on one.
    pub tried: bool,
    /// Where the facts below are from.
    pub sources: Vec<String>,
    /// How a running board is told.
    pub found_by: FoundBy,
    /// Its processor and memory.
    pub processor: Processor,
    /// The system that it runs.
    pub system: System,
    /// Where pictures come from.
    pub camera: Camera,
    /// What customers look at.
    pub display: Display,
    /// The graphics processor.
    pub gpu: Gpu,
    /// What it may draw.
    pub power: Power,
    /// How hot it may become.
    pub thermal: Thermal,
    /// What the service may open.
    pub devices: Devices,
    /// How new systems come in.
    pub update: Update,
}

/// How a running board is told. Without a name in `compatible` only a general board has no better one.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundBy {
    /// Names in `/proc/device-tree/compatible`, any of which is enough.
    pub compatible: Vec<String>,
    /// Any machine that was started by UEFI, of which no other file tells more.
    pub uefi: bool,
}

/// Processor and memory, at least.
#[derive(Debug, Clone, PartialEq)]
pub struct Processor {
    /// As the maker calls it.
    pub name: String,
    /// Cores at work.
    pub cores: u16,
    /// What is soldered on, of which the system sees some less.
    pub memory_gib: u16,
}

/// The system.
#[derive(Debug, Clone, PartialEq)]
pub struct System {
    /// As its maker calls it.
    pub name: String,
    /// The version of its C library, as in `2.35`.
    pub glibc: String,
    /// Whether its clock goes on without power.
    pub clock_battery: bool,
}

/// Where pictures come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Camera {
    /// Whether it has USB for a camera.
    pub usb: bool,
    /// How pictures come from its own camera connector, if it has one.
    pub bridge: Option<Bridge>,
}

/// A sensor's raw data made into pictures, which come out of a loopback device.
#[derive(Debug, Clone, PartialEq)]
pub struct Bridge {
    /// The loopback device, which the appliance opens.
    pub node: String,
    /// The kernel's module of that device.
    pub module: String,
    /// The element of GStreamer that the maker's software gives.
    pub plugin: String,
    /// The beginning of the pipeline, without a size.
    pub source: String,
    /// The element that makes pictures of the usual kind.
    pub convert: String,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// A second.
    pub frames_per_second: u16,
}

/// What customers look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Display {
    /// Who draws on it: never two.
    pub owner: Owner,
    /// Kinds of connectors, as in `HDMI-A`.
    pub connectors: Vec<String>,
}

/// Who draws on the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The appliance itself.
    Screen,
    /// A browser on the appliance's page.
    Kiosk,
}

/// The graphics processor and what must be there for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpu {
    /// A part of the name that its driver gives it.
    pub adapter: Option<String>,
    /// Modules of the kernel, any of which is enough.
    pub modules: Vec<String>,
    /// Files of the driver, each of which is needed.
    pub driver_files: Vec<String>,
}

/// What the board may draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Power {
    /// What tells it.
    pub tool: PowerTool,
    /// The mode that is wanted, in the tool's words.
    pub mode: Option<String>,
}

/// What tells how a board is supplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerTool {
    /// NVIDIA's tool, which sets the cores and clocks.
    Nvpmodel,
    /// The Raspberry Pi's firmware, which says when the supply is too weak.
    RpiVolt,
    /// Nothing.
    None,
}

impl PowerTool {
    /// As the file writes them.
    pub(super) const WORDS: [(&str, Self); 3] =
        [("nvpmodel", Self::Nvpmodel), ("rpi-volt", Self::RpiVolt), ("none", Self::None)];
}

/// How hot it may become.
#[derive(Debug, Clone, PartialEq)]
pub struct Thermal {
    /// Where it begins to slow down.
    pub slow_celsius: f64,
    /// Where it goes off, or can do no more to cool down.
    pub off_celsius: f64,
}

/// What the service may open.
#[derive(Debug, Clone, PartialEq)]
pub struct Devices {
    /// Groups that own the nodes.
    pub groups: Vec<String>,
    /// As in systemd's `DeviceAllow=`.
    pub allow: Vec<String>,
}

/// How new systems come in.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// What chooses the slot at start.
    pub backend: Backend,
    /// What RAUC compares with the bundle, so that no other board's is installed.
    pub compatible: String,
    /// The partition that both systems share: catalogue, settings, journal.
    pub data: String,
    /// After how long the board's watchdog starts it again.
    pub watchdog_seconds: u16,
    /// The two places for a system.
    pub slots: Vec<Slot>,
}

/// What chooses the slot at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The boot order of UEFI.
    Uefi,
    /// NVIDIA's slot tool.
    Nvidia,
    /// The Raspberry Pi's `tryboot`.
    RpiTryboot,
}

impl Backend {
    /// As the file writes them.
    pub(super) const WORDS: [(&str, Self); 3] =
        [("uefi", Self::Uefi), ("nvidia", Self::Nvidia), ("rpi-tryboot", Self::RpiTryboot)];

    /// As the file writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, backend)| *backend == self).map_or("", |(name, _)| name)
    }
}

/// A place for a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// `A` or `B`.
    pub name: String,
    /// The partition of its root.
    pub root: String,
    /// The partition that it starts from, where that is another one.
    pub boot: Option<String>,
}
