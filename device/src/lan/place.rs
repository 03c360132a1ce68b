//! Where other machines of the shop's network reach this one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

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
    let towards = [
        (IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv4Addr::new(192, 0, 2, 1))),
        (IpAddr::from(Ipv6Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
    ];
    towards.into_iter().find_map(|(from, to)| {
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
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
        // Everything is served: one of this machine's own addresses, or none.
        let all = address(None, "0.0.0.0:8443".parse().unwrap());
        assert!(all.is_none_or(|address| address.starts_with("https://") && !address.contains("//0.0.0.0")));
    }
}
