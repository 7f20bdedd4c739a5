//! Devices of other machines, through burn's remote backend.
//!
//! A server offers a device; a client's tensors live there, and every operation on them is sent over
//! the network. What is sent is not encrypted.

use std::{
    any::Any,
    io,
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    panic::{self, AssertUnwindSafe},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use burn::{
    remote::{ConnectError, RemoteHost},
    server::{AllowAll, RemoteServer, ServeError, WebSocketTransport},
    tensor::Device,
};

/// Why there is no device, or no server.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is none.
    #[error("`{0}` is no address of a server; accepted: `ws://HOST:PORT`")]
    Address(String),
    /// The server does not answer, or refuses.
    #[error("`{address}` offers no device: {error}")]
    Connect {
        /// Its address.
        address: String,
        /// burn's reason.
        error: ConnectError,
    },
    /// The server cannot listen.
    #[error("`{address}` cannot be listened on: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The operating system's reason.
        error: io::Error,
    },
    /// The server cannot work.
    #[error("the device cannot be offered: {0}")]
    Serve(ServeError),
}

// By hand: as its source, it would be said twice.
impl From<ServeError> for RemoteError {
    fn from(error: ServeError) -> Self {
        Self::Serve(error)
    }
}

/// How long a server may take to answer that it is still there.
const ANSWER: Duration = Duration::from_secs(2);

/// The devices that this process has connected.
static CONNECTED: Mutex<Vec<Device>> = Mutex::new(Vec::new());

/// The first device of the server at an address, e.g. `ws://gpu:3000`.
///
/// # Errors
///
/// If the address is none, or no server answers there.
pub fn connect(address: &str) -> Result<Device, RemoteError> {
    let rest = address.strip_prefix("ws://").unwrap_or_default();
    let port = rest.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(_))) {
        return Err(RemoteError::Address(address.to_owned()));
    }
    let device = Device::remote_options(&RemoteHost::websocket(address)).init();
    let device = device.map_err(|error| RemoteError::Connect {
        address: address.to_owned(),
        error,
    })?;
    let mut connected = CONNECTED.lock().unwrap_or_else(PoisonError::into_inner);
    connected.push(device.clone());
    Ok(device)
}

/// Offers a device until the process is asked to end; `ready` hears at which address.
///
/// # Errors
///
/// If nobody can listen there.
pub fn serve(
    device: Device,
    address: SocketAddr,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), RemoteError> {
    let listen = || -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    let (listener, address) = listen().map_err(|error| RemoteError::Listen { address, error })?;
    ready(address);
    let server = RemoteServer::new([device]).with_authorizer(AllowAll);
    Ok(server.serve(WebSocketTransport::from_listener(listener))?)
}

/// Whether a device is one that was [connected](connect).
pub(crate) fn is_remote(device: &Device) -> bool {
    let connected = CONNECTED.lock().unwrap_or_else(PoisonError::into_inner);
    connected.contains(device)
}

/// Does something on a device of another machine. burn panics where that goes away; the panic is not
/// printed but returned, in its own words.
pub(crate) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let printing = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(printing);
    result.map_err(|panic| words(&*panic))
}

/// What became of the device at an address, whose last words were these.
pub(crate) fn loss(address: &str, said: &str) -> String {
    let host = address.trim_start_matches("ws://");
    let answers = |address| TcpStream::connect_timeout(&address, ANSWER).is_ok();
    let mut addresses = host.to_socket_addrs().into_iter().flatten();
    match addresses.any(answers) {
        true => format!("the device at `{address}` failed: {said}"),
        false => format!("the connection to `{address}` was lost, and nobody answers there"),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied());
    let first = text.and_then(|text| text.lines().next());
    first.unwrap_or("it does not answer").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_refused() {
        for address in [
            "gpu",
            "gpu:3000",
            "ws://gpu",
            "ws://gpu:port",
            "wss://gpu:1",
        ] {
            let message = connect(address).unwrap_err().to_string();
            let expected =
                format!("`{address}` is no address of a server; accepted: `ws://HOST:PORT`");
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn a_server_that_is_there_has_failed_and_another_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("ws://{}", listener.local_addr().unwrap());
        let failed = format!("the device at `{address}` failed: no memory");
        assert_eq!(loss(&address, "no memory"), failed);
        drop(listener);
        let gone = format!("the connection to `{address}` was lost, and nobody answers there");
        assert_eq!(loss(&address, "no memory"), gone);
    }

    #[test]
    fn a_panic_becomes_words() {
        assert_eq!(guard(|| 3), Ok(3));
        let panicked = guard(|| panic!("gone: {}\nand more", 7));
        assert_eq!(panicked, Err::<(), _>("gone: 7".to_owned()));
    }
}
