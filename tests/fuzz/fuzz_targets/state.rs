//! No bytes make the reader of states panic, and what is read comes back as it was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secstack_state::file;

fuzz_target!(|bytes: &[u8]| {
    let Ok(Some(snapshot)) = file::read(bytes, "fuzz") else { return };
    // A state that is unsound is refused when it is written, which is an answer too.
    let Ok(written) = file::write(&snapshot) else { return };
    let again = file::read(written.as_bytes(), "fuzz").expect("what was written is read").expect("it is not empty");
    assert_eq!(file::write(&again).expect("it is written again"), written);
});
