//! Logging in: every method that the machine takes and there is something for, until one is enough.

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};

use super::host_key::Checker;
use super::{Agent, Login, Server};

/// Logs in.
///
/// # Errors
/// Which methods were tried, or what ended the connection.
pub(super) async fn authenticate(handle: &mut Handle<Checker>, server: &Server, agent: Option<&Agent>) -> Result<(), String> {
    let mut attempt = Attempt { handle, user: &server.user, left: MethodSet::client_supported(), tried: Vec::new() };
    match attempt.run(server, agent).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            let tried = attempt.tried.join(" ");
            Err(format!("ssh: unable to authenticate, attempted methods [{tried}], no supported methods remain"))
        }
        Err(e) => Err(e.to_string()),
    }
}

/// A login under way.
struct Attempt<'a> {
    handle: &'a mut Handle<Checker>,
    user: &'a str,
    /// What the machine still takes.
    left: MethodSet,
    tried: Vec<&'static str>,
}

impl Attempt<'_> {
    async fn run(&mut self, server: &Server, agent: Option<&Agent>) -> Result<bool, russh::Error> {
        // Some machines need nothing, and all say what they need.
        self.tried.push("none");
        let result = self.handle.authenticate_none(self.user).await?;
        if self.note(result) {
            return Ok(true);
        }
        if let Some(login) = &server.key
            && self.begin(MethodKind::PublicKey)
            && self.private_key(login).await?
        {
            return Ok(true);
        }
        if let Some(agent) = agent
            && self.begin(MethodKind::PublicKey)
            && self.agent(agent).await?
        {
            return Ok(true);
        }
        let Some(password) = &server.password else { return Ok(false) };
        if self.begin(MethodKind::Password) {
            let result = self.handle.authenticate_password(self.user, password).await?;
            if self.note(result) {
                return Ok(true);
            }
        }
        Ok(self.begin(MethodKind::KeyboardInteractive) && self.answer(password).await?)
    }

    /// Whether the machine takes a method.
    fn begin(&mut self, method: MethodKind) -> bool {
        let takes = self.left.contains(&method);
        let name = <&str>::from(&method);
        if takes && !self.tried.contains(&name) {
            self.tried.push(name);
        }
        takes
    }

    /// Notes what a method came to: true when nothing more is needed.
    fn note(&mut self, result: AuthResult) -> bool {
        match result {
            AuthResult::Success => true,
            AuthResult::Failure { remaining_methods, .. } => {
                self.left = remaining_methods;
                false
            }
        }
    }

    async fn private_key(&mut self, login: &Login) -> Result<bool, russh::Error> {
        if let Some(certificate) = &login.certificate {
            let result = self.handle.authenticate_openssh_cert(self.user, login.key.clone(), certificate.clone()).await?;
            return Ok(self.note(result));
        }
        for hash in self.hashes(login.key.algorithm()).await? {
            let key = PrivateKeyWithHashAlg::new(login.key.clone(), hash);
            let result = self.handle.authenticate_publickey(self.user, key).await?;
            if self.note(result) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn agent(&mut self, agent: &Agent) -> Result<bool, russh::Error> {
        // That there is one was checked before the first attempt.
        let Ok((mut client, identities)) = agent.open().await else { return Ok(false) };
        for identity in identities {
            if !self.left.contains(&MethodKind::PublicKey) {
                break;
            }
            let key: PublicKey = identity.public_key().into_owned();
            for hash in self.hashes(key.algorithm()).await? {
                let result = match &identity {
                    AgentIdentity::PublicKey { key, .. } => {
                        self.handle.authenticate_publickey_with(self.user, key.clone(), hash, &mut client).await
                    }
                    AgentIdentity::Certificate { certificate, .. } => {
                        self.handle.authenticate_certificate_with(self.user, certificate.clone(), hash, &mut client).await
                    }
                };
                // An agent that will not sign with a key may do so with the next.
                let Ok(result) = result else { continue };
                if self.note(result) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The hashes to sign with: a matter of RSA alone. Machines of before 2018 do not say which they take.
    async fn hashes(&mut self, key: Algorithm) -> Result<Vec<Option<HashAlg>>, russh::Error> {
        if !key.is_rsa() {
            return Ok(vec![None]);
        }
        Ok(match self.handle.best_supported_rsa_hash().await? {
            Some(best) => vec![best],
            None => vec![Some(HashAlg::Sha256), None],
        })
    }

    async fn answer(&mut self, password: &str) -> Result<bool, russh::Error> {
        let mut said = self.handle.authenticate_keyboard_interactive_start(self.user, None).await?;
        loop {
            match said {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    let answers = prompts.iter().map(|_| password.to_string()).collect();
                    said = self.handle.authenticate_keyboard_interactive_respond(answers).await?;
                }
            }
        }
    }
}
