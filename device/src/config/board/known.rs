//! The boards that we describe.

/// Name and file of each, in the order in which a running machine is compared with them.
pub const KNOWN: [(&str, &str); 5] = [
    ("jetson-orin-nano", include_str!("../../../../firmware-config/boards/jetson-orin-nano.toml")),
    ("jetson-orin-nx", include_str!("../../../../firmware-config/boards/jetson-orin-nx.toml")),
    ("raspberry-pi-5", include_str!("../../../../firmware-config/boards/raspberry-pi-5.toml")),
    ("generic-arm64", include_str!("../../../../firmware-config/boards/generic-arm64.toml")),
    ("generic-x86-64", include_str!("../../../../firmware-config/boards/generic-x86-64.toml")),
];

/// The file of the board with this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
