//! `connection` blocks: what they say, their defaults, and the way to a machine that they describe.

use std::path::PathBuf;
use std::time::Duration;

use secstack_base::{Marks, Value};
use secstack_plan::provisioner::refused_type;

use super::{Output, Provision, text};
use crate::duration::parse_duration;
use crate::ssh::{Agent, HostKey, Proxy, Route, Scheme, Server, Session, login};

/// A connection that provisioners use.
pub(super) struct Connection {
    pub route: Route,
    /// How long a machine is waited for.
    pub timeout: Duration,
    /// Where scripts go.
    pub script_path: String,
    /// Whether the machine runs Windows.
    pub windows: bool,
    /// What is not as the block says.
    remark: Option<String>,
}

const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The pauses between attempts begin with one second and double up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// An attempt that takes longer got stuck; the next one may not.
const ATTEMPT: Duration = Duration::from_secs(60);

impl Connection {
    /// Reads the connection of a provisioner.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub(super) fn of(p: &Provision) -> Result<Self, String> {
        let given = p.connection.as_ref().ok_or("Missing connection configuration for provisioner.")?.unmark_deep(Marks::ALL);
        let given = &given;
        // An empty argument is none.
        let get = |name: &str| text(given, name).filter(|t| !t.is_empty());
        if let Some(why) = get("type").and_then(|ty| refused_type(&ty)) {
            return Err(why);
        }
        let windows = match get("target_platform").as_deref() {
            None | Some("unix") => false,
            Some("windows") => true,
            Some(_) => return Err("target_platform for provisioner has to be either unix or windows".into()),
        };
        let default_path = if windows { "C:/windows/temp/terraform_%RAND%.cmd" } else { "/tmp/terraform_%RAND%.sh" };
        let (timeout, remark) = match get("timeout").map(|t| (parse_duration(&t), t)) {
            None => (TIMEOUT, None),
            Some((Some(timeout), _)) => (timeout, None),
            Some((None, t)) => {
                (TIMEOUT, Some(format!("The timeout {t:?} is no duration such as \"90s\" or \"5m\": waiting for 5 minutes.")))
            }
        };
        Ok(Self { route: route(given)?, timeout, script_path: get("script_path").unwrap_or_else(|| default_path.into()), windows, remark })
    }

    /// Reaches the machine, however often that has to be tried. `output` is told of each attempt.
    ///
    /// # Errors
    /// How the last attempt ended.
    pub(super) async fn open(&self, output: Option<&Output<'_>>) -> Result<Session, String> {
        if let Some(agent) = &self.route.agent {
            agent.check().await?;
        }
        let mut last = String::from("<nil>");
        match tokio::time::timeout(self.timeout, self.attempts(output, &mut last)).await {
            Ok(session) => Ok(session),
            Err(_) => Err(format!("timeout - last error: {last}")),
        }
    }

    async fn attempts(&self, output: Option<&Output<'_>>, last: &mut String) -> Session {
        if let (Some(remark), Some(output)) = (&self.remark, output) {
            output.line(remark);
        }
        let mut pause = Duration::from_secs(1);
        loop {
            if let Some(output) = output {
                self.describe().iter().for_each(|line| output.line(line));
            }
            match tokio::time::timeout(ATTEMPT, Session::open(&self.route)).await {
                Ok(Ok(session)) => {
                    if let Some(output) = output {
                        output.line("Connected!");
                    }
                    return session;
                }
                Ok(Err(e)) => *last = e,
                Err(_) => *last = format!("{} does not answer", self.route.target.address()),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What is tried, in Terraform's words.
    fn describe(&self) -> Vec<String> {
        let mut lines = vec!["Connecting to remote host via SSH...".to_string()];
        self.describe_server(&self.route.target, &mut lines);
        lines.push(format!("  Target Platform: {}", if self.windows { "windows" } else { "unix" }));
        if let Some(bastion) = &self.route.bastion {
            lines.push("Using configured bastion host...".into());
            self.describe_server(bastion, &mut lines);
        }
        if let Some(proxy) = &self.route.proxy {
            lines.push("Using configured proxy host...".into());
            lines.push(format!("  ProxyHost: {}", proxy.host));
            lines.push(format!("  ProxyPort: {}", proxy.port));
            lines.push(format!("  ProxyUserName: {}", proxy.user.as_deref().unwrap_or_default()));
            lines.push(format!("  ProxyUserPassword: {}", proxy.password.is_some()));
        }
        lines
    }

    fn describe_server(&self, server: &Server, lines: &mut Vec<String>) {
        let host = if server.host.contains(':') { format!("[{}]", server.host) } else { server.host.clone() };
        lines.push(format!("  Host: {host}"));
        lines.push(format!("  User: {}", server.user));
        lines.push(format!("  Password: {}", server.password.is_some()));
        lines.push(format!("  Private key: {}", server.key.is_some()));
        lines.push(format!("  Certificate: {}", server.key.as_ref().is_some_and(|k| k.has_certificate())));
        lines.push(format!("  SSH Agent: {}", self.route.agent.is_some()));
        lines.push(format!("  Checking Host Key: {}", server.host_key.is_some()));
    }
}

fn route(given: &Value) -> Result<Route, String> {
    let get = |name: &str| text(given, name).filter(|t| !t.is_empty());
    let agent = agent(given.get("agent").and_then(Value::as_bool), get("agent_identity"))?;
    let host = get("host").ok_or("host for provisioner cannot be empty")?;
    let port = port(given, "port")?.unwrap_or(22);
    let user = get("user").unwrap_or_else(|| "root".into());
    let (password, key, certificate) = (get("password"), get("private_key"), get("certificate"));
    let make = |key: Option<&String>, certificate: Option<&String>| key.map(|k| login(k, certificate.map(String::as_str))).transpose();
    let host_key = |name: &str| get(name).map(|k| HostKey::parse(&k)).transpose();
    let target = Server {
        host: bare(&host),
        port,
        user,
        password: password.clone(),
        key: make(key.as_ref(), certificate.as_ref())?,
        host_key: host_key("host_key")?,
    };
    // What a bastion is not given it has in common with the machine behind it, but for the key that it shows.
    let bastion = match get("bastion_host") {
        None => None,
        Some(host) => Some(Server {
            host: bare(&host),
            port: self::port(given, "bastion_port")?.unwrap_or(target.port),
            user: get("bastion_user").unwrap_or_else(|| target.user.clone()),
            password: get("bastion_password").or(password),
            key: make(get("bastion_private_key").or(key).as_ref(), get("bastion_certificate").or(certificate).as_ref())?,
            host_key: host_key("bastion_host_key")?,
        }),
    };
    Ok(Route { target, bastion, proxy: proxy(given)?, agent })
}

/// The agent: asked for, or there although nobody said that it should not be used.
fn agent(asked: Option<bool>, identity: Option<String>) -> Result<Option<Agent>, String> {
    let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|s| !s.is_empty()).map(PathBuf::from);
    match (asked, socket) {
        (Some(false), _) | (None, None) => Ok(None),
        (Some(true), None) => Err("SSH agent requested but SSH_AUTH_SOCK not-specified".into()),
        (_, Some(socket)) => Ok(Some(Agent { socket, identity })),
    }
}

fn proxy(given: &Value) -> Result<Option<Proxy>, String> {
    let get = |name: &str| text(given, name).filter(|t| !t.is_empty());
    let Some(host) = get("proxy_host") else { return Ok(None) };
    let scheme = match get("proxy_scheme").as_deref() {
        None | Some("http") => Scheme::Http,
        Some("socks5" | "socks5h") => Scheme::Socks5,
        Some("https") => {
            return Err("proxy: proxy_scheme \"https\" is not supported: name the port on which the proxy speaks http or socks5.".into());
        }
        Some(other) => return Err(format!("proxy: unknown scheme: {other}")),
    };
    let port = port(given, "proxy_port")?.ok_or("The argument proxy_port is required with proxy_host.")?;
    Ok(Some(Proxy { scheme, host: bare(&host), port, user: get("proxy_user_name"), password: get("proxy_user_password") }))
}

/// A port. Nothing when it is null or zero.
fn port(given: &Value, name: &str) -> Result<Option<u16>, String> {
    match text(given, name).as_deref() {
        None | Some("0") => Ok(None),
        Some(number) => {
            number.parse().map(Some).map_err(|_| format!("The argument {name} must be a port between 1 and 65535, not {number}."))
        }
    }
}

/// An address without the brackets of a URL.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').into()
}
