//! How the program is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Addresses that are put right when the program is loaded, packed: 3 MB less to read. Linkers that do not know it warn.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") && std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|e| e == "gnu")
    {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
