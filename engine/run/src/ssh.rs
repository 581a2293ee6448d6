//! Sessions on other machines through SSH: the way there, commands, and files by the SCP protocol.
//!
//! The way may lead through a proxy and through another machine that forwards it (a bastion). Nothing here waits for a
//! machine to come up: trying again is for the caller to do, who knows for how long.

mod agent;
mod auth;
mod host_key;
mod keys;
mod proxy;
mod scp;

use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle};
use russh::{ChannelMsg, Disconnect};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

pub use agent::Agent;
pub use host_key::HostKey;
use host_key::{Checker, Failure};
pub use keys::{Login, login};
pub use proxy::{Proxy, Scheme};
pub use scp::{Content, Destination, Mode, quote};

/// A machine and who to be on it.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name or address, without brackets.
    pub host: String,
    /// The port of its SSH server.
    pub port: u16,
    /// The user.
    pub user: String,
    /// The password, for the methods that ask for one.
    pub password: Option<String>,
    /// The private key, with its certificate where there is one.
    pub key: Option<Login>,
    /// The key the machine must have, or that has signed it.
    pub host_key: Option<HostKey>,
}

impl Server {
    /// Name and port, as in `[::1]:22`.
    pub fn address(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}

/// The way to a machine.
#[derive(Clone, Debug)]
pub struct Route {
    /// The machine.
    pub target: Server,
    /// A machine in between.
    pub bastion: Option<Server>,
    /// A proxy before all machines.
    pub proxy: Option<Proxy>,
    /// The agent that has keys for them.
    pub agent: Option<Agent>,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Exit {
    /// With a code.
    Status(u32),
    /// Stopped by a signal: its name, as in `KILL`.
    Signal(String),
    /// The connection ended before the command did.
    Lost,
}

/// Which of its two streams a command wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A session on a machine. Dropping it ends what runs in it, where that has a terminal.
pub struct Session {
    handle: Handle<Checker>,
    /// Forwards the session.
    _bastion: Option<Handle<Checker>>,
}

/// The most time that one attempt to reach a machine takes.
const DIAL: Duration = Duration::from_secs(15);

impl Session {
    /// Goes the way and logs in.
    ///
    /// # Errors
    /// A sentence on how far it went.
    pub async fn open(route: &Route) -> Result<Self, String> {
        // A machine shows one of its keys and certificates, the first of those it is asked for. So a machine that is a
        // stranger by its key is asked for a certificate.
        let found = match Self::go(route, Proof::Key).await {
            Err(Failed { stranger: true, .. }) => Self::go(route, Proof::Certificate).await,
            found => found,
        };
        found.map_err(|e| e.text)
    }

    async fn go(route: &Route, proof: Proof) -> Result<Self, Failed> {
        let first = route.bastion.as_ref().unwrap_or(&route.target);
        let stream = match &route.proxy {
            Some(proxy) => proxy.connect(&first.host, first.port).await,
            None => dial(&first.host, first.port).await,
        };
        let agent = route.agent.as_ref();
        let Some(bastion) = &route.bastion else {
            let handle = login_to(stream?, &route.target, proof, agent).await.map_err(|e| refused(&route.target, e))?;
            return Ok(Self { handle, _bastion: None });
        };
        let in_between = |e: Failed| e.within("Error connecting to bastion");
        let stream = stream.map_err(|e| in_between(e.into()))?;
        let between = login_to(stream, bastion, proof, agent).await.map_err(in_between)?;
        let (host, port) = (route.target.host.clone(), u32::from(route.target.port));
        let channel = between.channel_open_direct_tcpip(host, port, "127.0.0.1", 0).await.map_err(|e| format!("ssh: rejected: {e}"))?;
        let handle = login_to(channel.into_stream(), &route.target, proof, agent).await.map_err(|e| refused(&route.target, e))?;
        Ok(Self { handle, _bastion: Some(between) })
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Runs a command, which gets a terminal where the machine has them, so that it ends with the session.
    ///
    /// # Errors
    /// A sentence on why it did not start.
    pub async fn execute(&self, command: &str, terminal: bool, mut on_output: impl FnMut(Stream, &[u8])) -> Result<Exit, String> {
        let mut channel = self.handle.channel_open_session().await.map_err(|e| e.to_string())?;
        if terminal {
            // Typed text would be echoed into the output. A machine that refuses runs the command without one.
            channel.request_pty(false, "xterm", 80, 40, 0, 0, &[(russh::Pty::ECHO, 0)]).await.map_err(|e| e.to_string())?;
        }
        channel.exec(true, command).await.map_err(|e| e.to_string())?;
        let mut exit = Exit::Lost;
        while let Some(message) = channel.wait().await {
            match message {
                ChannelMsg::Data { data } => on_output(Stream::Out, &data),
                ChannelMsg::ExtendedData { data, .. } => on_output(Stream::Err, &data),
                ChannelMsg::ExitStatus { exit_status } => exit = Exit::Status(exit_status),
                ChannelMsg::ExitSignal { signal_name, .. } => exit = Exit::Signal(signal(&signal_name)),
                ChannelMsg::Failure => return Err(format!("ssh: command {command:?} failed")),
                _ => {}
            }
        }
        Ok(exit)
    }

    /// Ends the session.
    pub async fn close(self) {
        // The machine may be gone already.
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "en").await;
    }
}

/// What a machine is asked to show, where something is expected of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    Key,
    Certificate,
}

/// Why there is no session.
struct Failed {
    text: String,
    /// Whether the machine has shown another key than expected.
    stranger: bool,
}

impl Failed {
    fn within(self, what: &str) -> Self {
        Self { text: format!("{what}: {}", self.text), ..self }
    }
}

impl From<String> for Failed {
    fn from(text: String) -> Self {
        Self { text, stranger: false }
    }
}

fn refused(server: &Server, failed: Failed) -> Failed {
    failed.within(&format!("SSH authentication failed ({}@{})", server.user, server.address()))
}

fn signal(sig: &russh::Sig) -> String {
    match sig {
        russh::Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}

async fn dial(host: &str, port: u16) -> Result<TcpStream, String> {
    let what = |e: &dyn std::fmt::Display| format!("dial tcp {host}:{port}: {e}");
    let stream = match tokio::time::timeout(DIAL, TcpStream::connect((host, port))).await {
        Err(_) => return Err(what(&"i/o timeout")),
        Ok(Err(e)) if e.kind() == std::io::ErrorKind::ConnectionRefused => return Err(what(&"connect: connection refused")),
        Ok(Err(e)) => return Err(what(&e)),
        Ok(Ok(stream)) => stream,
    };
    // Small packets are all there is to wait for in a login.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Agrees on keys with a machine and logs in.
async fn login_to<S>(stream: S, server: &Server, proof: Proof, agent: Option<&Agent>) -> Result<Handle<Checker>, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut config = client::Config {
        // Two minutes without an answer mean that the machine is gone.
        keepalive_interval: Some(Duration::from_secs(20)),
        keepalive_max: 5,
        nodelay: true,
        ..client::Config::default()
    };
    if let Some(expected) = &server.host_key {
        expected.prefer(proof == Proof::Certificate, &mut config.preferred);
    }
    let checker = Checker { expected: server.host_key.clone(), host: server.host.clone() };
    const HANDSHAKE: &str = "ssh: handshake failed";
    let agreed = client::connect_stream(Arc::new(config), stream, checker).await;
    let strange = |e: Failure| Failed { stranger: matches!(e, Failure::Stranger(_)), text: e.to_string() };
    let mut handle = agreed.map_err(|e| strange(e).within(HANDSHAKE))?;
    auth::authenticate(&mut handle, server, agent).await.map_err(|e| Failed::from(e).within(HANDSHAKE))?;
    Ok(handle)
}
