//! The suite: cases of text, played on a cloud in memory.
//!
//! [`case`] reads and writes the text of a case, [`setting`] turns its parts into a configuration, a state and a cloud,
//! [`play`] runs it, and [`shown`] writes down what happened. [`suite`] compares that with what the case expects.
//! [`random`] makes configurations and faults for the properties, and [`simulate`] cuts runs off.

pub mod case;
pub mod play;
pub mod random;
pub mod setting;
pub mod shown;
pub mod simulate;
pub mod suite;
