//! Proxies between this machine and the first one: HTTP (RFC 9110, CONNECT) and SOCKS 5 (RFC 1928, RFC 1929).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::dial;

/// A proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who to be.
    pub user: Option<String>,
    /// The password of the user.
    pub password: Option<String>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// CONNECT of HTTP.
    Http,
    /// SOCKS 5.
    Socks5,
}

/// The longest head of an answer that is read.
const HEAD: usize = 16 * 1024;

impl Proxy {
    /// Connects to a machine through the proxy.
    pub(super) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let mut stream = dial(&self.host, self.port).await?;
        let done = match self.scheme {
            Scheme::Http => self.http(&mut stream, host, port).await,
            Scheme::Socks5 => self.socks(&mut stream, host, port).await,
        };
        done.map_err(|e| format!("proxy {}:{}: {e}", self.host, self.port))?;
        Ok(stream)
    }

    async fn http(&self, stream: &mut TcpStream, host: &str, port: u16) -> Result<(), String> {
        let name = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let mut request = format!("CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n");
        if let Some(user) = &self.user {
            let secret = STANDARD.encode(format!("{user}:{}", self.password.as_deref().unwrap_or_default()));
            request.push_str(&format!("Proxy-Authorization: Basic {secret}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|e| e.to_string())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            // What follows the head belongs to the machine behind.
            head.push(stream.read_u8().await.map_err(|e| e.to_string())?);
            if head.len() > HEAD {
                return Err("the answer is too long".into());
            }
        }
        let head = String::from_utf8_lossy(&head);
        let status = head.lines().next().unwrap_or_default();
        match status.split_whitespace().nth(1) {
            Some(code) if code.len() == 3 && code.starts_with('2') => Ok(()),
            _ => Err(format!("Connect Error: bad status: {status}")),
        }
    }

    async fn socks(&self, stream: &mut TcpStream, host: &str, port: u16) -> Result<(), String> {
        let io = |e: std::io::Error| e.to_string();
        const NOTHING: u8 = 0;
        const PASSWORD: u8 = 2;
        let offered: &[u8] = if self.user.is_some() { &[NOTHING, PASSWORD] } else { &[NOTHING] };
        let mut hello = vec![5, u8::try_from(offered.len()).unwrap_or(1)];
        hello.extend(offered);
        stream.write_all(&hello).await.map_err(io)?;
        let mut chosen = [0; 2];
        stream.read_exact(&mut chosen).await.map_err(io)?;
        match chosen {
            [5, NOTHING] => {}
            [5, PASSWORD] => {
                let mut login = vec![1];
                for part in [&self.user, &self.password] {
                    login.extend(counted(part.as_deref().unwrap_or_default())?);
                }
                stream.write_all(&login).await.map_err(io)?;
                let mut answer = [0; 2];
                stream.read_exact(&mut answer).await.map_err(io)?;
                if answer[1] != 0 {
                    return Err("socks: username/password authentication failed".into());
                }
            }
            [5, _] => return Err("socks: no acceptable authentication methods".into()),
            _ => return Err("socks: not a SOCKS 5 proxy".into()),
        }
        let mut request = vec![5, 1, 0];
        match host.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(ip)) => request.extend([1].iter().chain(&ip.octets())),
            Ok(std::net::IpAddr::V6(ip)) => request.extend([4].iter().chain(&ip.octets())),
            Err(_) => {
                request.push(3);
                request.extend(counted(host)?);
            }
        }
        request.extend(port.to_be_bytes());
        stream.write_all(&request).await.map_err(io)?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.map_err(io)?;
        if answer[1] != 0 {
            return Err(format!("socks: the proxy refuses to connect to {host}:{port} (code {})", answer[1]));
        }
        let rest = match answer[3] {
            1 => 4,
            4 => 16,
            _ => usize::from(stream.read_u8().await.map_err(io)?),
        };
        // The address the proxy connects from, and the port.
        let mut skipped = vec![0; rest + 2];
        stream.read_exact(&mut skipped).await.map_err(io)?;
        Ok(())
    }
}

/// A text after its length.
fn counted(text: &str) -> Result<Vec<u8>, String> {
    let length = u8::try_from(text.len()).map_err(|_| format!("socks: a text of {} bytes is too long", text.len()))?;
    Ok([&[length], text.as_bytes()].concat())
}
