//! A machine in memory that takes SSH sessions: files, a few commands, and a way to machines behind it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey, key::safe_rng};
use russh::server::{self, Auth, ChannelOpenHandle, Msg, Response, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a machine takes as proof.
#[derive(Clone)]
pub enum Takes {
    Key(PublicKey),
    /// A certificate of this authority.
    Authority(PublicKey),
    Password(&'static str),
    Answer(&'static str),
}

/// What is on a machine, and what happened there.
#[derive(Default)]
pub struct Disk {
    /// Content and mode by path. Directories have none.
    pub files: BTreeMap<String, (String, String)>,
    /// Scripts that ran, as they were then.
    pub ran: Vec<(String, String)>,
    /// Sessions that are open.
    pub open: usize,
}

#[derive(Clone)]
pub struct Machine {
    pub port: u16,
    pub key: PublicKey,
    pub disk: Arc<Mutex<Disk>>,
}

impl Machine {
    /// A machine that is up.
    pub async fn up(takes: Takes) -> Self {
        Self::up_after(Duration::ZERO, takes).await
    }

    /// A machine whose port is open after a while.
    pub async fn up_after(pause: Duration, takes: Takes) -> Self {
        let host = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let machine = Self { port: first.local_addr().unwrap().port(), key: host.public_key().clone(), disk: Arc::default() };
        let method = match &takes {
            Takes::Key(_) | Takes::Authority(_) => MethodKind::PublicKey,
            Takes::Password(_) => MethodKind::Password,
            Takes::Answer(_) => MethodKind::KeyboardInteractive,
        };
        let config = server::Config {
            keys: vec![host],
            methods: MethodSet::from(&[method][..]),
            auth_rejection_time: Duration::from_millis(10),
            ..server::Config::default()
        };
        let (config, disk, port) = (Arc::new(config), machine.disk.clone(), machine.port);
        let listener = if pause.is_zero() { Some(first) } else { None };
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let listener = match listener {
                Some(listener) => listener,
                None => TcpListener::bind(("127.0.0.1", port)).await.unwrap(),
            };
            while let Ok((socket, _)) = listener.accept().await {
                let guest = Guest { takes: takes.clone(), disk: disk.clone(), channels: HashMap::new() };
                let (config, disk) = (config.clone(), disk.clone());
                tokio::spawn(async move {
                    disk.lock().unwrap().open += 1;
                    if let Ok(running) = server::run_stream(config, socket, guest).await {
                        let _ = running.await;
                    }
                    disk.lock().unwrap().open -= 1;
                });
            }
        });
        machine
    }

    pub fn file(&self, path: &str) -> Option<String> {
        self.disk.lock().unwrap().files.get(path).map(|(text, _)| text.clone())
    }
}

struct Guest {
    takes: Takes,
    disk: Arc<Mutex<Disk>>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

fn answer(right: bool) -> Result<Auth, russh::Error> {
    Ok(if right { Auth::Accept } else { Auth::reject() })
}

impl server::Handler for Guest {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        answer(matches!(self.takes, Takes::Password(p) if p == password))
    }

    async fn auth_publickey(&mut self, _: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        answer(matches!(&self.takes, Takes::Key(k) if k.key_data() == key.public_key.key_data()))
    }

    async fn auth_openssh_certificate(&mut self, user: &str, shown: &Certificate) -> Result<Auth, Self::Error> {
        let named = shown.valid_principals().iter().any(|p| p == user);
        answer(matches!(&self.takes, Takes::Authority(k) if k.key_data() == shown.signature_key() && named))
    }

    async fn auth_keyboard_interactive<'a>(&'a mut self, _: &str, _: &str, said: Option<Response<'a>>) -> Result<Auth, Self::Error> {
        let Some(mut said) = said else {
            let prompts = Cow::Owned(vec![("Word: ".into(), false)]);
            return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts });
        };
        let word = said.next();
        answer(matches!(self.takes, Takes::Answer(p) if word.as_deref() == Some(p.as_bytes())))
    }

    async fn channel_open_session(&mut self, channel: Channel<Msg>, reply: ChannelOpenHandle, _: &mut Session) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let mut there = TcpStream::connect((host, u16::try_from(port).unwrap())).await?;
        reply.accept().await;
        tokio::spawn(async move {
            let _ = tokio::io::copy_bidirectional(&mut channel.into_stream(), &mut there).await;
        });
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, command: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        let command = String::from_utf8_lossy(command).into_owned();
        let (disk, handle, channel) = (self.disk.clone(), session.handle(), self.channels.remove(&id).unwrap());
        session.channel_success(id)?;
        tokio::spawn(async move {
            let mut stream = channel.into_stream();
            let code = match command.split_once(' ') {
                Some(("scp", rest)) => take_files(rest, &disk, &mut stream).await,
                Some(("rm", rest)) => disk.lock().unwrap().files.remove(rest.trim_start_matches("-f ")).map_or(1, |_| 0),
                Some(("chmod", _)) => 0,
                _ => script(&command, &disk, &mut stream).await,
            };
            let _ = handle.exit_status_request(id, code).await;
            let _ = stream.shutdown().await;
            let _ = handle.close(id).await;
        });
        Ok(())
    }
}

/// Runs a script of a language with four words.
async fn script(path: &str, disk: &Mutex<Disk>, stream: &mut (impl AsyncWriteExt + Unpin)) -> u32 {
    let Some((text, mode)) = disk.lock().unwrap().files.get(path).cloned() else { return 127 };
    disk.lock().unwrap().ran.push((text.clone(), mode));
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("echo", words)) => stream.write_all(format!("{words}\r\n").as_bytes()).await.unwrap(),
            Some(("exit", code)) => return code.parse().unwrap(),
            Some(("sleep", _)) => tokio::time::sleep(Duration::from_secs(3600)).await,
            _ => {}
        }
    }
    0
}

/// The other half of the SCP protocol.
async fn take_files<S>(arguments: &str, disk: &Mutex<Disk>, stream: &mut S) -> u32
where
    S: tokio::io::AsyncRead + AsyncWriteExt + Unpin,
{
    let (_, target) = arguments.split_once(' ').unwrap();
    let mut stream = BufReader::new(stream);
    let mut directory = vec![target.to_string()];
    if target.contains("missing") {
        stream.write_all(format!("\x01scp: {target}: No such file or directory\n").as_bytes()).await.unwrap();
        return 1;
    }
    stream.write_all(&[0]).await.unwrap();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 {
            return 0;
        }
        let words: Vec<&str> = line.trim_end().splitn(3, ' ').collect();
        match (&words[0][..1], &words[..]) {
            ("E", _) => drop(directory.pop()),
            ("D", [_, _, name]) => directory.push(format!("{}/{name}", directory.last().unwrap())),
            ("C", [mode, size, name]) => {
                let path = format!("{}/{name}", directory.last().unwrap());
                let mut bytes = vec![0; size.parse().unwrap()];
                let mode = mode[1..].to_string();
                stream.write_all(&[0]).await.unwrap();
                stream.read_exact(&mut bytes).await.unwrap();
                assert_eq!(stream.read_u8().await.unwrap(), 0);
                disk.lock().unwrap().files.insert(path, (String::from_utf8(bytes).unwrap(), mode));
            }
            _ => return 2,
        }
        stream.write_all(&[0]).await.unwrap();
    }
}
