//! The program: hands over to `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sbi_run::cli::main(std::env::args_os().collect())
}
