//! What encrypts what: the `encryption` block with `TF_ENCRYPTION` on top of it, its arguments evaluated.
//!
//! Arguments may use what is known before anything is planned, as those of a backend do. That they hold secrets is
//! known here, so that sensitive and ephemeral variables are welcome.

mod keys;
#[cfg(feature = "aws")]
mod kms;

use std::collections::BTreeMap;
use std::sync::Arc;

use secstack_base::{Diagnostic, Diags, Str};
use secstack_eval::config::{Config, ROOT};
use secstack_lang::Encryption;
use secstack_lang::encryption::{Reference, Target};
use secstack_run::load::{Early, Loaded};
use secstack_state::crypt::{self, Kind, Method};
use secstack_state::{Cipher, Snapshot};

use crate::vars::Collected;

/// The variable that holds a block to go on top of the one of the configuration.
pub const ENVIRONMENT: &str = "TF_ENCRYPTION";

/// What encrypts each kind of thing.
#[derive(Clone, Debug, Default)]
pub struct Ciphers {
    /// The state, its backup and its journal.
    pub state: Cipher,
    /// Saved plans.
    pub plan: Cipher,
    /// States that `terraform_remote_state` reads.
    pub remote: RemoteCiphers,
}

/// What decrypts the states that `terraform_remote_state` reads.
#[derive(Clone, Debug, Default)]
pub struct RemoteCiphers {
    default: Cipher,
    named: BTreeMap<Str, Cipher>,
}

impl Ciphers {
    /// Reads a copy of a state that a user hands in, whether or not it is encrypted.
    ///
    /// # Errors
    /// When it is no state, or is encrypted and cannot be opened.
    pub fn read_copy(&self, bytes: &[u8], name: &str) -> secstack_state::Result<Option<Snapshot>> {
        match crypt::encrypted(bytes) {
            Some(_) => secstack_state::file::read(&self.state.open(Kind::State, bytes, name)?, name),
            None => secstack_state::file::read(bytes, name),
        }
    }
}

impl RemoteCiphers {
    /// What decrypts the state that a data source reads, by the name that the block calls it: `name`, `module.name[0]`.
    pub fn of(&self, name: &str) -> Cipher {
        self.named.get(name).unwrap_or(&self.default).clone()
    }
}

/// The blocks of a configuration and of the environment as one.
fn merged(config: &Config, environment: Option<&Encryption>) -> Option<Encryption> {
    let block = config.modules.get(ROOT.0).and_then(|m| m.module.encryption.clone());
    match (block, environment.cloned()) {
        (Some(block), Some(over)) => Some(block.merge(over)),
        (block, over) => block.or(over),
    }
}

/// What is wrong with a configuration, where that may hide that it asks for encryption.
///
/// A command that only needs the state overlooks mistakes; but it must not write in the clear what an unreadable file
/// wants encrypted.
pub fn mistakes(loaded: &Loaded, collected: &Collected) -> Diags {
    let sources = &loaded.config.sources;
    let concerned = sources.iter().any(|(_, s)| s.path.as_os_str() == ENVIRONMENT || s.text.contains("encryption"));
    let found = loaded.diags.iter().chain(collected.diags.iter()).filter(|d| d.is_error() && concerned);
    Diags(found.cloned().collect())
}

/// Warns of a way around encryption, which is meant for migrations.
pub fn warning(config: &Config, collected: &Collected) -> Option<Diagnostic> {
    let block = merged(config, collected.encryption.as_ref())?;
    let found = block.methods.iter().find(|m| &*m.ty == "unencrypted")?;
    let what = "The method unencrypted is there for migrations. As long as it is, states and plans may be stored for everyone to read.";
    Some(Diagnostic::warning("Unencrypted method configured", what).at(found.span))
}

/// What encrypts what: as the configuration and the environment say.
pub fn ciphers(config: &Config, collected: &Collected, early: &Early<'_>, diags: &mut Diags) -> Ciphers {
    let Some(block) = merged(config, collected.encryption.as_ref()) else { return Ciphers::default() };
    let mut resolver = keys::Keys::new(&block, config, early, diags);
    let mut methods = |target: Option<&Target>| target.map(|t| target_methods(t, &block, &mut resolver));
    let (state, plan) = (methods(block.state.as_ref()), methods(block.plan.as_ref()));
    let default = methods(block.remote_default.as_ref());
    let named: Vec<(Str, Option<Vec<Method>>)> = block.remotes.iter().map(|(n, t)| (n.clone(), methods(Some(t)))).collect();
    let ring = Arc::new(resolver.finish());
    // Only where there is no target, things stay as they are.
    let cipher = |methods: Option<Vec<Method>>| methods.map_or_else(Cipher::default, |m| Cipher::new(ring.clone(), m));
    Ciphers {
        state: cipher(state),
        plan: cipher(plan),
        remote: RemoteCiphers { default: cipher(default), named: named.into_iter().map(|(n, m)| (n, cipher(m))).collect() },
    }
}

/// The method of a target and those of its fallbacks.
fn target_methods(target: &Target, block: &Encryption, keys: &mut keys::Keys<'_, '_>) -> Vec<Method> {
    let (mut found, mut next) = (Vec::new(), Some(target));
    while let Some(t) = next {
        match &t.method {
            Some(reference) => found.extend(method(reference, block, target.enforced, keys)),
            None => {
                let what = "The argument \"method\" is required, and neither the configuration nor TF_ENCRYPTION gives it.";
                keys.diags.push(Diagnostic::error("Missing encryption method", what).at(t.span));
            }
        }
        next = t.fallback.as_deref();
    }
    found
}

fn method(reference: &Reference, block: &Encryption, enforced: bool, keys: &mut keys::Keys<'_, '_>) -> Option<Method> {
    let Some(part) = block.methods.iter().find(|m| m.ty == reference.ty && m.name == reference.name) else {
        let what = format!("There is no method {:?} {:?} in the encryption block.", reference.ty, reference.name);
        keys.diags.push(Diagnostic::error("Reference to undeclared encryption method", what).at(reference.span));
        return None;
    };
    if &*part.ty == "unencrypted" {
        if enforced {
            let what = "The target says enforced = true, so that nothing of it may be unencrypted, not even in a fallback.";
            keys.diags.push(Diagnostic::error("Unencrypted method is forbidden", what).at(reference.span));
            return None;
        }
        return Some(Method::Unencrypted);
    }
    let Some(argument) = part.get("keys") else {
        let what = format!("The argument \"keys\" of the method {:?} {:?} is required.", part.ty, part.name);
        keys.diags.push(Diagnostic::error("Missing required argument", what).at(part.span));
        return None;
    };
    let aad = match part.get("aad") {
        Some(a) => keys.bytes(a)?,
        None => Vec::new(),
    };
    let key = keys.named(&argument.expr)?;
    if ![16, 24, 32].contains(&key.length) {
        let what = format!("AES-GCM takes keys of 16, 24 or 32 bytes, and those of this key provider have {}.", key.length);
        keys.diags.push(Diagnostic::error("Invalid method configuration", what).at(argument.expr.span));
        return None;
    }
    Some(Method::AesGcm { keys: key.id, aad })
}
