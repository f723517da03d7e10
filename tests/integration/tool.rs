//! The tool as a user runs it: arguments in; exit code, standard output, standard error and result files out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether what is committed of the tool's answers is written anew, not compared.
pub fn updates_expected() -> bool {
    std::env::var("UPDATE_EXPECTED").is_ok_and(|value| value == "1")
}

/// Whether a program is here that a test needs; says that the test is skipped where it is not, and fails where the
/// environment promises it (`.ci/run` installs what is missing).
pub fn available(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Daemons are not on the path of every user.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = folders.map(|folder: PathBuf| folder.join(program)).any(|file| file.is_file());
    assert!(found || std::env::var_os("SBI_RUN_TOOLS_ARE_HERE").is_none(), "no `{program}` here");
    if !found {
        println!("skipped: no `{program}` here");
    }
    found
}

/// What the process left behind.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("the tool writes UTF-8");
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Asserts the exit code, and shows what was said where it is another.
    #[track_caller]
    pub fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }
}

/// A folder of its own, in which the tool is run.
pub struct Lab(TempDir);

impl Lab {
    pub fn new() -> Lab {
        Lab(tempfile::tempdir().expect("a folder"))
    }

    /// A folder with the experiments and the data of the repository.
    pub fn with_shipped() -> Lab {
        let lab = Lab::new();
        for folder in ["experiments", "data"] {
            lab.copy(folder);
        }
        lab
    }

    fn copy(&self, folder: &str) {
        for entry in fs::read_dir(repository().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().display());
            if path.is_dir() {
                self.copy(&name);
            } else {
                self.write(&name, fs::read(&path).unwrap());
            }
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        // Another build of the tool than the tests' own, behind an emulator perhaps.
        let tool = std::env::var("SBI_RUN_TOOL").unwrap_or(env!("CARGO_BIN_EXE_sbi-run").into());
        let mut words = tool.split_whitespace();
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        for name in ["SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "RUST_LOG"] {
            command.env_remove(name);
        }
        command
    }

    /// Puts a program of this name first on the path of `command_with_fakes`.
    #[cfg(unix)]
    pub fn fake(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let name = format!("bin/{name}");
        self.write(&name, format!("#!/bin/bash\n{script}\n"));
        fs::set_permissions(self.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The path on which programs are looked for: the lab's own, the tool, then what is there.
    pub fn search_path(&self) -> std::ffi::OsString {
        let tool = Path::new(env!("CARGO_BIN_EXE_sbi-run")).parent().unwrap().to_path_buf();
        let there = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths([self.path("bin"), tool].into_iter().chain(std::env::split_paths(&there))).unwrap()
    }

    /// The tool where the lab's own programs are found first.
    pub fn command_with_fakes(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("PATH", self.search_path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().expect("the tool starts"))
    }

    pub fn table(&self, name: &str) -> Table {
        Table::read(&self.read(name))
    }
}

/// A CSV file as text fields.
#[derive(Debug)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn read(text: &str) -> Table {
        let fields = |record: &csv::StringRecord| record.iter().map(String::from).collect();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = fields(reader.headers().expect("a header"));
        let rows = reader.records().map(|record| fields(&record.expect("a sound row"))).collect();
        Table { header, rows }
    }

    fn place(&self, column: &str) -> usize {
        let place = self.header.iter().position(|name| name == column);
        place.unwrap_or_else(|| panic!("no column {column} in {:?}", self.header))
    }

    pub fn column(&self, column: &str) -> Vec<&str> {
        let place = self.place(column);
        self.rows.iter().map(|row| row[place].as_str()).collect()
    }

    /// Empty fields are NaN.
    pub fn numbers(&self, column: &str) -> Vec<f64> {
        let number = |text: &str| match text {
            "" => f64::NAN,
            text => text.parse().unwrap_or_else(|_| panic!("{column} is {text:?}")),
        };
        self.column(column).into_iter().map(number).collect()
    }

    /// The rows with this value in the column.
    pub fn only(&self, column: &str, value: &str) -> Table {
        let place = self.place(column);
        let rows = self.rows.iter().filter(|row| row[place] == value).cloned().collect();
        Table { header: self.header.clone(), rows }
    }

    /// The same table without the columns that `drop` picks.
    pub fn without(&self, drop: impl Fn(&str) -> bool) -> Table {
        let keep: Vec<usize> = (0..self.header.len()).filter(|place| !drop(&self.header[*place])).collect();
        let pick = |row: &Vec<String>| keep.iter().map(|place| row[*place].clone()).collect();
        Table { header: pick(&self.header), rows: self.rows.iter().map(pick).collect() }
    }

    /// The row with the least loss.
    pub fn best(&self) -> usize {
        let losses = self.numbers("loss");
        (0..losses.len())
            .filter(|row| losses[*row].is_finite())
            .min_by(|a, b| losses[*a].total_cmp(&losses[*b]))
            .unwrap()
    }
}
