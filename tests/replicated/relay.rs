//! A TCP relay between the collector and the server: it holds bytes back, or cuts connections.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Listens on a free port of this machine. Its threads end with the test process.
pub struct Relay {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    is_held: bool,
    /// Both ends of every connection since the last cut.
    streams: Vec<TcpStream>,
}

impl Relay {
    pub fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared::default());
        let relay = Self {
            address,
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // If the server refuses the connection, the client sees its connection end.
                if let Ok(server) = TcpStream::connect(server) {
                    shared
                        .join(&client, &server)
                        .expect("streams can be shared");
                }
            }
        });
        relay
    }

    /// Forwards nothing until [`release`](Self::release). Connections stay open.
    pub fn hold(&self) {
        self.shared.lock().is_held = true;
    }

    pub fn release(&self) {
        self.shared.lock().is_held = false;
        self.shared.released.notify_all();
    }

    /// Breaks every open connection, with whatever is in flight.
    pub fn cut(&self) {
        for stream in self.shared.lock().streams.drain(..) {
            // A stream that is closed already needs no shutdown.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(self: &Arc<Self>, client: &TcpStream, server: &TcpStream) -> std::io::Result<()> {
        let ends = [client.try_clone()?, server.try_clone()?];
        self.lock().streams.extend(ends);
        for (from, to) in [(client, server), (server, client)] {
            let (from, to) = (from.try_clone()?, to.try_clone()?);
            let shared = Arc::clone(self);
            thread::spawn(move || shared.forward(from, to));
        }
        Ok(())
    }

    fn forward(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let wait = |state: &mut State| state.is_held;
            drop(self.released.wait_while(self.lock(), wait));
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        // The other end may be closed already.
        let _ = to.shutdown(Shutdown::Write);
    }
}
