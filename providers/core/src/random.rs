//! `hashicorp/random`: random values that stay as they are in the state.

mod bytes;
mod pet;
mod pick;
mod seeded;
mod text;

use secstack_base::schema::Attribute;
use secstack_base::{ProviderAddr, Type};
use secstack_sdk::{Error, Result};

use crate::framework::map_forces_new;
use crate::kind::{Native, Parts, fail};
use crate::schema::{Describe, optional};

/// The provider.
pub(crate) fn provider() -> Native {
    let parts = Parts {
        versions: vec!["3.7.2", "3.7.1", "3.7.0"],
        resources: vec![
            Box::new(bytes::RandomBytes),
            Box::new(bytes::RandomId),
            Box::new(bytes::RandomUuid),
            Box::new(pet::RandomPet),
            Box::new(pick::RandomInteger),
            Box::new(pick::RandomShuffle),
            Box::new(text::RandomText::String),
            Box::new(text::RandomText::Password),
        ],
        ephemeral: vec![Box::new(text::EphemeralPassword)],
        ..Parts::default()
    };
    Native::new(ProviderAddr::hashicorp("random"), parts)
}

/// Random bytes, fit for secrets.
///
/// # Errors
/// When the system gives none.
pub(crate) fn random_bytes(n: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; n];
    getrandom::fill(&mut bytes).map_err(no_randomness)?;
    Ok(bytes)
}

/// A random number.
///
/// # Errors
/// When the system gives none.
pub(crate) fn random_u64() -> Result<u64> {
    getrandom::u64().map_err(no_randomness)
}

/// A random number below `n`, which must not be zero: all are equally likely.
fn random_below(n: usize) -> Result<usize> {
    let n = n as u64;
    let most = u64::MAX - u64::MAX % n;
    loop {
        let drawn = random_u64()?;
        if drawn < most {
            return Ok(usize::try_from(drawn % n).unwrap_or(0));
        }
    }
}

fn no_randomness(e: getrandom::Error) -> Error {
    fail("Random Read Error", format!("The system gave no random bytes: {e}"))
}

/// The argument `keepers` of every type.
fn keepers() -> Attribute {
    optional("keepers", Type::map(Type::String), "Values whose change makes a new random value.").forces_new_if(map_forces_new)
}
