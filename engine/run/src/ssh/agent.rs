//! The agent that keeps keys for the user: the socket named by `SSH_AUTH_SOCK`.

use std::path::{Path, PathBuf};

use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{PublicKey, decode_secret_key};

/// An agent, and which of its keys comes first.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its socket.
    pub socket: PathBuf,
    /// A file with the key, or the comment that the agent has with it.
    pub identity: Option<String>,
}

/// A connection to an agent.
#[cfg(unix)]
pub(super) type Client = AgentClient<tokio::net::UnixStream>;
/// A connection to an agent.
#[cfg(windows)]
pub(super) type Client = AgentClient<tokio::net::windows::named_pipe::NamedPipeClient>;

impl Agent {
    /// Connects, and asks for the keys: the preferred one first.
    ///
    /// # Errors
    /// A sentence.
    pub(super) async fn open(&self) -> Result<(Client, Vec<AgentIdentity>), String> {
        let what = |e: russh::keys::Error| format!("Error connecting to SSH_AUTH_SOCK: {e}");
        #[cfg(unix)]
        let client = AgentClient::connect_uds(&self.socket).await;
        #[cfg(windows)]
        let client = AgentClient::connect_named_pipe(&self.socket).await;
        let mut client = client.map_err(what)?;
        let mut found = client.request_identities().await.map_err(what)?;
        if let Some(wanted) = &self.identity {
            let file = public_key_of(Path::new(wanted));
            let is_wanted = |i: &AgentIdentity| match &file {
                Some(key) => i.public_key().key_data() == key.key_data(),
                None => i.comment() == wanted,
            };
            found.sort_by_key(|i| !is_wanted(i));
        }
        Ok((client, found))
    }

    /// Whether there is an agent there.
    ///
    /// # Errors
    /// A sentence.
    pub async fn check(&self) -> Result<(), String> {
        self.open().await.map(drop)
    }
}

/// The public key in a file, or beside it, or of the private key in it.
fn public_key_of(path: &Path) -> Option<PublicKey> {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let beside = PathBuf::from(format!("{}.pub", path.display()));
    let own = read(path);
    let of_text = |text: &String| PublicKey::from_openssh(text.trim()).ok();
    own.as_ref()
        .and_then(of_text)
        .or_else(|| own.as_ref().and_then(|text| Some(decode_secret_key(text, None).ok()?.public_key().clone())))
        .or_else(|| read(&beside).as_ref().and_then(of_text))
}
