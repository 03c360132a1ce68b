//! The program `clothingid`; everything it does is in the library's `cli`.

fn main() -> std::process::ExitCode {
    clothingid_device::cli::main()
}
