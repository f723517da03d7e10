//! What a results folder was made from: the text of the experiment, where it lay, and what the command line changed.
//!
//! `experiment.toml` and `inputs.json` are written before the first run, so that shards can be merged, and an unfinished
//! plan gone on with, from the folder alone.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Error, Folder};

const TEXT: &str = "experiment.toml";
const FILE: &str = "inputs.json";

/// Text, place and overrides of an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// The experiment's name, which is its file's stem.
    pub name: String,
    pub text: String,
    /// The folder from which the experiment names other files.
    pub home: PathBuf,
    /// `--set path=value`, in their order.
    pub set: Vec<(String, String)>,
    /// `Plan::checksum`.
    pub plan_sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Written {
    name: String,
    /// As seen from the results folder, with `/` between its parts.
    home: String,
    set: Vec<(String, String)>,
    plan_sha256: String,
}

impl Inputs {
    /// Writes both files, each whole or not at all.
    pub fn write(&self, folder: &Folder) -> Result<(), Error> {
        let home = if self.home.as_os_str().is_empty() { Path::new(".") } else { &self.home };
        let home = folder.way_to(home).to_string_lossy().replace('\\', "/");
        let written =
            Written { name: self.name.clone(), home, set: self.set.clone(), plan_sha256: self.plan_sha256.clone() };
        // A struct of strings always has a JSON form.
        let json = serde_json::to_string_pretty(&written).unwrap_or_default() + "\n";
        folder.write(TEXT, |out| out.write_all(self.text.as_bytes()))?;
        folder.write(FILE, |out| out.write_all(json.as_bytes()))
    }

    /// Whether a path is a folder with such files.
    pub fn are_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// Reads them from a folder.
    pub fn read(folder: &Path) -> Result<Inputs, Error> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|source| match source.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                    Error::NotResults(folder.to_path_buf())
                }
                _ => Error::io("read", &path, source),
            })
        };
        let (text, json) = (read(TEXT)?, read(FILE)?);
        let written: Written = serde_json::from_str(&json).map_err(|_| Error::NotResults(folder.to_path_buf()))?;
        let home = folder.join(&written.home);
        Ok(Inputs { name: written.name, text, home, set: written.set, plan_sha256: written.plan_sha256 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back_and_name_the_same_folder() {
        let lab = tempfile::tempdir().unwrap();
        let home = lab.path().join("experiments");
        fs::create_dir(&home).unwrap();
        let folder = Folder::create(&lab.path().join("results/silver")).unwrap();
        let inputs = Inputs {
            name: "silver".into(),
            text: "title = \"x\"\n".into(),
            home: home.clone(),
            set: vec![("seed".into(), "2".into())],
            plan_sha256: "ab".into(),
        };
        inputs.write(&folder).unwrap();
        assert!(fs::read_to_string(folder.file(FILE)).unwrap().contains("\"../../experiments\""));
        let back = Inputs::read(folder.path()).unwrap();
        assert_eq!(fs::canonicalize(&back.home).unwrap(), fs::canonicalize(&home).unwrap());
        assert_eq!(Inputs { home, ..back }, inputs);
        let error = Inputs::read(&lab.path().join("experiments")).unwrap_err().to_string();
        assert!(error.contains("is no folder of results"), "{error}");
    }
}
