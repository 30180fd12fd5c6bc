//! Embedded files are read again when one of them is added, changed or removed.
fn main() {
    println!("cargo::rerun-if-changed=../../templates/pages");
    println!("cargo::rerun-if-changed=static");
}
