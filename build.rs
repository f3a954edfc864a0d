//! Makes the binary small and quick to load, where the target is Linux with glibc. GCC's unwinder is linked into it: to load
//! that as a library takes a fifteenth of the time of a whole deletion. Relocations are packed, which makes the binary a
//! twentieth smaller, and which glibc from 2.36 on can read: a binary for older ones is built where they are. Functions that
//! are the same are kept once, where the linker can do that; Rust gives their addresses no meaning.

use std::env::var;
use std::path::Path;
use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |name| var(name).unwrap_or_default();
    if target("CARGO_CFG_TARGET_OS") == "linux" && target("CARGO_CFG_TARGET_ENV") == "gnu" {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        if links("-Wl,--icf=all") {
            println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
        }
    }
}

/// Whether a program can be linked with this argument: LLVM's linker and mold take more than GNU's.
fn links(argument: &str) -> bool {
    let (Ok(rustc), Ok(target), Ok(folder)) = (var("RUSTC"), var("TARGET"), var("OUT_DIR")) else {
        return false;
    };
    let folder = Path::new(&folder);
    let source = folder.join("probe.rs");
    if std::fs::write(&source, "fn main() {}").is_err() {
        return false;
    }
    let mut probe = Command::new(rustc);
    probe
        .arg(source)
        .args(["--edition", "2024", "--target", &target]);
    probe.args(["-C", &format!("link-arg={argument}")]);
    if let Ok(linker) = var("RUSTC_LINKER") {
        probe.args(["-C", &format!("linker={linker}")]);
    }
    let flags = var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    probe.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    probe.arg("-o").arg(folder.join("probe"));
    let probed = probe.stdout(Stdio::null()).stderr(Stdio::null()).status();
    probed.is_ok_and(|status| status.success())
}
