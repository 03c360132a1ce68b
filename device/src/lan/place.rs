//! Where other machines of the shop's network reach this one.

use clothingid_shared::files;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

/// A table of routes has less.
const MOST_BYTES: u64 = 1 << 20;

/// The address that a browser on another machine takes; nothing while this one is on no network.
#[must_use]
pub fn address(name: Option<&str>, listen: SocketAddr) -> Option<String> {
    let host = match name {
        Some(name) => name.to_owned(),
        None => in_address(reached_at(listen.ip())?),
    };
    Some(format!("https://{host}:{}", listen.port()))
}

/// All names that the certificate is for.
#[must_use]
pub fn names(name: Option<&str>, listen: IpAddr) -> Vec<String> {
    let mut names: Vec<String> = name.map(ToOwned::to_owned).into_iter().collect();
    names.extend(reached_at(listen).map(|ip| ip.to_string()));
    names.extend(["localhost", "127.0.0.1", "::1"].map(ToOwned::to_owned));
    names
}

/// The address that others have for one that is served.
fn reached_at(listen: IpAddr) -> Option<IpAddr> {
    if listen.is_unspecified() { outward() } else { Some(listen) }
}

/// This machine's address towards the rest of the network. Nothing is sent: the system only chooses where it would go out, to addresses that are for
/// documentation.
fn outward() -> Option<IpAddr> {
    let routes = files::read_text_at_most(Path::new("/proc/net/route"), MOST_BYTES).unwrap_or_default();
    let beside = neighbour(&routes).map(|there| (IpAddr::from(Ipv4Addr::UNSPECIFIED), there));
    let outside = [
        (IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv4Addr::new(192, 0, 2, 1))),
        (IpAddr::from(Ipv6Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
    ];
    outside.into_iter().chain(beside).find_map(|(from, to)| {
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    })
}

/// An address of the first network that this machine is on: a shop's network may lead nowhere else.
fn neighbour(routes: &str) -> Option<IpAddr> {
    routes.lines().skip(1).find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (interface, network) = (words.next()?, words.next()?);
        // As the kernel has it in memory: of the processor's byte order.
        let network = u32::from_str_radix(network, 16).ok().filter(|network| *network != 0)?;
        let [a, b, c, d] = network.to_ne_bytes();
        (interface != "lo").then(|| Ipv4Addr::new(a, b, c, d | 1).into())
    })
}

fn in_address(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_before_the_address_that_is_served() {
        let listen: SocketAddr = "192.0.2.7:8443".parse().unwrap();
        assert_eq!(address(Some("kiosk.lan"), listen).as_deref(), Some("https://kiosk.lan:8443"));
        assert_eq!(address(None, listen).as_deref(), Some("https://192.0.2.7:8443"));
        assert_eq!(address(None, "[2001:db8::2]:443".parse().unwrap()).as_deref(), Some("https://[2001:db8::2]:443"));
        let names = names(Some("kiosk.lan"), listen.ip());
        assert_eq!(names, ["kiosk.lan", "192.0.2.7", "localhost", "127.0.0.1", "::1"]);
        let routes = "Iface Destination Gateway\nlo 0000007F 0\neth0 00000000 0101A8C0\nwlan0 0001A8C0 00000000\n";
        let expected = if cfg!(target_endian = "little") { "192.168.1.1" } else { "0.1.168.193" };
        assert_eq!(neighbour(routes), expected.parse().ok());
        assert_eq!((neighbour(""), neighbour("x\ny z")), (None, None));
        // Everything is served: one of this machine's own addresses, or none.
        let all = address(None, "0.0.0.0:8443".parse().unwrap());
        assert!(all.is_none_or(|address| address.starts_with("https://") && !address.contains("//0.0.0.0")));
    }
}
