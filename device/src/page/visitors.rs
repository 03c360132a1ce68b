//! Serving the shop's network: so many connections at a time, and each of them with time limits.
//!
//! Anyone on the network may connect, so what one may hold is bounded before it is taken: connections in all and of one address, the time of a
//! handshake, and the times of a [`connection`](super::connection). None of it takes a descriptor from the camera, or the page of this machine.

use super::connection::{accept, converse};
use crate::health::Health;
use crate::lan::Lan;
use axum::Router;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// Connections at a time: a shop has a few phones, and a browser opens six.
const MOST: usize = 64;
/// Of them, those of one address.
const MOST_OF_ONE: usize = 16;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// How many each address has open.
#[derive(Debug, Default)]
struct Visitors(Mutex<HashMap<IpAddr, usize>>);

/// One connection of an address, until it is dropped.
#[derive(Debug)]
struct Visit(Arc<Visitors>, IpAddr);

impl Visitors {
    /// Nothing where the address has enough.
    fn come(self: &Arc<Self>, from: IpAddr) -> Option<Visit> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(from).or_default();
        if *count >= MOST_OF_ONE {
            return None;
        }
        *count += 1;
        Some(Visit(Arc::clone(self), from))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.1);
            }
        }
    }
}

/// Serves until `closing`.
///
/// # Errors
/// The listener cannot be used.
pub(super) async fn serve(
    listener: TcpListener,
    lan: &Lan,
    router: Router,
    closing: &watch::Sender<bool>,
    health: &Arc<Health>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let acceptor = TlsAcceptor::from(lan.identity.config());
    let (room, visitors) = (Arc::new(Semaphore::new(MOST)), Arc::<Visitors>::default());
    let mut closed = closing.subscribe();
    loop {
        // Before one is taken: what waits costs the system's queue, and nothing of ours.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return Ok(()) };
        let (stream, peer) = tokio::select! {
            // The page of this machine says it where the system gives no connections.
            accepted = accept(&listener, |_| ()) => accepted,
            _ = closed.wait_for(|is_closing| *is_closing) => return Ok(()),
        };
        let Some(visit) = visitors.come(peer.ip().to_canonical()) else {
            health.metrics.count(&health.metrics.lan_refused);
            continue;
        };
        let (acceptor, router, closed) = (acceptor.clone(), router.clone(), closing.subscribe());
        let health = Arc::clone(health);
        tokio::spawn(async move {
            let _held = (place, visit);
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => converse(stream, peer, router, &health, closed).await,
                // Not a word of TLS, or a wrong one: the peer's.
                Ok(Err(_)) => {}
                Err(_) => health.metrics.count(&health.metrics.connections_cut),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_room_for_the_others() {
        let (visitors, flood, phone) =
            (Arc::<Visitors>::default(), IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut held: Vec<_> = (0..MOST_OF_ONE).map(|_| visitors.come(flood).unwrap()).collect();
        assert!(visitors.come(flood).is_none() && visitors.come(phone).is_some());
        held.pop();
        assert!(visitors.come(flood).is_some());
        held.clear();
        assert!(visitors.0.lock().unwrap().is_empty(), "nothing is kept of who is gone");
    }
}
