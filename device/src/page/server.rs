//! Binding an address and serving it until the end.

use super::connection::{accept, converse};
use super::routes::{lan_router, router};
use super::state::{PageState, WATCHERS};
use super::visitors;
use crate::health::Health;
use crate::lan::Lan;
use crate::screen::Shown;
use crate::staff::Staff;
use axum::Router;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, watch};

/// Connections at a time: all event streams, and what asks beside them.
const MOST: usize = WATCHERS + 64;

/// How long open answers may take when the server ends, and what else is under way after them. With the screen's end all
/// stays below a second, but while an engine is being opened.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
const LAST_WORK: Duration = Duration::from_millis(100);

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is no address.
    #[error("`{address}` is not an address and a port")]
    Address {
        /// As it was given.
        address: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Another program serves there already.
    #[error("port {port} is in use: the page cannot be served on `{address}`")]
    InUse {
        /// As it was given.
        address: String,
        /// The port.
        port: u16,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The system does not allow it.
    #[error("the page cannot be served on `{address}`")]
    Bind {
        /// As it was given.
        address: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The address is reached from elsewhere, where nothing is served in the clear.
    #[error("`{address}` can be reached from other machines, and this page is for this machine alone")]
    Open {
        /// As it was given.
        address: String,
    },
    /// The system gives no threads.
    #[error("the server cannot be started")]
    Start(#[source] io::Error),
}

impl ServeError {
    /// What a person can do about it.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Address { .. } => vec!["give an address and a port, as in `--listen 127.0.0.1:8080`".into()],
            Self::InUse { port, .. } => vec![
                format!("find the program that holds it: `ss --listening --tcp --processes sport = :{port}`"),
                "or choose another port: `--listen 127.0.0.1:8090`".into(),
            ],
            Self::Bind { cause, .. } if cause.kind() == io::ErrorKind::PermissionDenied => {
                vec!["ports below 1024 are for the system: choose one above".into()]
            }
            Self::Bind { .. } => vec!["choose an address of this machine: `--listen 127.0.0.1:8080`".into()],
            Self::Open { .. } => vec![
                "give an address of this machine itself: `--listen 127.0.0.1:8080`".into(),
                "the shop's network is served by TLS, at `listen` of the table `[lan]` of the configuration".into(),
            ],
            Self::Start(_) => Vec::new(),
        }
    }
}

/// Takes the address, so that nobody else gets it while the network is being loaded.
///
/// **Errors** [`ServeError`] with hints.
pub fn bind(address: &str) -> Result<TcpListener, ServeError> {
    let bad = |cause| ServeError::Address { address: address.to_owned(), cause };
    let places: Vec<SocketAddr> = address.to_socket_addrs().map_err(bad)?.collect();
    let listener = TcpListener::bind(&*places).map_err(|cause| {
        let address = address.to_owned();
        match (cause.kind(), places.first()) {
            (io::ErrorKind::AddrInUse, Some(place)) => ServeError::InUse { address, port: place.port(), cause },
            _ => ServeError::Bind { address, cause },
        }
    })?;
    listener.set_nonblocking(true).map_err(ServeError::Start)?;
    Ok(listener)
}

/// The same for an address of this machine alone: what is served there crosses no network.
///
/// **Errors** [`ServeError`] with hints.
pub fn bind_here(address: &str) -> Result<TcpListener, ServeError> {
    let listener = bind(address)?;
    let place = listener.local_addr().map_err(ServeError::Start)?;
    if place.ip().is_loopback() { Ok(listener) } else { Err(ServeError::Open { address: address.to_owned() }) }
}

/// How often sessions of the staff that have ended are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// The running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    closing: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Serves `state` at `listener`, and to paired devices at `network`, on threads of its own.
    ///
    /// **Errors** the system gives no threads.
    pub fn start(
        listener: TcpListener,
        network: Option<TcpListener>,
        state: Arc<PageState>,
    ) -> Result<Self, ServeError> {
        let (health, staff) = (Arc::clone(&state.health), Arc::clone(&state.staff));
        let ways = network.zip(state.staff.lan.clone());
        let lan = ways.map(|(listener, lan)| (listener, lan_router(Arc::clone(&state), Arc::clone(&lan)), lan));
        let (closing, screen) = (state.closing.clone(), state.screen.clone());
        let (said, at_start) = (Arc::clone(&state.health), Arc::clone(&state.staff));
        let network = async move {
            let Some((listener, router, lan)) = lan else { return };
            tokio::join!(show_offers(&lan, screen.as_ref(), &at_start), async {
                if let Err(error) = visitors::serve(listener, &lan, router, &closing, &said).await {
                    said.events.say(format!("the shop's network is served no more: {error}"));
                }
            });
        };
        // What lies before one who went away without logging out is forgotten in time, whether or not anybody asks.
        let sweep = async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                staff.access.sweep(Instant::now());
                staff.importing.sweep(Instant::now());
            }
        };
        let beside = async move {
            tokio::join!(sweep, network);
        };
        Self::of(listener, state.closing.clone(), router(state), beside, &health)
    }

    /// Serves any addresses, with something `beside` them that goes on as long.
    pub(super) fn of(
        listener: TcpListener,
        closing: watch::Sender<bool>,
        router: Router,
        beside: impl Future<Output = ()> + Send + 'static,
        health: &Arc<Health>,
    ) -> Result<Self, ServeError> {
        let address = listener.local_addr().map_err(ServeError::Start)?;
        // One thread is enough for a page: decoding and disk have threads of their own, and the cores are the network's.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(4)
            .thread_name("page")
            .enable_all()
            .build()
            .map_err(ServeError::Start)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(ServeError::Start)?
        };
        runtime.spawn(beside);
        let (until, health) = (closing.clone(), Arc::clone(health));
        let thread = std::thread::Builder::new()
            .name("server".to_owned())
            .spawn(move || serve(runtime, listener, router, &until, &health))
            .map_err(ServeError::Start)?;
        Ok(Self { address, closing, thread })
    }

    /// Where it serves, with the port that the system gave.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the streams, finishes open answers for a moment, and ends.
    pub fn end(self) {
        self.closing.send_replace(true);
        // A panic of the server thread was printed by it; there is nothing left to serve.
        let _ = self.thread.join();
    }
}

/// How often it is looked whether an offer stands.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Shows on the screen how a device is paired, while one may be: always, as long as nobody has set the appliance up.
async fn show_offers(lan: &Arc<Lan>, screen: Option<&Shown>, staff: &Arc<Staff>) {
    let Some(screen) = screen else { return };
    loop {
        let (lan, staff) = (Arc::clone(lan), Arc::clone(staff));
        // A small file of this machine, which is mostly not there.
        let invitation = tokio::task::spawn_blocking(move || {
            if staff.is_first_start() && lan.offers.standing().is_none() && lan.devices.has_room() {
                // Where it cannot be written the appliance is set up on its own display.
                let _ = lan.offers.make();
            }
            lan.invitation()
        })
        .await;
        screen.invite(invitation.unwrap_or_default());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn serve(
    runtime: Runtime,
    listener: tokio::net::TcpListener,
    router: Router,
    closing: &watch::Sender<bool>,
    health: &Arc<Health>,
) {
    let mut closed = closing.subscribe();
    runtime.block_on(async move {
        let room = Arc::new(Semaphore::new(MOST));
        tokio::select! {
            _ = closed.wait_for(|is_closing| *is_closing) => {}
            () = take_in(listener, router, closing, &room, health) => {}
        }
        // As soon as the last conversation has ended.
        let _ = tokio::time::timeout(LAST_ANSWERS, room.acquire_many(u32::try_from(MOST).unwrap_or(u32::MAX))).await;
    });
    runtime.shutdown_timeout(LAST_WORK);
}

/// Takes in whoever connects.
async fn take_in(
    listener: tokio::net::TcpListener,
    router: Router,
    closing: &watch::Sender<bool>,
    room: &Arc<Semaphore>,
    health: &Arc<Health>,
) {
    let troubled = |error: &io::Error| {
        health.events.say(format!("the page takes nobody in: {error}; it is tried again and again"));
    };
    loop {
        let Ok(place) = Arc::clone(room).acquire_owned().await else { return };
        let (stream, peer) = accept(&listener, &troubled).await;
        let (router, health, closed) = (router.clone(), Arc::clone(health), closing.subscribe());
        tokio::spawn(async move {
            converse(stream, peer, router, &health, closed).await;
            drop(place);
        });
    }
}
